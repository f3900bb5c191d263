"""Carrying a template change through to running pods, by way of zero replicas where old and new pods cannot overlap.

A crash at any point leaves a record from which `finish` goes on: the template and the count to return to are in it.
"""

from __future__ import annotations

from collections.abc import Callable

from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.template import hold_at_zero, hold_removal, release, remove_sidecar
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import POD, STATEFUL_SET
from plugin_core.model.manifests import Manifest, labels_of, name_of, namespace_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.edits import Edited, edit_workload
from plugin_core.workloads.pods import STATEFUL_SET_REVISION, is_observed, is_ready, read_pods
from plugin_core.workloads.templates import kind_of
from plugin_core.workloads.waits import Look, Rollout, look_at_rollout, wait_for_rollout, wait_until_gone

Edit = Callable[[Manifest], Manifest]


def add(cluster: Cluster, workload: Manifest, *, edit: Edit, hold: bool) -> Edited:
    """One patch: the edit, which leaves a record, and zero replicas along with it where old pods must go first."""

    def held(before: Manifest) -> Manifest:
        after = edit(before)
        record = read_record(after)
        return hold_at_zero(after, record) if record and read_record(before) is None else after

    return _edit(cluster, workload, held if hold else edit)


def take_out(cluster: Cluster, workload: Manifest, *, hold: bool) -> Edited:
    """One patch that takes the sidecar out; no request for a workload without a record.

    A workload that is held at zero is undone by way of zero too, whatever hold says.
    """

    def edit(before: Manifest) -> Manifest:
        record = read_record(before)
        if record is None:
            return before
        if record.removing:
            return before
        if hold or record.replicas is not None:
            return hold_removal(before, record)
        return remove_sidecar(before, record).workload

    return _edit(cluster, workload, edit)


def take_out_foreign(cluster: Cluster, workload: Manifest, *, edit: Edit) -> Edited:
    """One patch of a workload without a record; what got one meanwhile is left alone."""
    return _edit(cluster, workload, lambda before: before if read_record(before) is not None else edit(before))


def change(cluster: Cluster, workload: Manifest, *, edit: Edit, hold: bool) -> Edited:
    """One patch of a workload that has a record already; zero replicas along with it where old pods must go first."""

    def held(before: Manifest) -> Manifest:
        after = edit(before)
        record = read_record(after)
        return hold_at_zero(after, record) if record and after != before else after

    return _edit(cluster, workload, held if hold else edit)


def change_back(
    cluster: Cluster, workload: Manifest, *, edit: Edit, hold: bool, deadline: Deadline, progress: Progress,
    look: Look = look_at_rollout,
) -> Rollout:
    """Undoes a change whose rollout failed; edit: the way back. Pods left standing go, as in roll_back."""
    kind, name, namespace = kind_of(workload), name_of(workload), namespace_of(workload)
    current = cluster.get(kind, name, namespace=namespace)
    failed = part_of(current, "status", "updateRevision") if is_observed(current) else None
    restored = change(cluster, workload, edit=edit, hold=hold).after
    if kind == STATEFUL_SET and failed:
        _clear_failed_pods(cluster, restored, revision=str(failed), deadline=deadline, progress=progress)
    return finish(cluster, restored, deadline=deadline, progress=progress, look=look)


def finish(
    cluster: Cluster, workload: Manifest, *, deadline: Deadline, progress: Progress, leave_held: bool = False,
    look: Look = look_at_rollout,
) -> Rollout:
    """Waits for the rollout; first lets a held workload's pods go and returns it to its replicas.

    A held workload gets its replicas back even when its pods are not gone by the deadline: the new ones then wait for
    the volume, which is better than none at all. leave_held: not so, because the caller goes another way from there.
    look: see wait_for_rollout.
    """
    record = read_record(workload)
    if record is not None and record.replicas is not None:
        late = _wait_for_zero(cluster, workload, deadline=deadline, progress=progress, look=look)
        if late is not None and leave_held:
            return late
        workload = _edit(cluster, workload, release).after
    return wait_for_rollout(cluster, workload, deadline=deadline, progress=progress, look=look)


def _wait_for_zero(
    cluster: Cluster, workload: Manifest, *, deadline: Deadline, progress: Progress, look: Look
) -> Rollout | None:
    """None when its pods are gone; otherwise where it stood at the deadline."""
    stopped = wait_for_rollout(cluster, workload, deadline=deadline, progress=progress, look=look)
    if stopped.phase is not Phase.READY:
        return stopped
    left = wait_until_gone(cluster, workload, which=lambda pod: True, deadline=deadline, progress=progress)
    if not left:
        return None
    names = ", ".join(f"pod/{name_of(pod)}" for pod in left)
    return Rollout(Readiness(Phase.WAITING, f"held at 0 replicas; still terminating: {names}"), workload)


def roll_back(
    cluster: Cluster, workload: Manifest, *, hold: bool, deadline: Deadline, progress: Progress,
    look: Look = look_at_rollout,
) -> Rollout:
    """Takes the sidecar out again and waits for the workload to be as it was.

    Pods of the failed revision that a StatefulSet left standing are deleted: it replaces no pod that never got ready
    (kubernetes.io, StatefulSet, "Forced rollback").
    """
    kind, name, namespace = kind_of(workload), name_of(workload), namespace_of(workload)
    current = cluster.get(kind, name, namespace=namespace)
    failed = part_of(current, "status", "updateRevision") if is_observed(current) else None
    restored = take_out(cluster, workload, hold=hold).after
    if kind == STATEFUL_SET and failed:
        _clear_failed_pods(cluster, restored, revision=str(failed), deadline=deadline, progress=progress)
    return finish(cluster, restored, deadline=deadline, progress=progress, look=look)


def look_now(cluster: Cluster, workload: Manifest) -> Rollout:
    """Where the workload stands now, without waiting."""
    current = cluster.get(kind_of(workload), name_of(workload), namespace=namespace_of(workload))
    return look_at_rollout(cluster, current)


def has_sidecar(pod: Manifest) -> bool:
    """Whether the pod has it, whatever its workload's template says by now."""
    return sidecar_of(pod.get("spec") or {}) is not None


def wait_for_sidecars_gone(
    cluster: Cluster, workload: Manifest, *, deadline: Deadline, progress: Progress
) -> tuple[Manifest, ...]:
    """Waits until no pod with a sidecar is left, terminating ones included: they still need their SCC."""
    return wait_until_gone(cluster, workload, which=has_sidecar, deadline=deadline, progress=progress)


def _clear_failed_pods(
    cluster: Cluster, workload: Manifest, *, revision: str, deadline: Deadline, progress: Progress
) -> None:
    def observed(manifest: Manifest | None) -> Readiness:
        done = manifest is None or is_observed(manifest)
        return Readiness(Phase.READY if done else Phase.WAITING, "waiting for its controller to see the old template")

    name, namespace = name_of(workload), namespace_of(workload)
    seen = wait_for(cluster, kind_of(workload), [name], namespace=namespace, judge=observed, deadline=deadline)
    current = seen[name].manifest
    if current is None or part_of(current, "status", "updateRevision") == revision:
        return
    for pod in read_pods(cluster, current).all:
        if labels_of(pod).get(STATEFUL_SET_REVISION) == revision and not is_ready(pod):
            try:
                cluster.delete(POD, name_of(pod), namespace=namespace, uid=uid_of(pod))
                progress.note(f"pod/{name_of(pod)} deleted: it has the failed template and never got ready")
            except (errors.NotFound, errors.Conflict):
                continue


def _edit(cluster: Cluster, workload: Manifest, edit: Edit) -> Edited:
    return edit_workload(cluster, kind_of(workload), name_of(workload), namespace=namespace_of(workload), edit=edit)
