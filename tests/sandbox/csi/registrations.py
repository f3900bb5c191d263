"""Making a driver known to the kubelet: it asks us, on a socket in its plugins folder, what we are."""

import logging
from pathlib import Path

import grpc
import registration_pb2
import registration_pb2_grpc

log = logging.getLogger(__name__)


class Registration(registration_pb2_grpc.RegistrationServicer):
    """Answers for one driver."""

    def __init__(self, *, name: str, endpoint: Path) -> None:
        self._name = name
        self._endpoint = endpoint

    def GetInfo(
        self, request: registration_pb2.InfoRequest, context: grpc.ServicerContext
    ) -> registration_pb2.PluginInfo:
        return registration_pb2.PluginInfo(
            type="CSIPlugin", name=self._name, endpoint=str(self._endpoint), supported_versions=["1.0.0"]
        )

    def NotifyRegistrationStatus(
        self, request: registration_pb2.RegistrationStatus, context: grpc.ServicerContext
    ) -> registration_pb2.RegistrationStatusResponse:
        if request.plugin_registered:
            log.info("%s is registered with the kubelet", self._name)
        else:
            log.error("the kubelet refused %s: %s", self._name, request.error)
        return registration_pb2.RegistrationStatusResponse()
