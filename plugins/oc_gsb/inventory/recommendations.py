"""How Kasten should back up a claim, and why: the choice between snapshots, shareable volumes and the sidecar.

Sources: docs.kasten.io, generic storage backup (only where storage has no CSI snapshots; not for virtual machines) and
shareable volumes (9.0.3: ReadWriteMany claims need no sidecar).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from oc_gsb.inventory.storage import Snapshots, mode_of
from plugin_core.model.manifests import Manifest, part_of
from plugin_core.names import KASTEN_SNAPSHOT_CLASS
from plugin_core.storage.verdicts import RWX


class Way(str, Enum):
    """The words of the answer."""

    SNAPSHOT = "csi-snapshot"
    SHAREABLE = "shareable-volume"
    SIDECAR = "gsb"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Recommendation:
    """reason: why this way, or why none. caveats: what to know about it, worded so that several claims may share it."""

    way: Way
    reason: str
    caveats: tuple[str, ...] = ()


BEFORE_9 = "Kasten before 9.0 backs up only listed providers as shareable volumes; gsb does for the others"
MACHINES = frozenset({"VirtualMachineInstance", "VirtualMachine"})
INJECTABLE = frozenset({"Deployment", "StatefulSet", "DeploymentConfig"})
NO_CRASH_CONSISTENCY = ("gsb and shareable-volume copy files while the application runs: not crash-consistent, stop "
                        "or quiesce its writes")


def recommend(
    claim: Manifest | None, snapshots: Snapshots | None, *, kind: str, kasten: bool, block: bool = False,
    mounted: bool = True, owner: str = "",
) -> Recommendation:
    """claim, snapshots: None when the claim is not there. kind: of the workload. kasten: it is Kasten's own.

    block: a container uses the volume as a device. mounted: whether any container mounts it. owner: for other kinds,
    what mounts it, in words.
    """
    if kasten:
        return Recommendation(Way.UNSUPPORTED, "it is Kasten's own; Kasten's disaster recovery backs it up")
    if claim is None or snapshots is None:
        return Recommendation(Way.UNSUPPORTED, "there is no such claim")
    is_block = block or mode_of(claim) == "Block"
    if snapshots.capable:
        return Recommendation(Way.SNAPSHOT, snapshots.reason, tuple(_caveats(snapshots, is_block=is_block)))
    if kind in MACHINES:
        return Recommendation(Way.UNSUPPORTED,
                              f"{snapshots.reason}, and Kasten copies no files out of virtual machines")
    if is_block:
        return Recommendation(Way.UNSUPPORTED, f"{snapshots.reason}, and a block device has no files to copy")
    if RWX in (part_of(claim, "spec", "accessModes") or ()):
        return Recommendation(Way.SHAREABLE, f"{snapshots.reason}; ReadWriteMany needs no sidecar",
                              (BEFORE_9, NO_CRASH_CONSISTENCY))
    if kind not in INJECTABLE:
        return Recommendation(Way.UNSUPPORTED, f"{snapshots.reason}, and {owner or kind} takes no sidecar")
    if not mounted:
        return Recommendation(Way.UNSUPPORTED, f"{snapshots.reason}, and no container mounts it")
    unsure = "" if snapshots.capable is False else " (whether there are snapshots is not known)"
    return Recommendation(Way.SIDECAR, f"{snapshots.reason}{unsure}", (NO_CRASH_CONSISTENCY,))


def _caveats(snapshots: Snapshots, *, is_block: bool) -> Iterator[str]:
    if not snapshots.marked:
        yield (f"VolumeSnapshotClass {snapshots.snapshot_class} lacks the annotation {KASTEN_SNAPSHOT_CLASS}=true, "
               "by which Kasten finds it")
    if snapshots.caveat:
        yield f"snapshots by VolumeSnapshotClass {snapshots.snapshot_class}: {snapshots.caveat}"
    if is_block:
        yield "to export a block device Kasten needs its block mode export"
