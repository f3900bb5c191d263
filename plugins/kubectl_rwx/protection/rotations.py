"""A snapshot and, once it is ready, retention of its claims: what a nightly job runs."""

from __future__ import annotations

from dataclasses import replace

from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.protection.pruning import PruneRequest, prune_snapshots
from kubectl_rwx.protection.retention import Rules
from kubectl_rwx.protection.snapshot_requests import SnapshotRequest
from kubectl_rwx.protection.snapshots import take_snapshots
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.progress import Progress


def refuse_unwaited(*, keep_last: int, wait: bool) -> None:
    """Raises UsageError for retention without waiting: an old one goes only when the new one is ready."""
    if keep_last and not wait:
        raise errors.UsageError(
            "--keep-last waits until the new snapshot is ready before an old one goes",
            hint="leave --no-wait out, or run kubectl rwx prune later",
        )


def snapshot_and_prune(cluster: Cluster, request: SnapshotRequest, progress: Progress, *, keep_last: int) -> Answer:
    """keep_last 0: no retention. Nothing goes unless every snapshot asked for became ready: a failing night must not
    eat the good ones. What went is in the report's `pruned`.
    """
    refuse_unwaited(keep_last=keep_last, wait=request.wait)
    answer = take_snapshots(cluster, request, progress)
    if not keep_last or cluster.dry_run.on:
        return answer
    if answer.failure:
        progress.warn("nothing was pruned (--keep-last): not every snapshot is ready")
        return answer
    claims = tuple(sorted({str(item["source"]) for item in answer.report.items if item["source"]}))
    pruned = prune_snapshots(
        cluster, PruneRequest(rules=Rules(keep_last=keep_last), claims=claims, timeout=request.timeout), progress
    )
    gone = [item["name"] for item in pruned.report.items if item["change"] == "deleted"]
    said = f"pruned (--keep-last {keep_last}): {', '.join(gone) or 'none'}"
    notes = (*answer.report.notes, *pruned.report.notes, said)
    report = replace(answer.report, facts={**answer.report.facts, "pruned": gone}, notes=notes)
    if pruned.failure:
        failure = errors.PartlyDone(
            f"the snapshot is ready, but retention failed: {pruned.failure.message}", hint=pruned.failure.hint
        )
        return Answer(report, failure)
    return Answer(report)
