"""Waiting until every snapshot is cut: the moment from which writers may go on."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from kubectl_rwx.protection.bindings import first_reason
from kubectl_rwx.protection.quiesce_requests import READY, QuiesceRequest
from kubectl_rwx.protection.quiescing import check_hold
from kubectl_rwx.protection.stillness import Hold
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import content_of, error_of, is_ready, judge_snapshot

MARGIN = 2.0
"""Seconds by which we are earlier than the timers."""


def judge_cut(snapshot: Manifest | None) -> Readiness:
    """Cut when a content is bound, status.creationTime is there and no error: the rule of CloudNativePG's backups.

    Drivers that copy set creationTime when the copy is complete, csi-driver-nfs among them.
    """
    readiness = judge_snapshot(snapshot)
    if readiness.phase is not Phase.WAITING or snapshot is None:
        return readiness
    if content_of(snapshot) and part_of(snapshot, "status", "creationTime") and not error_of(snapshot):
        return Readiness(Phase.READY)
    return readiness


def is_cut(snapshot: Manifest) -> bool:
    """Whether nothing written from now on can be in it."""
    return is_ready(snapshot) or judge_cut(snapshot).phase is Phase.READY


def wait_until_cut(
    cluster: Cluster, snapshots: Sequence[Manifest], *, until: str, labels: str, deadline: Deadline, progress: Progress
) -> dict[str, Outcome]:
    """Where each stands when all are cut (or ready, by --hold-until) or never will be, or at the deadline."""
    names = [name_of(snapshot) for snapshot in snapshots]
    what = "ready" if until == READY else "cut"
    which = "the snapshot is" if len(names) == 1 else f"{len(names)} snapshots are"
    progress.phase(f"writers stand still until {which} {what}", total=len(names))

    def notify(outcomes: dict[str, Outcome]) -> None:
        waiting = {name: outcome for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING}
        progress.update(done=len(outcomes) - len(waiting), waiting_for=first_reason(waiting))

    return wait_for(
        cluster, VOLUME_SNAPSHOT, names, namespace=cluster.namespace, deadline=deadline, labels=labels,
        judge=judge_snapshot if until == READY else judge_cut, notify=notify,
    )


def hold_deadline(hold: Hold, deadline: Deadline, *, timeout: float) -> Deadline:
    """How long a cut may be waited for: we thaw, before the timers in the pods have to."""
    if hold.until is None:
        return deadline
    left = hold.until.timestamp() - time.time() - MARGIN
    return Deadline(at=min(deadline.at, time.monotonic() + max(0.0, left)), seconds=timeout)


def hold_until_cut(
    cluster: Cluster, hold: Hold, request: QuiesceRequest, snapshots: Sequence[Manifest], *, claims: Collection[str],
    labels: str, deadline: Deadline, progress: Progress,
) -> list[Manifest]:
    """The snapshots as last seen, when the writers may go on; hold.broken says what did not go as promised."""
    outcomes = wait_until_cut(
        cluster, snapshots, until=request.hold_until, labels=labels, deadline=deadline, progress=progress
    )
    late = [name for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING]
    if late:
        limit = "--freeze-timeout" if hold.until else "--timeout"
        words = (f"{len(late)} of {len(snapshots)} snapshots were not {request.hold_until} within "
                 f"{format_duration(deadline.seconds)} ({limit}), and the writers went on")
        hold.broken.append(words)
        hold.unforgiven.append(words)
    check_hold(cluster, hold, claims)
    return [outcomes[name_of(snapshot)].manifest or snapshot for snapshot in snapshots]
