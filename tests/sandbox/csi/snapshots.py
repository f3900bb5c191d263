"""The part of CSI's Controller service that is about snapshots."""

import time

import csi_pb2
import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from sandbox.csi import cuts, paging
from sandbox.csi.drivers import Driver
from sandbox.csi.faults import drop_reserved
from sandbox.csi.records import Snapshot, identify
from sandbox.csi.refusals import Refusal, refuse_missing


class SnapshotCalls:
    """Takes, deletes, lists snapshots."""

    _driver: Driver

    def CreateSnapshot(
        self, request: csi_pb2.CreateSnapshotRequest, context: grpc.ServicerContext
    ) -> csi_pb2.CreateSnapshotResponse:
        driver = self._driver
        self._refuse_without_snapshots()
        refuse_missing(name=request.name, source_volume_id=request.source_volume_id)
        snapshot_id = identify(request.name)
        with driver.locks.holding(f"snapshot-{snapshot_id}"):
            snapshot = driver.snapshots.find(snapshot_id)
            if snapshot is None:
                snapshot = self._take(snapshot_id, request)
            elif snapshot.source_volume != request.source_volume_id:
                raise Refusal(
                    grpc.StatusCode.ALREADY_EXISTS,
                    f"snapshot {request.name!r} exists, of volume {snapshot.source_volume}",
                )
        return csi_pb2.CreateSnapshotResponse(snapshot=describe_snapshot(snapshot))

    def _take(self, snapshot_id: str, request: csi_pb2.CreateSnapshotRequest) -> Snapshot:
        driver = self._driver
        volume = driver.require_volume(request.source_volume_id)
        parameters = drop_reserved(request.parameters)
        faults = driver.overlay_faults(volume.parameters, parameters)
        cuts.refuse_tries(driver, snapshot_id, faults=faults)
        wanted = cuts.Wanted(id=snapshot_id, name=request.name, volume=volume, parameters=parameters)
        return cuts.take_snapshots(driver, [wanted], faults=faults)[0]

    def DeleteSnapshot(
        self, request: csi_pb2.DeleteSnapshotRequest, context: grpc.ServicerContext
    ) -> csi_pb2.DeleteSnapshotResponse:
        driver = self._driver
        self._refuse_without_snapshots()
        refuse_missing(snapshot_id=request.snapshot_id)
        if driver.snapshots.find(request.snapshot_id) is not None:
            with driver.locks.holding(f"snapshot-{request.snapshot_id}"):
                snapshot = driver.snapshots.find(request.snapshot_id)
                if snapshot is not None and driver.groups.find(snapshot.group) is not None:
                    raise Refusal(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        f"snapshot {snapshot.id} belongs to group {snapshot.group}; delete the group",
                    )
                if snapshot is not None:
                    cuts.discard_snapshot(driver, snapshot)
        return csi_pb2.DeleteSnapshotResponse()

    def ListSnapshots(
        self, request: csi_pb2.ListSnapshotsRequest, context: grpc.ServicerContext
    ) -> csi_pb2.ListSnapshotsResponse:
        self._refuse_without_snapshots()
        page, token = paging.cut_page(
            [snapshot for snapshot in self._driver.snapshots.list_all() if _is_asked_for(snapshot, request)],
            token=request.starting_token,
            limit=request.max_entries,
            identify=lambda snapshot: snapshot.id,
        )
        entries = [{"snapshot": describe_snapshot(snapshot)} for snapshot in page]
        return csi_pb2.ListSnapshotsResponse(entries=entries, next_token=token)

    def _refuse_without_snapshots(self) -> None:
        if not self._driver.variant.snapshots:
            raise Refusal(grpc.StatusCode.UNIMPLEMENTED, "this driver has no snapshots")


def _is_asked_for(snapshot: Snapshot, request: csi_pb2.ListSnapshotsRequest) -> bool:
    return (not request.snapshot_id or request.snapshot_id == snapshot.id) and (
        not request.source_volume_id or request.source_volume_id == snapshot.source_volume
    )


def describe_snapshot(snapshot: Snapshot) -> csi_pb2.Snapshot:
    """The snapshot as CSI says it now: readiness comes with time."""
    return csi_pb2.Snapshot(
        snapshot_id=snapshot.id,
        source_volume_id=snapshot.source_volume,
        size_bytes=snapshot.size,
        creation_time=as_timestamp(snapshot.created_at),
        ready_to_use=time.time() >= snapshot.ready_at,
        group_snapshot_id=snapshot.group,
    )


def as_timestamp(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromNanoseconds(int(seconds * 1e9))
    return stamp
