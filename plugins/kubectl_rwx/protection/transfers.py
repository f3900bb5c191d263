"""A snapshot made readable in another namespace: a content and a VolumeSnapshot bound to each other, for a while.

Both point at the storage's own snapshot by its handle. The content's deletionPolicy is Retain, so that removing the
pair never touches the storage; that belongs to the original. Both are labelled, so that `cleanup` finds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_rwx.protection.snapshot_reports import describe_snapshot
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT, Kind
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of, namespace_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import judge_snapshot

PURPOSE = "transfer"
REMOVAL = 120.0
"""Seconds a pair may take to go, beyond the command's own time."""


@dataclass(frozen=True)
class Pair:
    """content is cluster-scoped; snapshot is in the target namespace. Both have one name."""

    content: Manifest
    snapshot: Manifest

    @property
    def name(self) -> str:
        return name_of(self.snapshot)


def pair_name(snapshot: Manifest, *, target: str) -> str:
    """Follows from the snapshot and the target, so that a second run finds what a crashed one made."""
    return "rwx-transfer-" + hashlib.sha256(f"{uid_of(snapshot)}/{target}".encode()).hexdigest()[:16]


def make_pair(snapshot: Manifest, content: Manifest, *, target: str, run: str) -> Pair:
    """The manifests. Raises NotReady when the storage's handle is not known."""
    handle = part_of(content, "status", "snapshotHandle")
    if not handle:
        raise errors.NotReady(
            "its content names no snapshot of the storage (status.snapshotHandle), so it cannot be shown elsewhere",
            hint=f"kubectl rwx describe vs/{name_of(snapshot)} -n {namespace_of(snapshot)}",
        )
    name = pair_name(snapshot, target=target)
    labels = {names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: run, names.TEMPORARY: PURPOSE}
    origin = {names.RESTORED_FROM: f"{namespace_of(snapshot)}/{name_of(snapshot)}",
              names.RESTORED_FROM_UID: uid_of(snapshot)}
    snapshot_class = part_of(content, "spec", "volumeSnapshotClassName")
    of_class = {"volumeSnapshotClassName": snapshot_class} if snapshot_class else {}
    mode = part_of(content, "spec", "sourceVolumeMode")
    allowed = annotations_of(content).get(names.ALLOW_MODE_CHANGE)
    return Pair(
        content={
            "apiVersion": VOLUME_SNAPSHOT_CONTENT.api_version, "kind": VOLUME_SNAPSHOT_CONTENT.name,
            "metadata": {"name": name, "labels": labels, "annotations": {
                **origin, **({names.ALLOW_MODE_CHANGE: allowed} if allowed else {})}},
            "spec": {
                "deletionPolicy": "Retain", "driver": part_of(content, "spec", "driver"),
                "source": {"snapshotHandle": handle}, **({"sourceVolumeMode": mode} if mode else {}), **of_class,
                "volumeSnapshotRef": {"apiVersion": VOLUME_SNAPSHOT.api_version, "kind": VOLUME_SNAPSHOT.name,
                                      "name": name, "namespace": target},
            },
        },
        snapshot={
            "apiVersion": VOLUME_SNAPSHOT.api_version, "kind": VOLUME_SNAPSHOT.name,
            "metadata": {"name": name, "namespace": target, "labels": labels, "annotations": origin},
            "spec": {"source": {"volumeSnapshotContentName": name}, **of_class},
        },
    )


def create_pair(cluster: Cluster, pair: Pair, progress: Progress) -> None:
    """Content first: the snapshot is bound to it by name. One that an earlier run left is taken over."""
    for manifest, kind in ((pair.content, VOLUME_SNAPSHOT_CONTENT), (pair.snapshot, VOLUME_SNAPSHOT)):
        try:
            cluster.create(manifest)
        except errors.AlreadyExists:
            there = cluster.get(kind, pair.name, namespace=namespace_of(manifest) or None)
            if labels_of(there).get(names.TEMPORARY) != PURPOSE:
                raise
            continue
        progress.note(f"{kind.name.lower()}/{pair.name} created for the time of the restore{cluster.dry_run.suffix}")


def wait_for_pairs(
    cluster: Cluster, pairs: Sequence[Pair], *, target: str, deadline: Deadline, progress: Progress
) -> dict[str, Outcome]:
    """Where each pair's snapshot stands, by the pair's name."""
    progress.phase(f"waiting until the snapshots can be read in namespace {target}", total=len(pairs))
    return wait_for(
        cluster, VOLUME_SNAPSHOT, [pair.name for pair in pairs], namespace=target, judge=judge_snapshot,
        deadline=deadline, labels=f"{names.TEMPORARY}={PURPOSE}",
    )


def remove_pairs(cluster: Cluster, pair_names: Sequence[str], *, target: str, progress: Progress) -> list[str]:
    """Deletes snapshots, then contents, waiting for each; the names of pairs that are not gone.

    In this order the content still says Retain while the controller lets go of the snapshot, and a finalizer that is
    left names its owner. Time of its own: what was created is removed even when the command's time is over.
    """
    deadline = Deadline.after(REMOVAL)
    bounded = cluster.within(deadline)
    left = _remove(bounded, VOLUME_SNAPSHOT, pair_names, namespace=target, deadline=deadline)
    gone = [name for name in pair_names if name not in left]
    left += _remove(bounded, VOLUME_SNAPSHOT_CONTENT, gone, namespace="", deadline=deadline)
    for name in pair_names:
        if name in left:
            progress.warn(f"{describe_snapshot(name)} in namespace {target} is not gone yet: kubectl rwx cleanup")
        else:
            progress.note(f"{describe_snapshot(name)} and its content removed; the storage's snapshot was not touched")
    return left


def _remove(
    cluster: Cluster, kind: Kind, wanted: Sequence[str], *, namespace: str, deadline: Deadline
) -> list[str]:
    there = []
    for name in wanted:
        try:
            found = cluster.get(kind, name, namespace=namespace or None)
            if kind == VOLUME_SNAPSHOT_CONTENT and part_of(found, "spec", "deletionPolicy") != "Retain":
                cluster.patch(kind, name, {"spec": {"deletionPolicy": "Retain"}})
            cluster.delete(kind, name, namespace=namespace or None, uid=uid_of(found))
        except errors.NotFound:
            continue
        there.append(name)
    outcomes = wait_for(
        cluster, kind, there, namespace=namespace, deadline=deadline,
        judge=lambda seen: Readiness(Phase.READY if seen is None else Phase.WAITING),
    )
    return [name for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING]
