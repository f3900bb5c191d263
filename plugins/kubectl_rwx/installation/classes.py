"""StorageClass and VolumeSnapshotClass for csi-driver-nfs, and their removal.

The default mark is the one the snapshot-controller reads; guides spell another. Server and share stay out of the
VolumeSnapshotClass: the driver takes them from the source volume, and a difference broke snapshots (csi-driver-nfs
issue 1130). Mount options of a StorageClass do not reach snapshots, so they are repeated as a parameter (csi-driver-nfs
docs/driver-parameters.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kubectl_rwx.installation.ownership import is_ours
from kubectl_rwx.installation.releases import marked
from kubectl_rwx.installation.steps import Change, Step, plan_step, read
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    SNAPSHOT_GROUP,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
)
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of, part_of
from plugin_core.storage.snapshot_classes import driver_of_class, is_default

DRIVER = "nfs.csi.k8s.io"
PART = "class"
_FIXED = ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")
"""Fields of a StorageClass that the API server lets nobody change."""


@dataclass(frozen=True)
class ClassRequest:
    """snapshot_class: "" gives it the name of the StorageClass. mount_options: of both."""

    server: str
    share: str
    name: str = "nfs-csi"
    snapshot_class: str = ""
    mount_options: tuple[str, ...] = ("nfsvers=4.1",)

    def __post_init__(self) -> None:
        for name in (self.name, self.snapshot_class or self.name):
            if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", name):
                raise errors.UsageError(f'"{name}" cannot be the name of a class')
        if not self.server or re.search(r"[\s/#]", self.server):
            raise errors.UsageError(f'"{self.server}" is not the address of an NFS server',
                                    hint="--server HOST or IP address, without a path")
        if not self.share.startswith("/") or re.search(r"[\s#]", self.share):
            raise errors.UsageError(f'"{self.share}" is not a share', hint="--share /PATH as the server exports it")


def storage_class(request: ClassRequest) -> Manifest:
    return marked({
        "apiVersion": STORAGE_CLASS.api_version, "kind": STORAGE_CLASS.name, "metadata": {"name": request.name},
        "provisioner": DRIVER, "parameters": {"server": request.server, "share": request.share},
        "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": True,
        "mountOptions": list(request.mount_options),
    }, part=PART)


def snapshot_class(request: ClassRequest, *, others: Sequence[Manifest] = ()) -> Manifest:
    """others: classes of the driver that are there; where one is marked already, a second mark would break both."""
    marks = {}
    if not any(is_default(item) for item in others):
        marks[names.DEFAULT_SNAPSHOT_CLASS] = "true"
    if not any(annotations_of(item).get(names.KASTEN_SNAPSHOT_CLASS) == "true" for item in others):
        marks[names.KASTEN_SNAPSHOT_CLASS] = "true"
    manifest = {
        "apiVersion": VOLUME_SNAPSHOT_CLASS.api_version, "kind": VOLUME_SNAPSHOT_CLASS.name,
        "metadata": {"name": request.snapshot_class or request.name, "annotations": marks},
        "driver": DRIVER, "deletionPolicy": "Delete",
    }
    if request.mount_options:
        manifest["parameters"] = {"mountOptions": ",".join(request.mount_options)}
    return marked(manifest, part=PART)


def plan_classes(cluster: Cluster, request: ClassRequest) -> tuple[list[Step], list[str]]:
    """What becomes of both, and sentences about marks that others have. Raises AlreadyExists, NotReady."""
    if VOLUME_SNAPSHOT_CLASS.version not in cluster.versions_of(SNAPSHOT_GROUP):
        raise errors.NotReady("the snapshot API is not served in v1, so a VolumeSnapshotClass cannot be made",
                              hint="first: kubectl rwx setup snapshots")
    name = request.snapshot_class or request.name
    others = [item for item in cluster.list_all(VOLUME_SNAPSHOT_CLASS).items
              if driver_of_class(item) == DRIVER and name_of(item) != name]
    wanted = storage_class(request), snapshot_class(request, others=others)
    for item in wanted:
        _refuse_another(read(cluster, item), item)
    steps = [_foreign_or_planned(cluster, item) for item in wanted]
    notes = [f"volumesnapshotclass/{name_of(item)} is the default of {DRIVER} already; {name} is not made one, too"
             for item in others if is_default(item)]
    return steps, notes


def _foreign_or_planned(cluster: Cluster, wanted: Manifest) -> Step:
    step = plan_step(cluster, wanted)
    if step.change is Change.LEFT and "--upgrade" in step.reason:
        reason = step.reason.partition(",")[0] + ", with other marks or options; not installed by setup"
        return replace(step, reason=reason)
    return step


def _refuse_another(there: Manifest | None, wanted: Manifest) -> None:
    """A class that means something else may not be changed: claims and snapshots of it are there, or will be."""
    if there is None:
        return
    fields = _FIXED if wanted["kind"] == STORAGE_CLASS.name else ("driver", "deletionPolicy")
    other = [field for field in fields if (there.get(field) or {}) != (wanted.get(field) or {})]
    if other:
        told = "; ".join(f"{field} is {there.get(field)}, not {wanted.get(field)}" for field in other)
        raise errors.AlreadyExists(
            f"{wanted['kind'].lower()}/{name_of(wanted)} is there already and is left alone: {told}", status=409,
            hint="choose another --name" + (", or remove it first: kubectl rwx setup class --uninstall --name "
                                            f"{name_of(wanted)}" if is_ours(there) else ""),
        )


def own_classes(cluster: Cluster, *, chosen: Sequence[str] = ()) -> list[Step]:
    """Classes that setup made, those of these names (all when there are none), as deletions."""
    labels = f"{names.MANAGED_BY_LABEL}={names.RWX},{names.SETUP}={PART}"
    found = []
    for kind in (VOLUME_SNAPSHOT_CLASS, STORAGE_CLASS):
        try:
            items = cluster.list_all(kind, labels=labels).items
        except errors.NotFound:
            continue
        found += [Step({"apiVersion": kind.api_version, "kind": kind.name, **item}, Change.DELETED) for item in items
                  if not chosen or name_of(item) in chosen]
    return found


def require_unused(cluster: Cluster, steps: Sequence[Step]) -> None:
    """Raises NotReady naming who uses the classes: a class that is gone leaves claims and snapshots stuck."""
    going = {kind: {name_of(step.manifest) for step in steps if step.kind == kind}
             for kind in (STORAGE_CLASS, VOLUME_SNAPSHOT_CLASS)}
    users = [f"persistentvolumeclaim/{name_of(item)} in {namespace_of(item)}"
             for item in cluster.list_all(PERSISTENT_VOLUME_CLAIM).items
             if part_of(item, "spec", "storageClassName") in going[STORAGE_CLASS]]
    users += [f"persistentvolume/{name_of(item)}" for item in cluster.list_all(PERSISTENT_VOLUME).items
              if part_of(item, "spec", "storageClassName") in going[STORAGE_CLASS]]
    if going[VOLUME_SNAPSHOT_CLASS]:
        for kind in (VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT):
            users += [f"{kind.name.lower()}/{name_of(item)}" + (
                f" in {namespace_of(item)}" if namespace_of(item) else "")
                for item in cluster.list_all(kind).items
                if part_of(item, "spec", "volumeSnapshotClassName") in going[VOLUME_SNAPSHOT_CLASS]]
    refuse_users(users, what="the classes are in use")


def refuse_users(users: Sequence[str], *, what: str) -> None:
    """Raises NotReady naming a few of them; nothing for none."""
    if users:
        more = f" and {len(users) - 5} more" if len(users) > 5 else ""
        raise errors.NotReady(f"{what}: {', '.join(users[:5])}{more}",
                              hint="move or delete them first; nothing was removed")
