"""Removing what a run made, in the order that cannot deadlock, and saying what is left.

Pods let go of claims; a restored claim must be gone before its snapshot, a snapshot before its source claim
(kubernetes-csi/external-snapshotter issues 349 and 1305, external-provisioner issue 1507). Classes that retain would
leave volume and snapshot in the storage: ours are turned to Delete first, where that is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubectl_rwx.readiness.verification.objects import CLONE, KINDS, RESTORE, Objects
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import content_of

SECONDS = 120.0
"""Cleanup has time of its own: the run's may be over."""


@dataclass
class Removal:
    """removed: how many objects are gone. left: what is not, each with what was observed."""

    removed: int = 0
    left: list[str] = field(default_factory=list)


def remove_everything(
    cluster: Cluster, objects: Objects, *, progress: Progress, snapshots: bool = True, seconds: float = SECONDS
) -> Removal:
    """Deletes all that carries the run's label, found in the cluster: what a lost answer made is found, too.

    snapshots: whether the cluster serves them at all.
    """
    deadline, removal = Deadline.after(seconds), Removal()
    bounded, namespace = cluster.within(deadline), objects.namespace
    kinds = [kind for kind in KINDS if snapshots or kind != VOLUME_SNAPSHOT]
    found = {kind: bounded.list_all(kind, namespace=namespace, labels=objects.selector).items for kind in kinds}
    progress.phase("removing what was made", total=sum(map(len, found.values())))
    claims = found[PERSISTENT_VOLUME_CLAIM]
    copies = [claim for claim in claims if name_of(claim) in (objects.name(RESTORE), objects.name(CLONE))]
    volumes = [str(part_of(claim, "spec", "volumeName")) for claim in claims if part_of(claim, "spec", "volumeName")]
    contents = [content_of(item) for item in found.get(VOLUME_SNAPSHOT, []) if content_of(item)]
    _do_not_retain(bounded, PERSISTENT_VOLUME, volumes, field_name="persistentVolumeReclaimPolicy", removal=removal)
    _do_not_retain(bounded, VOLUME_SNAPSHOT_CONTENT, contents, field_name="deletionPolicy", removal=removal)
    sources = [claim for claim in claims if claim not in copies]
    for kind, stage in ((POD, found[POD]), (PERSISTENT_VOLUME_CLAIM, copies),
                        (VOLUME_SNAPSHOT, found.get(VOLUME_SNAPSHOT, [])), (PERSISTENT_VOLUME_CLAIM, sources)):
        _remove(bounded, kind, stage, objects, deadline=deadline, removal=removal)
        progress.update(done=removal.removed)
    _await_volumes(bounded, volumes, deadline=deadline, removal=removal)
    return removal


def how_to_remove(objects: Objects) -> str:
    """The commands that do by hand what is done here, in the same order."""
    tail = f"-n {objects.namespace} -l {objects.selector}"
    return (f"kubectl delete pod {tail} && kubectl delete pvc -n {objects.namespace} --ignore-not-found "
            f"{objects.name(RESTORE)} {objects.name(CLONE)} && kubectl delete volumesnapshot {tail} && "
            f"kubectl delete pvc {tail}")


def _remove(
    cluster: Cluster, kind: Kind, stage: Sequence[Manifest], objects: Objects, *, deadline: Deadline, removal: Removal
) -> None:
    asked = []
    for item in stage:
        try:
            cluster.delete(kind, name_of(item), namespace=objects.namespace)
            asked.append(name_of(item))
        except errors.NotFound:
            removal.removed += 1
        except errors.PluginError as error:
            removal.left.append(f"{kind.name.lower()}/{name_of(item)}: {error.message}")
    outcomes = wait_for(
        cluster, kind, asked, namespace=objects.namespace, deadline=deadline, labels=objects.selector,
        judge=lambda seen: Readiness(Phase.READY if seen is None else Phase.WAITING),
    )
    for name, outcome in outcomes.items():
        if outcome.phase is Phase.READY:
            removal.removed += 1
        else:
            held = ", ".join(part_of(outcome.manifest or {}, "metadata", "finalizers") or ["none"])
            removal.left.append(f"{kind.name.lower()}/{name}: is being deleted, finalizers: {held}")


def _do_not_retain(
    cluster: Cluster, kind: Kind, names: Sequence[str], *, field_name: str, removal: Removal
) -> None:
    for name in names:
        try:
            if part_of(cluster.get(kind, name), "spec", field_name) == "Retain":
                cluster.patch(kind, name, {"spec": {field_name: "Delete"}})
        except (errors.Forbidden, errors.NotFound):
            continue
        except errors.PluginError as error:
            removal.left.append(f"{kind.name.lower()}/{name}: it may be retained: {error.message}")


def _await_volumes(cluster: Cluster, volumes: Sequence[str], *, deadline: Deadline, removal: Removal) -> None:
    """The storage is free again when the volumes are gone; who may not look is told by nothing here."""
    try:
        outcomes = wait_for(
            cluster, PERSISTENT_VOLUME, volumes, namespace="", deadline=deadline,
            judge=lambda seen: Readiness(Phase.READY if seen is None else Phase.WAITING),
        )
    except errors.Forbidden:
        return
    for name, outcome in outcomes.items():
        if outcome.phase is not Phase.READY:
            phase = part_of(outcome.manifest or {}, "status", "phase")
            removal.left.append(f"persistentvolume/{name}: {phase}, the driver has not deleted it")
