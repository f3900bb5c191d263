"""Filling a new volume from a snapshot or from another volume."""

import time
from pathlib import Path

import csi_pb2
import grpc

from sandbox.csi import copies, cuts
from sandbox.csi.drivers import Driver
from sandbox.csi.faults import Faults
from sandbox.csi.records import Snapshot, Volume
from sandbox.csi.refusals import Refusal

Source = Snapshot | Volume


def find_source(driver: Driver, content: csi_pb2.VolumeContentSource) -> Source | None:
    """What a new volume is to be made from, or None for an empty one."""
    match content.WhichOneof("type"):
        case "snapshot":
            if not driver.variant.snapshots:
                raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "this driver has no snapshots to restore from")
            snapshot = driver.require_snapshot(content.snapshot.snapshot_id)
            if time.time() < snapshot.ready_at:
                raise Refusal(grpc.StatusCode.ABORTED, f"snapshot {snapshot.id} is not ready to use yet")
            return snapshot
        case "volume":
            if not driver.variant.clones:
                raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "this driver does not clone volumes")
            return driver.require_volume(content.volume.volume_id)
    return None


def source_capacity(source: Source | None) -> int:
    """The size of the volume a source is or was cut from; 0 when there is none."""
    match source:
        case Snapshot():
            return source.source_capacity
        case Volume():
            return source.capacity
    return 0


def shared_folder(driver: Driver, source: Source, *, faults: Faults) -> str:
    """The folder of the source volume when a fault gives the new volume that same one; else empty."""
    volume = driver.volumes.find(source.source_volume) if isinstance(source, Snapshot) else source
    return volume.folder if faults.share_restore and volume else ""


def fill_folder(driver: Driver, folder: Path, source: Source, *, faults: Faults) -> None:
    """Bring the content of a source into an empty folder, spoilt by the faults."""
    if faults.empty_restore:
        return
    if isinstance(source, Snapshot):
        _fill_from_snapshot(driver, folder, source)
    else:
        _fill_from_volume(driver, folder, source, faults=faults)
    if faults.lose_ownership:
        copies.give_to_root(folder)
    if faults.lose_mtime:
        copies.stamp_now(folder)


def _fill_from_snapshot(driver: Driver, folder: Path, snapshot: Snapshot) -> None:
    with driver.locks.holding(f"snapshot-{snapshot.id}", shared=True):
        data = driver.locate_snapshot(snapshot.id, archive=snapshot.archive)
        if snapshot.archive:
            copies.unpack(data, folder)
        else:
            copies.copy_tree(data, folder)


def _fill_from_volume(driver: Driver, folder: Path, volume: Volume, *, faults: Faults) -> None:
    source = driver.locate_volume(volume)
    with driver.locks.holding(f"volume-{volume.id}", shared=True):
        if faults.clones_live:
            with driver.drafting() as draft:
                copies.pack_live(source, draft / "clone", seconds=faults.copy_seconds)
                copies.unpack(draft / "clone", folder)
        else:
            with cuts.standing_still(driver, [source]):
                copies.copy_tree(source, folder)
