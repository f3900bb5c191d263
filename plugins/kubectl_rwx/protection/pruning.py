"""Deleting old snapshots by rule: reads, decides (retention.py), deletes (removals.py), and says why each was kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_rwx.protection.answers import Answer, sum_up
from kubectl_rwx.protection.removals import Removed, remove_snapshots
from kubectl_rwx.protection.retention import Decision, Rules, decide, is_ours, taken_at
from kubectl_rwx.protection.rights import Right, require_rights
from kubectl_rwx.protection.snapshot_api import require_snapshot_api
from kubectl_rwx.protection.snapshot_reports import snapshot_item
from kubectl_rwx.protection.snapshot_users import read_uses
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline, age_of
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT
from plugin_core.model.manifests import name_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Column, Report, column
from plugin_core.storage.snapshots import claim_of

KIND = "PruneList"


@dataclass(frozen=True)
class PruneRequest:
    """claims: only snapshots of these, () for all. selector: labels of snapshots. timeout: until all are gone."""

    rules: Rules
    claims: tuple[str, ...] = ()
    selector: str = ""
    timeout: float = 300.0
    wait: bool = True

    def __post_init__(self) -> None:
        if self.timeout <= 0:
            raise errors.UsageError("--timeout must be longer than 0", hint="not to wait at all: --no-wait")


def prune_snapshots(cluster: Cluster, request: PruneRequest, progress: Progress) -> Answer:
    """One row for each snapshot looked at. A second run finds nothing to delete. A dry run says what would go."""
    deadline = Deadline.after(request.timeout)
    bounded, namespace = cluster.within(deadline), cluster.namespace
    require_snapshot_api(bounded)
    require_rights(bounded, [
        Right("list", VOLUME_SNAPSHOT), Right("delete", VOLUME_SNAPSHOT), Right("list", PERSISTENT_VOLUME_CLAIM),
    ], namespace=namespace)
    there = bounded.list_all(VOLUME_SNAPSHOT, namespace=namespace, labels=request.selector).items
    uses = read_uses(bounded, namespace=namespace)
    others = {name_of(item): "of another claim" for item in there
              if request.claims and claim_of(item) not in request.claims}
    decisions = [
        one for one in decide(there, request.rules, uses={**others, **uses}) if name_of(one.snapshot) not in others
    ]
    going = [one.snapshot for one in decisions if not one.keep]
    try:
        removed = remove_snapshots(
            cluster, going, uses=uses, deadline=deadline, progress=progress, wait=request.wait
        )
    except KeyboardInterrupt:
        raise errors.Interrupted(
            "interrupted: deletions that were asked for go on by themselves",
            hint="the same command again goes on with the others",
        ) from None
    report = _report(decisions, removed, verb="would go" if cluster.dry_run.on else "deleted", namespace=namespace)
    return Answer(report, sum_up(removed.problems, done=len(removed.gone), undone="snapshots were not deleted"))


def _report(decisions: Sequence[Decision], removed: Removed, *, verb: str, namespace: str) -> Report:
    gone = set(removed.gone)
    items: list[dict[str, Any]] = [
        {
            **snapshot_item(one.snapshot), "takenAt": taken_at(one.snapshot) or None, "ours": is_ours(one.snapshot),
            "decision": "keep" if one.keep else "delete",
            "change": "kept" if one.keep else verb if name_of(one.snapshot) in gone else "failed", "reason": one.reason,
        }
        for one in decisions
    ]
    return Report(
        kind=KIND, items=tuple(items), columns=_COLUMNS, notes=removed.notes,
        name=lambda item: f"{VOLUME_SNAPSHOT.prefix}/{item['name']}",
        empty=f"No snapshots found in namespace {namespace}.",
        facts={"deleted": len(gone), "kept": sum(one.keep for one in decisions),
               "retainedContents": dict(removed.retained), "problems": [problem.item for problem in removed.problems]},
    )


_COLUMNS = (
    column("NAME", "name"), column("SOURCE", "source"), Column("AGE", lambda item: age_of(item["takenAt"])),
    column("READY", "ready"), column("CHANGE", "change"), column("REASON", "reason"),
    column("SET", "set", wide=True), column("CONTENT", "content", wide=True),
)
