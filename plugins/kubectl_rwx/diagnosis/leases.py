"""What a lease tells of the process that should be renewing it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of

FRESH = 120.0
"""Seconds since a lease was renewed; it is every 5, and clocks differ."""

HANDOVER = 30.0
"""Seconds that a released lease may be without a holder: the next one takes it within 15."""


class Life(str, Enum):
    RUNNING = "running"
    STOPPED = "stopped"
    UNSEEN = "not observed"


@dataclass(frozen=True)
class Sign:
    """observed: the evidence. source: the lease or workload it was read from."""

    life: Life
    observed: str
    source: str


def judge_leases(leases: Sequence[Manifest], *, now: datetime | None = None) -> Sign | None:
    """By the one renewed last: leases of one name may lie in several namespaces, left over from a move.

    None when there is none (leader election is off in many deployments), or it is being handed over.
    """
    lease = max(leases, key=renewed_at, default=None)
    if lease is None:
        return None
    past = seconds_since(renewed_at(lease) or None, now=now)
    ago, source = format_duration(int(past)), f"lease/{name_of(lease)} in {namespace_of(lease)}"
    if not part_of(lease, "spec", "holderIdentity"):
        if past <= HANDOVER:
            return None
        return Sign(Life.STOPPED, f"its lease in {namespace_of(lease)} is held by nobody since {ago}", source)
    if past <= FRESH and renewed_at(lease):
        return Sign(Life.RUNNING, f"its lease in {namespace_of(lease)} was renewed {ago} ago", source)
    return Sign(Life.STOPPED, f"its lease in {namespace_of(lease)} was last renewed {ago} ago", source)


def renewed_at(lease: Manifest) -> str:
    """spec.renewTime, RFC 3339; "" when it was never taken."""
    return str(part_of(lease, "spec", "renewTime") or "")


def lease_name(name: str) -> str:
    """As the CSI sidecars write it: every odd letter a dash (csi-lib-utils leaderelection/leader_election.go)."""
    plain = re.sub(r"[^a-zA-Z0-9-]", "-", name)
    return plain + "X" if plain.endswith("-") else plain
