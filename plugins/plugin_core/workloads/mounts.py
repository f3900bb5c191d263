"""Where the containers of a pod template mount a volume."""

from __future__ import annotations

from dataclasses import dataclass

from plugin_core.model.manifests import Manifest


@dataclass(frozen=True)
class Mount:
    """One container's mount of a volume. init: an init container's. sub_path: "" for the whole volume."""

    volume: str
    container: str
    path: str
    init: bool = False
    sub_path: str = ""
    read_only: bool = False


def mounts_of(pod_spec: Manifest, *, volume: str) -> tuple[Mount, ...]:
    """Every mount of the volume: those of main containers first, then init containers', each in written order."""
    found = []
    for init, key in ((False, "containers"), (True, "initContainers")):
        for container in pod_spec.get(key) or []:
            for mount in container.get("volumeMounts") or []:
                if mount.get("name") == volume:
                    found.append(Mount(
                        volume=volume, container=str(container.get("name")), path=str(mount.get("mountPath")),
                        init=init, sub_path=str(mount.get("subPath") or mount.get("subPathExpr") or ""),
                        read_only=bool(mount.get("readOnly")),
                    ))
    return tuple(found)


def device_users(pod_spec: Manifest, *, volume: str) -> tuple[str, ...]:
    """Names of the containers that use the volume as a block device (volumeDevices)."""
    return tuple(
        str(container.get("name"))
        for key in ("containers", "initContainers") for container in pod_spec.get(key) or []
        if any(device.get("name") == volume for device in container.get("volumeDevices") or [])
    )
