"""Which snapshots stay and which go, and why: pure rules on snapshots that were read elsewhere.

What is never decided to go: the last ready snapshot of a claim, a snapshot that is being restored from, one that others
made (unless asked for), and a member of a set or group of which another member stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from plugin_core import errors
from plugin_core.model.durations import age_of, format_duration, seconds_since
from plugin_core.model.manifests import Manifest, is_terminating, labels_of, name_of, part_of
from plugin_core.names import MANAGED_BY_LABEL, RWX, SET_LABEL
from plugin_core.storage.snapshots import claim_of, error_of, is_ready


@dataclass(frozen=True)
class Rules:
    """keep_last: newest ready snapshots of each claim that stay, 0 when not asked for. keep_within: seconds, 0 too.

    What either rule keeps stays. by_set: a set stays or goes as a whole. include_foreign: other tools' snapshots count
    and may go too.
    """

    keep_last: int = 0
    keep_within: float = 0.0
    by_set: bool = True
    include_foreign: bool = False

    def __post_init__(self) -> None:
        if self.keep_last < 0 or self.keep_within < 0 or not (self.keep_last or self.keep_within):
            raise errors.UsageError(
                "say what to keep", hint="--keep-last 7, --keep-within 14d, or both; the last ready one always stays"
            )


@dataclass(frozen=True)
class Decision:
    """keep with its reason, or go with its reason."""

    snapshot: Manifest
    keep: bool
    reason: str


def is_ours(snapshot: Manifest) -> bool:
    return labels_of(snapshot).get(MANAGED_BY_LABEL) == RWX


def taken_at(snapshot: Manifest) -> str:
    """When it was cut, else when it was asked for: RFC 3339, which sorts as text."""
    moment = part_of(snapshot, "status", "creationTime") or part_of(snapshot, "metadata", "creationTimestamp")
    return str(moment or "")


def group_of(snapshot: Manifest) -> str:
    """The VolumeGroupSnapshot it was cut with; such a member cannot be deleted alone. "" for none."""
    return str(part_of(snapshot, "status", "volumeGroupSnapshotName") or "")


def decide(
    snapshots: Sequence[Manifest], rules: Rules, *, uses: Mapping[str, str], now: datetime | None = None
) -> list[Decision]:
    """One decision for each snapshot of one namespace, newest first. uses: snapshot → why it may not go now."""
    newest_first = sorted(snapshots, key=lambda item: (taken_at(item), name_of(item)), reverse=True)
    by_source: dict[str, list[Manifest]] = defaultdict(list)
    reasons: dict[str, str] = {}
    going: dict[str, str] = {}
    for snapshot in newest_first:
        name = name_of(snapshot)
        if is_terminating(snapshot):
            reasons[name] = "it is being deleted already"
        elif not (is_ours(snapshot) or rules.include_foreign):
            reasons[name] = "others made it (--include-foreign)"
        else:
            by_source[_source(snapshot)].append(snapshot)
    for source, series in by_source.items():
        _decide_series(source, series, rules, now=now, reasons=reasons, going=going)
    for name, use in uses.items():
        if going.pop(name, None):
            reasons[name] = use
    _keep_together(newest_first, rules, reasons=reasons, going=going)
    return [
        Decision(snapshot, keep=name_of(snapshot) not in going,
                 reason=going.get(name_of(snapshot)) or reasons[name_of(snapshot)])
        for snapshot in newest_first
    ]


def _source(snapshot: Manifest) -> str:
    """What it is one more snapshot of: its claim; a pre-provisioned one is the only one of its content."""
    return claim_of(snapshot) or f"content {part_of(snapshot, 'spec', 'source', 'volumeSnapshotContentName') or '?'}"


def _decide_series(
    source: str, newest_first: Sequence[Manifest], rules: Rules, *, now: datetime | None, reasons: dict[str, str],
    going: dict[str, str],
) -> None:
    rank = 0
    for snapshot in newest_first:
        name, moment = name_of(snapshot), taken_at(snapshot)
        young = bool(rules.keep_within) and seconds_since(moment, now=now) < rules.keep_within
        if not is_ready(snapshot):
            if rank == 0 or (young and not error_of(snapshot)):
                reasons[name] = f"it is not ready, and no newer one of {source} is" if rank == 0 else _within(rules)
            else:
                going[name] = f"it never became ready, and a newer one of {source} is"
            continue
        rank += 1
        if rank <= rules.keep_last:
            reasons[name] = f"number {rank} of the last {rules.keep_last} of {source}"
        elif young:
            reasons[name] = _within(rules)
        elif rank == 1:
            reasons[name] = f"the last ready one of {source}"
        else:
            going[name] = f"number {rank} of {source}, {age_of(moment, now=now)} old"


def _within(rules: Rules) -> str:
    return f"younger than {format_duration(rules.keep_within)}"


def _keep_together(
    snapshots: Sequence[Manifest], rules: Rules, *, reasons: dict[str, str], going: dict[str, str]
) -> None:
    """Moves from going to reasons what is tied to a member that stays."""
    tied: dict[str, list[str]] = defaultdict(list)
    for snapshot in snapshots:
        group, own_set = group_of(snapshot), labels_of(snapshot).get(SET_LABEL, "")
        if group:
            tied[f"group {group}"].append(name_of(snapshot))
        if own_set and rules.by_set:
            tied[f"set {own_set}"].append(name_of(snapshot))
    changed = True
    while changed:
        changed = False
        for bundle, members in tied.items():
            staying = [name for name in members if name not in going]
            if staying and len(staying) < len(members):
                for name in set(members) - set(staying):
                    del going[name]
                    reasons[name] = f"{bundle} stays whole: {staying[0]} stays"
                changed = True
