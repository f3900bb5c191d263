"""CSI's Controller service: what is offered, and the calls on volumes and snapshots."""

import csi_pb2
import csi_pb2_grpc
import grpc

from sandbox.csi.drivers import Driver
from sandbox.csi.snapshots import SnapshotCalls
from sandbox.csi.volumes import VolumeCalls

_Rpc = csi_pb2.ControllerServiceCapability.RPC


class Controller(VolumeCalls, SnapshotCalls, csi_pb2_grpc.ControllerServicer):
    """Serves one driver."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def ControllerGetCapabilities(
        self, request: csi_pb2.ControllerGetCapabilitiesRequest, context: grpc.ServicerContext
    ) -> csi_pb2.ControllerGetCapabilitiesResponse:
        variant = self._driver.variant
        offered = [_Rpc.CREATE_DELETE_VOLUME, _Rpc.LIST_VOLUMES, _Rpc.GET_CAPACITY, _Rpc.SINGLE_NODE_MULTI_WRITER]
        if variant.snapshots:
            offered += [_Rpc.CREATE_DELETE_SNAPSHOT, _Rpc.LIST_SNAPSHOTS]
        if variant.clones:
            offered.append(_Rpc.CLONE_VOLUME)
        if variant.expands:
            offered.append(_Rpc.EXPAND_VOLUME)
        return csi_pb2.ControllerGetCapabilitiesResponse(capabilities=[{"rpc": {"type": item}} for item in offered])
