"""Where the sidecar mounts each claim: the whole volume, once, under the volume's own name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oc_gsb.sidecar.containers import KOPIA_VOLUMES, SidecarMount
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.workloads.claims import ClaimVolume, claim_volumes
from plugin_core.workloads.mounts import device_users, mounts_of
from plugin_core.workloads.templates import claim_templates_of, pod_spec_of

_SYSTEM_FOLDERS = frozenset({"bin", "dev", "etc", "home", "lib", "lib64", "opt", "proc", "root", "run", "sbin", "sys",
                             "tmp", "usr", "var"})
"""What the sidecar itself runs from and writes to; a volume mounted in there would hide some of it."""

ASIDE = "/gsb.d"
"""Where a volume named like one of those goes; a volume's name has no dot, so no other volume is there."""


@dataclass(frozen=True)
class MountPlan:
    """mounts: in the order of the volumes. problems: why it cannot be done. unmounted: volumes no container mounts.

    Kasten backs up what a container mounts; an unmounted volume is left alone.
    """

    mounts: tuple[SidecarMount, ...] = ()
    problems: tuple[str, ...] = ()
    unmounted: tuple[str, ...] = ()


def plan_mounts(workload: Manifest, *, ours: Iterable[str] = tuple(KOPIA_VOLUMES)) -> MountPlan:
    """One mount at /VOLUME/MOUNTPATH for each claim volume that a container mounts, out of the way of the system's.

    The mount path is that of the first main container, else of the first init container; a subPath there is left out,
    because a backup must hold the whole volume. Kasten only asks that paths differ. Problems are about the workload as
    it is, without a sidecar. ours: the names of the volumes that the sidecar brings along.
    """
    spec = pod_spec_of(workload)
    mounts, problems, unmounted = [], list(_name_clashes(workload, ours)), []
    for volume in claim_volumes(workload):
        users = device_users(spec, volume=volume.volume)
        if volume.block or users:
            by = f" (used by container {', '.join(users)})" if users else ""
            problems.append(f"volume {volume.volume} is a block device{by}; the sidecar can only copy files")
            continue
        mount = _mount_for(spec, volume)
        if mount is None:
            unmounted.append(volume.volume)
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
    aside = ASIDE if volume.volume in _SYSTEM_FOLDERS else ""
    return SidecarMount(volume=volume.volume, path=f"{aside}/{path}")


def _name_clashes(workload: Manifest, ours: Iterable[str]) -> list[str]:
    taken = {str(volume.get("name")) for volume in pod_spec_of(workload).get("volumes") or []}
    taken |= {name_of(template) for template in claim_templates_of(workload)}
    return [f"it already has a volume named {name}, which the sidecar needs for itself"
            for name in ours if name in taken]
