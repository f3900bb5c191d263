"""The part of CSI's Controller service that is about volumes."""

import os
from dataclasses import replace
from pathlib import Path

import csi_pb2
import grpc

from sandbox.csi import modes, paging, restores
from sandbox.csi.drivers import Driver
from sandbox.csi.faults import drop_reserved
from sandbox.csi.records import Volume, identify
from sandbox.csi.refusals import Refusal, refuse_missing

DEFAULT_CAPACITY = 1024**3


class VolumeCalls:
    """Creates, deletes, grows, lists volumes."""

    _driver: Driver

    def CreateVolume(
        self, request: csi_pb2.CreateVolumeRequest, context: grpc.ServicerContext
    ) -> csi_pb2.CreateVolumeResponse:
        refuse_missing(name=request.name)
        driver = self._driver
        modes.refuse_unsupported(driver.variant, request.volume_capabilities)
        volume_id = identify(request.name)
        with driver.locks.holding(f"volume-{volume_id}"):
            volume = driver.volumes.find(volume_id)
            if volume is None:
                volume = self._create(volume_id, request)
            else:
                _refuse_different(volume, request)
        return csi_pb2.CreateVolumeResponse(volume=_describe(volume))

    def _create(self, volume_id: str, request: csi_pb2.CreateVolumeRequest) -> Volume:
        driver = self._driver
        parameters = drop_reserved(request.parameters)
        source = restores.find_source(driver, request.volume_content_source)
        capacity = self._choose_capacity(request.capacity_range, restores.source_capacity(source))
        faults = driver.overlay_faults(source.parameters if source else {}, parameters)
        folder = restores.shared_folder(driver, source, faults=faults) if source else ""
        with driver.drafting() as drafts:
            if not folder:
                draft = drafts / volume_id
                draft.mkdir()
                # Open to every user, as NFS exports commonly are: pods run as any uid, and not each sets an fsGroup.
                draft.chmod(0o777)
                if source is not None:
                    restores.fill_folder(driver, draft, source, faults=faults)
                folder = volume_id
                self._land(draft, drafts / "rest")
            volume = Volume(
                id=volume_id,
                name=request.name,
                capacity=capacity,
                folder=folder,
                parameters=parameters,
                source_snapshot=request.volume_content_source.snapshot.snapshot_id,
                source_volume=request.volume_content_source.volume.volume_id,
            )
            driver.volumes.write(volume)
        return volume

    def _land(self, draft: Path, trash: Path) -> None:
        target = self._driver.volumes_folder / draft.name
        if target.exists():
            if any(other.folder == draft.name for other in self._driver.volumes.list_all()):
                # Its first owner is deleted, and a volume that was restored with shareRestore still lives in it.
                raise Refusal(grpc.StatusCode.ALREADY_EXISTS, f"folder {draft.name} is in use by another volume")
            target.rename(trash)  # the rest of a try that died before it was recorded
        draft.rename(target)

    def _choose_capacity(self, wanted: csi_pb2.CapacityRange, source_capacity: int) -> int:
        variant = self._driver.variant
        required, limit = wanted.required_bytes, wanted.limit_bytes
        capacity = required or source_capacity or min(DEFAULT_CAPACITY, limit or DEFAULT_CAPACITY)
        least = max(variant.minimum_bytes, source_capacity if variant.keeps_capacity else 0)
        if limit and capacity > limit:
            raise Refusal(grpc.StatusCode.OUT_OF_RANGE, f"{capacity} bytes are over the limit of {limit}")
        if capacity < least:
            raise Refusal(
                grpc.StatusCode.OUT_OF_RANGE, f"{capacity} bytes are too small: at least {least} bytes are needed"
            )
        return capacity

    def DeleteVolume(
        self, request: csi_pb2.DeleteVolumeRequest, context: grpc.ServicerContext
    ) -> csi_pb2.DeleteVolumeResponse:
        refuse_missing(volume_id=request.volume_id)
        driver = self._driver
        if driver.volumes.find(request.volume_id) is not None:
            with driver.locks.holding(f"volume-{request.volume_id}"):
                volume = driver.volumes.find(request.volume_id)
                if volume is not None:
                    self._delete(volume)
        return csi_pb2.DeleteVolumeResponse()

    def _delete(self, volume: Volume) -> None:
        driver = self._driver
        with driver.locks.waiting(f"publish-{volume.id}"):
            used = driver.list_mounted(volume)
        if used:
            raise Refusal(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"volume {volume.id} is in use on node {used[0].node} at {used[0].target}",
            )
        with driver.drafting() as trash:
            driver.volumes.remove(volume.id)
            folder = driver.locate_volume(volume)
            if folder.exists() and not any(other.folder == volume.folder for other in driver.volumes.list_all()):
                folder.rename(trash / volume.id)

    def ValidateVolumeCapabilities(
        self, request: csi_pb2.ValidateVolumeCapabilitiesRequest, context: grpc.ServicerContext
    ) -> csi_pb2.ValidateVolumeCapabilitiesResponse:
        refuse_missing(volume_id=request.volume_id, volume_capabilities=request.volume_capabilities)
        self._driver.require_volume(request.volume_id)
        try:
            modes.refuse_unsupported(self._driver.variant, request.volume_capabilities)
        except Refusal as refusal:
            return csi_pb2.ValidateVolumeCapabilitiesResponse(message=refusal.message)
        confirmed = {
            "volume_context": request.volume_context,
            "volume_capabilities": request.volume_capabilities,
            "parameters": request.parameters,
        }
        return csi_pb2.ValidateVolumeCapabilitiesResponse(confirmed=confirmed)

    def ControllerExpandVolume(
        self, request: csi_pb2.ControllerExpandVolumeRequest, context: grpc.ServicerContext
    ) -> csi_pb2.ControllerExpandVolumeResponse:
        wanted, driver = request.capacity_range, self._driver
        refuse_missing(volume_id=request.volume_id, capacity_range=request.HasField("capacity_range"))
        if not driver.variant.expands:
            raise Refusal(grpc.StatusCode.UNIMPLEMENTED, "this driver does not expand volumes")
        driver.require_volume(request.volume_id)
        with driver.locks.holding(f"volume-{request.volume_id}"):
            volume = driver.require_volume(request.volume_id)
            faults = driver.overlay_faults(volume.parameters)
            capacity = max(volume.capacity, wanted.required_bytes)
            if wanted.limit_bytes and capacity > wanted.limit_bytes:
                raise Refusal(grpc.StatusCode.OUT_OF_RANGE, f"{capacity} bytes are over the limit")
            if faults.fail_expansion:
                raise Refusal(grpc.StatusCode.INTERNAL, "backend refused to grow the volume (stand-in fault)")
            if not faults.keep_size and capacity != volume.capacity:
                volume = replace(volume, capacity=capacity)
                driver.volumes.write(volume)
        return csi_pb2.ControllerExpandVolumeResponse(
            capacity_bytes=volume.capacity, node_expansion_required=faults.grow_on_node
        )

    def ListVolumes(
        self, request: csi_pb2.ListVolumesRequest, context: grpc.ServicerContext
    ) -> csi_pb2.ListVolumesResponse:
        page, token = paging.cut_page(
            self._driver.volumes.list_all(),
            token=request.starting_token,
            limit=request.max_entries,
            identify=lambda volume: volume.id,
        )
        entries = [{"volume": _describe(volume)} for volume in page]
        return csi_pb2.ListVolumesResponse(entries=entries, next_token=token)

    def GetCapacity(
        self, request: csi_pb2.GetCapacityRequest, context: grpc.ServicerContext
    ) -> csi_pb2.GetCapacityResponse:
        status = os.statvfs(self._driver.volumes_folder)
        return csi_pb2.GetCapacityResponse(available_capacity=status.f_bavail * status.f_frsize)


def _refuse_different(volume: Volume, request: csi_pb2.CreateVolumeRequest) -> None:
    """A name stands for one volume: asking for another one under it is refused."""
    required, limit = request.capacity_range.required_bytes, request.capacity_range.limit_bytes
    content = request.volume_content_source
    same = (
        required <= volume.capacity
        and (not limit or volume.capacity <= limit)
        and volume.source_snapshot == content.snapshot.snapshot_id
        and volume.source_volume == content.volume.volume_id
        and volume.parameters == drop_reserved(request.parameters)
    )
    if not same:
        raise Refusal(
            grpc.StatusCode.ALREADY_EXISTS,
            f"volume {volume.name!r} exists with another size, source or parameters ({volume.capacity} bytes)",
        )


def _describe(volume: Volume) -> csi_pb2.Volume:
    described = csi_pb2.Volume(volume_id=volume.id, capacity_bytes=volume.capacity)
    if volume.source_snapshot:
        described.content_source.snapshot.snapshot_id = volume.source_snapshot
    elif volume.source_volume:
        described.content_source.volume.volume_id = volume.source_volume
    return described
