"""Whose pods a grant would move to another SCC, user, group or SELinux level. Expected: nobody's.

OpenShift takes the first SCC in its order that is usable and fits, whether a pod asked for it or not. A copy that sorts
before the SCC an account has today captures the account's pods at their next restart: anyuid's priority of 10, kept in
a hand-made copy and granted to a namespace's group, is the known case (facts 6.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from oc_gsb.access.decisions import Admission, reaches_account
from oc_gsb.access.sources import PodSource
from oc_gsb.scc import Decision, Grant
from oc_gsb.sidecar.scc_plans import identity_of
from plugin_core.model.manifests import Manifest, name_of

REFUSED = "refused"


@dataclass(frozen=True)
class PodChange:
    """One pod that would come back different. before, after: its SCC, or "refused". details: what else changes."""

    pod: str
    source: str
    account: str
    before: str
    after: str
    details: tuple[str, ...] = ()

    def as_item(self) -> dict[str, Any]:
        return {"pod": self.pod, "from": self.source, "serviceAccount": self.account, "sccBefore": self.before,
                "sccAfter": self.after, "changes": list(self.details)}

    @property
    def sentence(self) -> str:
        more = f" ({'; '.join(self.details)})" if self.details else ""
        return f"pod/{self.pod} (service account {self.account}): {self.before} → {self.after}{more}"


@dataclass(frozen=True)
class Consequences:
    """changes: pods that would come back different. looked_at: pods of reached accounts. accounts: those accounts."""

    changes: tuple[PodChange, ...] = ()
    looked_at: int = 0
    accounts: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        if not self.looked_at:
            return "none: no pod runs with a service account the grant reaches"
        pods = f"{self.looked_at} pod{'s' if self.looked_at > 1 else ''}"
        return f"none: {pods} of service account {', '.join(self.accounts)} looked at"


def find_consequences(
    admission: Admission, sources: Sequence[PodSource], *, grants: Iterable[Grant], sccs: Sequence[Manifest]
) -> Consequences:
    """What happens to each pod of every reached account when it is made anew. sccs: all, with the copy among them."""
    granted, where = list(grants), name_of(admission.namespace)
    reached = [source for source in sources
               if any(reaches_account(grant, namespace=where, account=source.account) for grant in granted)]
    changes: list[PodChange] = []
    for source in reached:
        before = admission.decide(source.pod, owner=source.owner, account=source.account)
        after = admission.decide(source.pod, owner=source.owner, account=source.account, sccs=sccs, grants=granted)
        details = compare(before, after)
        if details is None:
            continue
        changes += [PodChange(pod, source.title, source.account, _scc(before), _scc(after), details)
                    for pod in source.pods]
    return Consequences(tuple(changes), sum(len(source.pods) for source in reached),
                        tuple(sorted({source.account for source in reached})))


def compare(before: Decision, after: Decision) -> tuple[str, ...] | None:
    """What a pod's volumes would notice, in words; () when only the SCC's name changes; None when nothing does."""
    if before.pod is None or after.pod is None:
        return None if _scc(before) == _scc(after) else ()
    old, new = identity_of(before.pod), identity_of(after.pod)
    details = tuple(f"{key} {_shown(old[key])} → {_shown(new.get(key))}" for key in old if old[key] != new.get(key))
    return details if details or before.scc != after.scc else None


def _scc(decision: Decision) -> str:
    return decision.scc or ("not checked" if decision.allowed else REFUSED)


def _shown(value: object) -> str:
    return "unset (the image's)" if value is None else str(value)
