"""CSI's Node service: a volume's directory is bind-mounted where a pod wants it."""

import hashlib
import os
from pathlib import Path

import csi_pb2
import csi_pb2_grpc
import grpc

from sandbox.csi import copies, modes, mounts
from sandbox.csi.drivers import Driver
from sandbox.csi.records import Publication, Volume
from sandbox.csi.refusals import Refusal, refuse_missing

_Rpc = csi_pb2.NodeServiceCapability.RPC
_Usage = csi_pb2.VolumeUsage


class Node(csi_pb2_grpc.NodeServicer):
    """Serves one driver on one node."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def NodeGetInfo(
        self, request: csi_pb2.NodeGetInfoRequest, context: grpc.ServicerContext
    ) -> csi_pb2.NodeGetInfoResponse:
        return csi_pb2.NodeGetInfoResponse(node_id=self._driver.node)

    def NodeGetCapabilities(
        self, request: csi_pb2.NodeGetCapabilitiesRequest, context: grpc.ServicerContext
    ) -> csi_pb2.NodeGetCapabilitiesResponse:
        offered = [_Rpc.GET_VOLUME_STATS, _Rpc.SINGLE_NODE_MULTI_WRITER]
        if self._driver.variant.expands:
            offered.append(_Rpc.EXPAND_VOLUME)
        return csi_pb2.NodeGetCapabilitiesResponse(capabilities=[{"rpc": {"type": item}} for item in offered])

    def NodePublishVolume(
        self, request: csi_pb2.NodePublishVolumeRequest, context: grpc.ServicerContext
    ) -> csi_pb2.NodePublishVolumeResponse:
        driver, capability = self._driver, request.volume_capability
        refuse_missing(
            volume_id=request.volume_id,
            target_path=request.target_path,
            volume_capability=request.HasField("volume_capability"),
        )
        volume = driver.require_volume(request.volume_id)
        modes.refuse_unsupported(driver.variant, [capability])
        mode = capability.access_mode.mode
        target = os.path.realpath(request.target_path)
        wanted = Publication(
            id=self._identify(target),
            volume=volume.id,
            node=driver.node,
            namespace=mounts.find_namespace(),
            target=target,
            mode=mode,
            readonly=request.readonly or mode in modes.READERS,
        )
        # Both nodes' processes come by here, so neither can miss what the other is publishing.
        with driver.locks.waiting(f"publish-{volume.id}"):
            self._refuse_conflicts(volume, wanted)
            self._publish(volume, wanted, flags=frozenset(capability.mount.mount_flags))
        return csi_pb2.NodePublishVolumeResponse()

    def _identify(self, target: str) -> str:
        """The id of a publication: two nodes may use the same path, each in its own namespace."""
        return hashlib.sha256(f"{self._driver.node}:{target}".encode()).hexdigest()[:40]

    def _refuse_conflicts(self, volume: Volume, wanted: Publication) -> None:
        driver = self._driver
        faults = driver.overlay_faults(volume.parameters)
        if faults.fail_publish:
            raise Refusal(
                grpc.StatusCode.INTERNAL, f"backend refused to export volume {volume.id} (stand-in fault)"
            )
        others = [other for other in driver.list_mounted(volume) if other.id != wanted.id]
        elsewhere = sorted({other.node for other in others} - {driver.node})
        if elsewhere and (faults.refuse_second_node or not driver.variant.many_nodes):
            raise Refusal(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"volume {volume.id} is in use on node {', '.join(elsewhere)} and cannot be used on a second node",
            )
        if others and modes.ONE_POD in {wanted.mode, *(other.mode for other in others)}:
            raise Refusal(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"volume {volume.id} is for one pod only and is in use at {others[0].target}",
            )

    def _publish(self, volume: Volume, wanted: Publication, *, flags: frozenset[str]) -> None:
        if unknown := flags - mounts.BINDABLE_FLAGS:
            raise Refusal(
                grpc.StatusCode.INVALID_ARGUMENT, f"mount options not offered: {', '.join(sorted(unknown))}"
            )
        folder = self._driver.locate_volume(volume)
        present = mounts.find_mount(wanted.target)
        if present is None:
            os.makedirs(wanted.target, exist_ok=True)
            options = flags | ({"ro"} if wanted.readonly else set())
            # Recorded first: a mount without a record would be invisible to the other node.
            self._driver.publications.write(wanted)
            mounts.bind(folder, wanted.target, options=options)
        elif not mounts.find_origin(folder).is_of(present) or ("ro" in present.options) != wanted.readonly:
            raise Refusal(grpc.StatusCode.ALREADY_EXISTS, f"something else is mounted at {wanted.target}")

    def NodeUnpublishVolume(
        self, request: csi_pb2.NodeUnpublishVolumeRequest, context: grpc.ServicerContext
    ) -> csi_pb2.NodeUnpublishVolumeResponse:
        refuse_missing(volume_id=request.volume_id, target_path=request.target_path)
        target = os.path.realpath(request.target_path)
        mounts.unbind(target)
        if os.path.isdir(target):
            os.rmdir(target)
        self._driver.publications.remove(self._identify(target))
        return csi_pb2.NodeUnpublishVolumeResponse()

    def NodeGetVolumeStats(
        self, request: csi_pb2.NodeGetVolumeStatsRequest, context: grpc.ServicerContext
    ) -> csi_pb2.NodeGetVolumeStatsResponse:
        refuse_missing(volume_id=request.volume_id, volume_path=request.volume_path)
        volume = self._driver.require_volume(request.volume_id)
        folder = self._require_mount(volume, request.volume_path)
        used, inodes = copies.count_usage(folder)
        available = max(0, volume.capacity - used)
        return csi_pb2.NodeGetVolumeStatsResponse(
            usage=[
                _Usage(unit=_Usage.BYTES, total=volume.capacity, used=used, available=available),
                _Usage(unit=_Usage.INODES, used=inodes),
            ]
        )

    def NodeExpandVolume(
        self, request: csi_pb2.NodeExpandVolumeRequest, context: grpc.ServicerContext
    ) -> csi_pb2.NodeExpandVolumeResponse:
        refuse_missing(volume_id=request.volume_id, volume_path=request.volume_path)
        volume = self._driver.require_volume(request.volume_id)
        self._require_mount(volume, request.volume_path)
        if self._driver.overlay_faults(volume.parameters).fail_node_expansion:
            raise Refusal(grpc.StatusCode.INTERNAL, f"{self._driver.node} cannot grow {volume.id} (stand-in fault)")
        return csi_pb2.NodeExpandVolumeResponse(capacity_bytes=volume.capacity)

    def _require_mount(self, volume: Volume, path: str) -> Path:
        """The volume's folder, which must be mounted at the path."""
        folder = self._driver.locate_volume(volume)
        mount = mounts.find_mount(os.path.realpath(path))
        if mount is None or not mounts.find_origin(folder).is_of(mount):
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"volume {volume.id} is not mounted at {path}")
        return folder
