"""Taking all pods of a workload away for a while, with a record on the workload that brings exactly them back.

Record and change are one request: whatever dies, and whenever, the workload says itself how many replicas it had. An
autoscaler leaves a workload with 0 replicas alone (kubernetes pkg/controller/podautoscaler: "scaling is disabled since
the replica count of the target is zero"), so it needs no pausing.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import pause
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import Kind
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of
from plugin_core.model.progress import Progress
from plugin_core.model.refs import ref_to
from plugin_core.names import SCALE_RECORD
from plugin_core.workloads.edits import edit_workload
from plugin_core.workloads.templates import WORKLOAD_KINDS, kind_of, pod_spec_of, replicas_of
from plugin_core.workloads.waits import Rollout, wait_for_rollout, wait_until_gone

SETTLE = 5.0
"""Seconds a kubelet is given to stop the containers of pods that are gone already."""


@dataclass(frozen=True)
class ScaleRecord:
    """replicas: how many there were. run: of the command that scaled. since: RFC 3339. why: in words, for readers."""

    replicas: int
    run: str
    since: str
    why: str


def read_scale_record(workload: Manifest) -> ScaleRecord | None:
    """What the workload says of itself; None when nobody scaled it down. Raises NotReady when it is garbled."""
    text = annotations_of(workload).get(SCALE_RECORD)
    if text is None:
        return None
    try:
        found = json.loads(text)
        return ScaleRecord(int(found["replicas"]), str(found["run"]), str(found["since"]), str(found["why"]))
    except (ValueError, KeyError, TypeError) as error:
        what, where = ref_to(kind_of(workload), workload), namespace_of(workload)
        raise errors.NotReady(
            f"the annotation {SCALE_RECORD} of {what} cannot be read: {text}",
            hint=f"scale it by hand, then remove the record: kubectl annotate {what} -n {where} {SCALE_RECORD}-",
        ) from error


def can_scale(workload: Manifest) -> bool:
    """Whether it has a replica count: a DaemonSet, Job or CronJob has none."""
    return (workload.get("apiVersion"), workload.get("kind")) in {(kind.api_version, kind.name)
                                                                  for kind in WORKLOAD_KINDS}


def scale_down(cluster: Cluster, workload: Manifest, *, run: str, why: str) -> Manifest:
    """Sets 0 replicas and records how many there were; the workload as the server has it afterwards.

    A record that is there while the workload has 0 replicas (a run that died, or one that goes on at the same time)
    keeps its number and becomes this run's. Does not wait; wait_until_down does. A repeat changes nothing.
    """

    def edit(before: Manifest) -> Manifest:
        after, there = copy.deepcopy(before), read_scale_record(before)
        if there and replicas_of(before) == 0:
            if there.run == run:
                return after
            record = ScaleRecord(there.replicas, run, there.since, why)
        else:
            record = ScaleRecord(replicas_of(before), run, _now(), why)
        after["metadata"].setdefault("annotations", {})[SCALE_RECORD] = json.dumps(asdict(record))
        after["spec"]["replicas"] = 0
        return after

    edited = edit_workload(
        cluster, kind_of(workload), name_of(workload), namespace=namespace_of(workload), edit=edit
    )
    return edited.after


def vanishes_early(workload: Manifest) -> bool:
    """Whether the API forgets its pods before their containers have ended: terminationGracePeriodSeconds is 0.

    The server then deletes the object at once, and the kubelet stops the containers when it hears of it, a second or
    two later (kubernetes pkg/registry/core/pod/strategy.go, CheckGracefulDelete). Nothing in the API tells when.
    """
    return pod_spec_of(workload).get("terminationGracePeriodSeconds") == 0


def wait_until_down(cluster: Cluster, workload: Manifest, *, deadline: Deadline, progress: Progress) -> None:
    """Returns when every pod of the workload is gone, not merely terminating. Raises TimedOut naming those left.

    Where pods vanish early, SETTLE seconds later: likely enough, but no proof that nothing runs any more.
    """
    left = wait_until_gone(cluster, workload, which=lambda pod: True, deadline=deadline, progress=progress)
    if left:
        what = ref_to(kind_of(workload), workload)
        raise errors.TimedOut(
            f"{what} has 0 replicas, but after {format_duration(deadline.seconds)} there "
            f"still are: {', '.join(f'pod/{name_of(pod)}' for pod in left)}",
            hint=f"see why: kubectl describe pod -n {namespace_of(workload)} {name_of(left[0])}",
        )
    if vanishes_early(workload):
        progress.update(done=0, waiting_for="its pods have no grace period: their containers end after they are gone")
        pause(min(SETTLE, deadline.left))


@dataclass(frozen=True)
class ScaledBack:
    """replicas: what it has now. record: the one it was scaled back from; None when there was none to go by.

    others: the record is another run's, which took the workload over and will scale it back; nothing was changed.
    """

    workload: Manifest
    replicas: int
    record: ScaleRecord | None = None
    others: bool = False

    @property
    def changed(self) -> bool:
        return self.record is not None and not self.others


def scale_back(cluster: Cluster, kind: Kind, name: str, *, namespace: str, run: str = "") -> ScaledBack:
    """Sets the recorded replicas and removes the record, in one request. run "": whoever scaled it down.

    Without a record nothing is done. A workload that somebody scaled up meanwhile keeps what it has, and loses the
    record. Does not wait for pods; wait_until_back does. Raises NotFound when the workload is gone.
    """
    seen: list[ScaleRecord | None] = []

    def edit(before: Manifest) -> Manifest:
        after, record = copy.deepcopy(before), read_scale_record(before)
        # a try whose answer was lost finds no record any more: what it had read first still counts
        seen.append(record or (seen[-1] if seen else None))
        if record is None or (run and record.run != run):
            return after
        del after["metadata"]["annotations"][SCALE_RECORD]
        if replicas_of(before) == 0:
            after["spec"]["replicas"] = record.replicas
        return after

    after = edit_workload(cluster, kind, name, namespace=namespace, edit=edit).after
    record = seen[-1]
    return ScaledBack(after, replicas_of(after), record, others=bool(record and run and record.run != run))


def wait_until_back(cluster: Cluster, workload: Manifest, *, deadline: Deadline, progress: Progress) -> Rollout:
    """Where its rollout stands when all replicas are available, cannot be, or the deadline has passed."""
    return wait_for_rollout(cluster, workload, deadline=deadline, progress=progress)


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
