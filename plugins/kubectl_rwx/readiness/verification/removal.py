"""Removing what a run made, in the order that cannot deadlock, and saying what is left.

Pods let go of claims; a restored claim must be gone before its snapshot, a snapshot before its source claim
(kubernetes-csi/external-snapshotter issues 349 and 1305, external-provisioner issue 1507). Classes that retain would
leave volume and snapshot in the storage: ours are turned to Delete first; where that is not allowed, they are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubectl_rwx.readiness.verification.objects import CLONE, KINDS, RESTORE, Traces
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import content_of

SECONDS = 120.0
"""Cleanup has time of its own: the run's may be over."""


@dataclass(frozen=True)
class Remnant:
    """Something that is not gone. subject: kind/name. observed: why, as far as can be seen."""

    subject: str
    observed: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.observed}"


@dataclass
class Removal:
    """removed: how many objects are gone. left: what is not."""

    removed: int = 0
    left: list[Remnant] = field(default_factory=list)


def remove_everything(
    cluster: Cluster, traces: Traces, *, progress: Progress, snapshots: bool = True, seconds: float = SECONDS
) -> Removal:
    """Deletes all that carries the run's label, found in the cluster: what a lost answer made is found, too.

    snapshots: whether the cluster serves them at all.
    """
    deadline, removal = Deadline.after(seconds), Removal()
    bounded, namespace = cluster.within(deadline), traces.namespace
    kinds = [kind for kind in KINDS if snapshots or kind != VOLUME_SNAPSHOT]
    found = {kind: bounded.list_all(kind, namespace=namespace, labels=traces.selector).items for kind in kinds}
    progress.phase("removing what was made", total=sum(map(len, found.values())))
    claims, cuts = found[PERSISTENT_VOLUME_CLAIM], found.get(VOLUME_SNAPSHOT, [])
    copies = [claim for claim in claims if name_of(claim) in (traces.name(RESTORE), traces.name(CLONE))]
    volumes = {str(part_of(claim, "spec", "volumeName")): str(part_of(claim, "spec", "storageClassName"))
               for claim in claims if part_of(claim, "spec", "volumeName")}
    contents = {content_of(cut): str(part_of(cut, "spec", "volumeSnapshotClassName") or "")
                for cut in cuts if content_of(cut)}
    for name, of_class in volumes.items():
        removal.left += _do_not_retain(bounded, PERSISTENT_VOLUME, name, of_class=of_class)
    for name, of_class in contents.items():
        removal.left += _do_not_retain(bounded, VOLUME_SNAPSHOT_CONTENT, name, of_class=of_class)
    sources = [claim for claim in claims if claim not in copies]
    for kind, stage in ((POD, found[POD]), (PERSISTENT_VOLUME_CLAIM, copies), (VOLUME_SNAPSHOT, cuts),
                        (PERSISTENT_VOLUME_CLAIM, sources)):
        _remove(bounded, kind, stage, traces, deadline=deadline, removal=removal)
        progress.update(done=removal.removed)
    retained = {one.subject for one in removal.left}
    going = [name for name in volumes if f"{PERSISTENT_VOLUME.name.lower()}/{name}" not in retained]
    removal.left += _await_gone(bounded, PERSISTENT_VOLUME, going, deadline=deadline)
    return removal


def remove_retained(
    cluster: Cluster, kind: Kind, name: str, *, field_name: str, deadline: Deadline
) -> list[Remnant]:
    """Frees what a class retained after its claim or snapshot was gone, and with it its data in the storage.

    A volume with the policy Delete is deleted by its provisioner, a content is deleted here. [] when it is gone.
    """
    try:
        cluster.patch(kind, name, {"spec": {field_name: "Delete"}})
        if kind == VOLUME_SNAPSHOT_CONTENT:
            cluster.delete(kind, name)
    except errors.NotFound:
        return []
    except errors.PluginError as error:
        return [Remnant(f"{kind.name.lower()}/{name}", f"it is retained: {error.message}")]
    return _await_gone(cluster, kind, [name], deadline=deadline)


def how_to_remove(traces: Traces) -> str:
    """The commands that do by hand what is done here, in the same order."""
    tail = f"-n {traces.namespace} -l {traces.selector}"
    return (f"kubectl delete pod {tail} && kubectl delete pvc -n {traces.namespace} --ignore-not-found "
            f"{traces.name(RESTORE)} {traces.name(CLONE)} && kubectl delete volumesnapshot {tail} && "
            f"kubectl delete pvc {tail}")


def _remove(
    cluster: Cluster, kind: Kind, stage: Sequence[Manifest], traces: Traces, *, deadline: Deadline, removal: Removal
) -> None:
    asked = []
    for item in stage:
        try:
            cluster.delete(kind, name_of(item), namespace=traces.namespace)
            asked.append(name_of(item))
        except errors.NotFound:
            removal.removed += 1
        except errors.PluginError as error:
            removal.left.append(Remnant(f"{kind.name.lower()}/{name_of(item)}", error.message))
    outcomes = wait_for(
        cluster, kind, asked, namespace=traces.namespace, deadline=deadline, labels=traces.selector,
        judge=lambda seen: Readiness(Phase.READY if seen is None else Phase.WAITING),
    )
    for name, outcome in outcomes.items():
        if outcome.phase is Phase.READY:
            removal.removed += 1
        else:
            held = ", ".join(part_of(outcome.manifest or {}, "metadata", "finalizers") or ["none"])
            removal.left.append(Remnant(f"{kind.name.lower()}/{name}", f"is being deleted, finalizers: {held}"))


_POLICY = {PERSISTENT_VOLUME: ("persistentVolumeReclaimPolicy", STORAGE_CLASS, "reclaimPolicy"),
           VOLUME_SNAPSHOT_CONTENT: ("deletionPolicy", VOLUME_SNAPSHOT_CLASS, "deletionPolicy")}
"""Where the policy stands: on the object itself, and on its class for those who may not read the object."""


def _do_not_retain(cluster: Cluster, kind: Kind, name: str, *, of_class: str) -> list[Remnant]:
    """Turns its policy to Delete; what will be retained after all, when that is not allowed."""
    field_name, class_kind, class_field = _POLICY[kind]
    subject = f"{kind.name.lower()}/{name}"
    try:
        if part_of(cluster.get(kind, name), "spec", field_name) == "Retain":
            cluster.patch(kind, name, {"spec": {field_name: "Delete"}})
    except errors.NotFound:
        return []
    except errors.Forbidden:
        if _policy_of_class(cluster, class_kind, of_class, class_field) == "Retain":
            return [Remnant(subject, f"its class {of_class} retains it and its data in the storage, and you may not "
                            f"get and patch {kind.plural}: an administrator removes it with kubectl rwx cleanup")]
    except errors.PluginError as error:
        return [Remnant(subject, f"it may be retained: {error.message}")]
    return []


def _policy_of_class(cluster: Cluster, kind: Kind, name: str, field_name: str) -> str:
    """"" where it cannot be read."""
    try:
        if kind == VOLUME_SNAPSHOT_CLASS:
            found = next(item for item in cluster.list_all(kind).items if name_of(item) == name)
        else:
            found = cluster.get(kind, name)
    except (errors.Forbidden, errors.NotFound, StopIteration):
        return ""
    return str(found.get(field_name) or "")


def _await_gone(cluster: Cluster, kind: Kind, wanted: Sequence[str], *, deadline: Deadline) -> list[Remnant]:
    """The storage is free again when they are gone; who may not look is told by nothing here."""
    try:
        outcomes = wait_for(
            cluster, kind, wanted, namespace="", deadline=deadline,
            judge=lambda seen: Readiness(Phase.READY if seen is None else Phase.WAITING),
        )
    except errors.Forbidden:
        return []
    return [
        Remnant(f"{kind.name.lower()}/{name}", f"the driver has not deleted it: {_last_words(outcome.manifest)}")
        for name, outcome in outcomes.items() if outcome.phase is not Phase.READY
    ]


def _last_words(manifest: Manifest | None) -> str:
    status = part_of(manifest or {}, "status") or {}
    return str(status.get("message") or part_of(status, "error", "message") or status.get("phase") or "nothing")
