"""CSI's Identity service."""

import csi_pb2
import csi_pb2_grpc
import grpc
from google.protobuf.wrappers_pb2 import BoolValue

from sandbox.csi.drivers import VERSION, Driver

_Service = csi_pb2.PluginCapability.Service


class Identity(csi_pb2_grpc.IdentityServicer):
    """Who we are and which services we serve."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def GetPluginInfo(
        self, request: csi_pb2.GetPluginInfoRequest, context: grpc.ServicerContext
    ) -> csi_pb2.GetPluginInfoResponse:
        return csi_pb2.GetPluginInfoResponse(name=self._driver.name, vendor_version=VERSION)

    def GetPluginCapabilities(
        self, request: csi_pb2.GetPluginCapabilitiesRequest, context: grpc.ServicerContext
    ) -> csi_pb2.GetPluginCapabilitiesResponse:
        services = [_Service.CONTROLLER_SERVICE]
        if self._driver.variant.groups:
            services.append(_Service.GROUP_CONTROLLER_SERVICE)
        capabilities = [csi_pb2.PluginCapability(service={"type": service}) for service in services]
        if self._driver.variant.expands:
            online = csi_pb2.PluginCapability.VolumeExpansion.ONLINE
            capabilities.append(csi_pb2.PluginCapability(volume_expansion={"type": online}))
        return csi_pb2.GetPluginCapabilitiesResponse(capabilities=capabilities)

    def Probe(self, request: csi_pb2.ProbeRequest, context: grpc.ServicerContext) -> csi_pb2.ProbeResponse:
        return csi_pb2.ProbeResponse(ready=BoolValue(value=True))
