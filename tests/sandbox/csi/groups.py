"""CSI's GroupController service: snapshots of several volumes at one moment."""

import time

import csi_pb2
import csi_pb2_grpc
import grpc

from sandbox.csi import cuts
from sandbox.csi.drivers import Driver
from sandbox.csi.faults import drop_reserved
from sandbox.csi.records import Group, identify
from sandbox.csi.refusals import Refusal, refuse_missing
from sandbox.csi.snapshots import as_timestamp, describe_snapshot

_Rpc = csi_pb2.GroupControllerServiceCapability.RPC


class GroupController(csi_pb2_grpc.GroupControllerServicer):
    """Serves one driver that offers group snapshots."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def GroupControllerGetCapabilities(
        self, request: csi_pb2.GroupControllerGetCapabilitiesRequest, context: grpc.ServicerContext
    ) -> csi_pb2.GroupControllerGetCapabilitiesResponse:
        return csi_pb2.GroupControllerGetCapabilitiesResponse(
            capabilities=[{"rpc": {"type": _Rpc.CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT}}]
        )

    def CreateVolumeGroupSnapshot(
        self, request: csi_pb2.CreateVolumeGroupSnapshotRequest, context: grpc.ServicerContext
    ) -> csi_pb2.CreateVolumeGroupSnapshotResponse:
        driver = self._driver
        refuse_missing(name=request.name, source_volume_ids=request.source_volume_ids)
        group_id = identify(request.name)
        with driver.locks.holding(f"group-{group_id}"):
            group = driver.groups.find(group_id)
            if group is None:
                group = self._take(group_id, request)
            elif set(group.source_volumes) != set(request.source_volume_ids):
                raise Refusal(
                    grpc.StatusCode.ALREADY_EXISTS,
                    f"group snapshot {request.name!r} exists, of volumes {', '.join(group.source_volumes)}",
                )
        return csi_pb2.CreateVolumeGroupSnapshotResponse(group_snapshot=self._describe(group))

    def _take(self, group_id: str, request: csi_pb2.CreateVolumeGroupSnapshotRequest) -> Group:
        driver = self._driver
        volumes = [driver.require_volume(volume_id) for volume_id in dict.fromkeys(request.source_volume_ids)]
        parameters = drop_reserved(request.parameters)
        # A group is cut as one: the faults of all its volumes add up.
        faults = driver.overlay_faults(*(volume.parameters for volume in volumes), parameters)
        cuts.refuse_tries(driver, group_id, faults=faults)
        wanted = [
            cuts.Wanted(
                id=identify(f"{request.name}/{volume.id}"), name=request.name, volume=volume, parameters=parameters
            )
            for volume in volumes
        ]
        taken = cuts.take_snapshots(driver, wanted, faults=faults, group=group_id)
        group = Group(
            id=group_id,
            name=request.name,
            snapshots=[snapshot.id for snapshot in taken],
            source_volumes=[volume.id for volume in volumes],
            created_at=taken[0].created_at,
        )
        driver.groups.write(group)
        return group

    def DeleteVolumeGroupSnapshot(
        self, request: csi_pb2.DeleteVolumeGroupSnapshotRequest, context: grpc.ServicerContext
    ) -> csi_pb2.DeleteVolumeGroupSnapshotResponse:
        driver = self._driver
        refuse_missing(group_snapshot_id=request.group_snapshot_id)
        if driver.groups.find(request.group_snapshot_id) is not None:
            with driver.locks.holding(f"group-{request.group_snapshot_id}"):
                group = driver.groups.find(request.group_snapshot_id)
                if group is not None:
                    _refuse_strangers(group, request.snapshot_ids)
                    self._delete(group)
        return csi_pb2.DeleteVolumeGroupSnapshotResponse()

    def _delete(self, group: Group) -> None:
        """Members first: a group whose deletion died half-way is then deleted by the next try."""
        for snapshot_id in group.snapshots:
            snapshot = self._driver.snapshots.find(snapshot_id)
            if snapshot is not None:
                with self._driver.locks.holding(f"snapshot-{snapshot_id}"):
                    cuts.discard_snapshot(self._driver, snapshot)
        self._driver.groups.remove(group.id)

    def GetVolumeGroupSnapshot(
        self, request: csi_pb2.GetVolumeGroupSnapshotRequest, context: grpc.ServicerContext
    ) -> csi_pb2.GetVolumeGroupSnapshotResponse:
        refuse_missing(group_snapshot_id=request.group_snapshot_id)
        group = self._driver.groups.find(request.group_snapshot_id)
        if group is None:
            raise Refusal(
                grpc.StatusCode.NOT_FOUND, f"there is no group snapshot {request.group_snapshot_id!r}"
            )
        _refuse_strangers(group, request.snapshot_ids)
        return csi_pb2.GetVolumeGroupSnapshotResponse(group_snapshot=self._describe(group))

    def _describe(self, group: Group) -> csi_pb2.VolumeGroupSnapshot:
        snapshots = [self._driver.require_snapshot(snapshot_id) for snapshot_id in group.snapshots]
        return csi_pb2.VolumeGroupSnapshot(
            group_snapshot_id=group.id,
            snapshots=[describe_snapshot(snapshot) for snapshot in snapshots],
            creation_time=as_timestamp(group.created_at),
            ready_to_use=all(time.time() >= snapshot.ready_at for snapshot in snapshots),
        )


def _refuse_strangers(group: Group, snapshot_ids: list[str]) -> None:
    """Refuse a list of members that is not the group's. None given is fine: we know them."""
    if snapshot_ids and set(snapshot_ids) != set(group.snapshots):
        raise Refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"group snapshot {group.id} consists of {', '.join(group.snapshots)}",
        )
