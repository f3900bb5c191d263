"""Where the sidecar mounts each claim: the whole volume, once, under the volume's own name."""

from __future__ import annotations

from dataclasses import dataclass

from oc_gsb.sidecar.containers import KOPIA_VOLUMES, SidecarMount
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.workloads.claims import ClaimVolume, claim_volumes
from plugin_core.workloads.mounts import device_users, mounts_of
from plugin_core.workloads.templates import claim_templates_of, pod_spec_of

_SYSTEM_PATHS = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr", "/usr/bin", "/usr/lib",
                 "/usr/local", "/usr/local/bin", "/usr/sbin", "/tmp", *KOPIA_VOLUMES.values())
"""What the sidecar itself runs from; a volume mounted over one of these would hide it."""


@dataclass(frozen=True)
class MountPlan:
    """mounts: in the order of the volumes. problems: why it cannot be done. unmounted: volumes no container mounts.

    Kasten backs up what a container mounts; an unmounted volume is left alone.
    """

    mounts: tuple[SidecarMount, ...] = ()
    problems: tuple[str, ...] = ()
    unmounted: tuple[str, ...] = ()


def plan_mounts(workload: Manifest) -> MountPlan:
    """One mount at /VOLUME/MOUNTPATH for each claim volume that a container mounts.

    The mount path is that of the first main container, else of the first init container; a subPath there is left out,
    because a backup must hold the whole volume. Problems are about the workload as it is, without a sidecar.
    """
    spec = pod_spec_of(workload)
    mounts, problems, unmounted = [], list(_name_clashes(workload)), []
    for volume in claim_volumes(workload):
        users = device_users(spec, volume=volume.volume)
        if volume.block or users:
            by = f" (used by container {', '.join(users)})" if users else ""
            problems.append(f"volume {volume.volume} is a block device{by}; the sidecar can only copy files")
            continue
        mount = _mount_for(spec, volume)
        if mount is None:
            unmounted.append(volume.volume)
        elif mount.path in _SYSTEM_PATHS:
            problems.append(f"volume {volume.volume} would hide the sidecar's own files, mounted there at {mount.path}")
        else:
            mounts.append(mount)
    if not mounts and not problems:
        detail = f"; its volumes {', '.join(unmounted)} are mounted by no container" if unmounted else ""
        problems.append(f"it mounts no PersistentVolumeClaim: there is nothing to back up{detail}")
    return MountPlan(tuple(mounts), tuple(problems), tuple(unmounted))


def has_nothing_to_back_up(workload: Manifest) -> bool:
    """Whether no container mounts a claim, neither as files nor as a device."""
    spec = pod_spec_of(workload)
    return not any(mounts_of(spec, volume=one.volume) or device_users(spec, volume=one.volume)
                   for one in claim_volumes(workload))


def _mount_for(pod_spec: Manifest, volume: ClaimVolume) -> SidecarMount | None:
    found = mounts_of(pod_spec, volume=volume.volume)
    if not found:
        return None
    path = "/".join(part for part in ("", volume.volume, *found[0].path.split("/")) if part)
    return SidecarMount(volume=volume.volume, path=f"/{path}")


def _name_clashes(workload: Manifest) -> list[str]:
    taken = {str(volume.get("name")) for volume in pod_spec_of(workload).get("volumes") or []}
    taken |= {name_of(template) for template in claim_templates_of(workload)}
    return [f"it already has a volume named {name}, which the sidecar needs for itself"
            for name in KOPIA_VOLUMES if name in taken]
