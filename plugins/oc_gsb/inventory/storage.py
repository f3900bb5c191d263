"""Whether the volume behind a claim can be snapshotted, from lists already read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from oc_gsb.inventory.readings import Lister
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    SNAPSHOT_GROUP,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT_CLASS,
)
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of, part_of
from plugin_core.names import KASTEN_SNAPSHOT_CLASS
from plugin_core.storage.claims import FILESYSTEM, provisioner_of
from plugin_core.storage.drivers import Known, find_driver
from plugin_core.storage.snapshot_classes import driver_of_class
from plugin_core.storage.verdicts import Level, judge_snapshot
from plugin_core.storage.verifications import verification_of, why_stale
from plugin_core.storage.volumes import csi_driver_of, describe_volume


@dataclass(frozen=True)
class Snapshots:
    """capable: None when it is not known. reason: why. caveat: what such snapshots are not; "" for nothing known.

    snapshot_class: the one Kasten would take. marked: whether Kasten finds it by its annotation.
    """

    capable: bool | None
    reason: str
    caveat: str = ""
    snapshot_class: str = ""
    marked: bool = True


@dataclass
class Storage:
    """Claims by (namespace, name), StorageClasses and PersistentVolumes by name, and VolumeSnapshotClasses.

    served: whether the snapshot API is. known: whether VolumeSnapshotClasses could be read.
    """

    claims: Mapping[tuple[str, str], Manifest] = field(default_factory=dict)
    classes: Mapping[str, Manifest] = field(default_factory=dict)
    volumes: Mapping[str, Manifest] = field(default_factory=dict)
    snapshot_classes: tuple[Manifest, ...] = ()
    served: bool = True
    known: bool = True

    def driver_of(self, claim: Manifest) -> str:
        """The CSI driver: of its volume, else by annotation, else of its class; "" when none is known."""
        volume = self.volumes.get(str(part_of(claim, "spec", "volumeName") or ""))
        if volume is not None:
            return csi_driver_of(volume)
        return provisioner_of(claim) or str(self.class_of(claim).get("provisioner", ""))

    def class_of(self, claim: Manifest) -> Manifest:
        """Its StorageClass; {} when it names none, or one that is gone."""
        return self.classes.get(str(part_of(claim, "spec", "storageClassName") or ""), {})

    def snapshots_of(self, claim: Manifest) -> Snapshots:
        """From the surest down: no API, no CSI volume, no class of the driver, a failed proof, what is known of it."""
        if not self.served:
            return Snapshots(False, "this cluster serves no snapshots (snapshot.storage.k8s.io)")
        volume = self.volumes.get(str(part_of(claim, "spec", "volumeName") or ""))
        driver, storage_class = self.driver_of(claim), self.class_of(claim)
        if volume is not None and not driver:
            return Snapshots(False, f"its volume is {describe_volume(volume)}, which has no snapshots")
        if not self.known:
            return Snapshots(None, "VolumeSnapshotClasses may not be read")
        if not driver:
            return Snapshots(None, "its driver is not known")
        classes = [one for one in self.snapshot_classes if driver_of_class(one) == driver]
        if not classes:
            return Snapshots(False, f"driver {driver} has no VolumeSnapshotClass")
        return _judge(driver, storage_class, classes)


def _judge(driver: str, storage_class: Manifest, classes: list[Manifest]) -> Snapshots:
    entry = find_driver(storage_class or {"provisioner": driver})
    proof = verification_of(storage_class) if storage_class else None
    if proof is not None and why_stale(proof, storage_class):
        proof = None
    ability = judge_snapshot(driver=entry, verification=proof, ready_contents=())
    if ability.level is Level.NO:
        return Snapshots(False, ability.reason)
    marked = [one for one in classes if annotations_of(one).get(KASTEN_SNAPSHOT_CLASS) == "true"]
    chosen = name_of((marked or classes)[0])
    caveat = "they are not point-in-time copies" if entry and entry.point_in_time is Known.NO else ""
    said = f"; {ability.reason}" if ability.level is Level.PROVEN else ""
    return Snapshots(True, f"VolumeSnapshotClass {chosen} is of its driver {driver}{said}", caveat, chosen,
                     bool(marked))


def read_storage(lister: Lister, *, namespace: str | None) -> Storage:
    """Four lists at most; what may not be read is left out and noted by the lister."""
    claims = lister.list_all(PERSISTENT_VOLUME_CLAIM, namespace=namespace)
    served = bool(lister.cluster.versions_of(SNAPSHOT_GROUP))
    refused = len(lister.refused)
    snapshot_classes = lister.list_all(VOLUME_SNAPSHOT_CLASS, why="what has snapshots") if served else []
    known = len(lister.refused) == refused
    classes = lister.list_all(STORAGE_CLASS, why="what is known of the storage classes")
    volumes = lister.list_all(PERSISTENT_VOLUME, why="what volumes not made by a driver are")
    return Storage(
        claims={(namespace_of(one), name_of(one)): one for one in claims},
        classes={name_of(one): one for one in classes}, volumes={name_of(one): one for one in volumes},
        snapshot_classes=tuple(snapshot_classes), served=served, known=known,
    )


def mode_of(claim: Manifest) -> str:
    """Filesystem or Block."""
    return str(part_of(claim, "spec", "volumeMode") or FILESYSTEM)
