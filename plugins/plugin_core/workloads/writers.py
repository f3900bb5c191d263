"""Who writes to a claim right now: every pod of the namespace that mounts it read-write, whoever owns the pod."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import POD
from plugin_core.model.manifests import Manifest, name_of, part_of, uid_of
from plugin_core.workloads.owners import Owned, find_owners

OVER = ("Succeeded", "Failed")
"""Phases of a pod whose containers have all ended and never start again."""


@dataclass(frozen=True, eq=False)
class Writer:
    """claims: those of the set it may write to. containers: those of its containers that mount them so.

    running: whether they run; a pod that is only starting cannot be asked to stand still, and may begin to write.
    """

    pod: Manifest
    claims: tuple[str, ...]
    containers: tuple[str, ...]
    owned: Owned

    @property
    def name(self) -> str:
        return name_of(self.pod)

    @property
    def running(self) -> bool:
        return bool(part_of(self.pod, "status", "phase") == "Running")

    @property
    def managed(self) -> bool:
        return self.owned.owner is not None

    @property
    def incarnation(self) -> tuple[str, tuple[str, ...]]:
        """Differs when the pod was replaced or one of its containers restarted."""
        statuses = part_of(self.pod, "status", "containerStatuses") or []
        return uid_of(self.pod), tuple(sorted(str(one.get("containerID") or "") for one in statuses))

    def __str__(self) -> str:
        return f"pod/{self.name} ({self.owned.words})"


def find_writers(cluster: Cluster, claims: Collection[str], *, namespace: str) -> tuple[Writer, ...]:
    """Those of all claims, by name: one list of pods, and the owners of those that count."""
    writing = writing_pods(cluster.list_all(POD, namespace=namespace).items, claims)
    owners = find_owners(cluster, [pod for pod, _, _ in writing], namespace=namespace)
    return tuple(Writer(pod, used, containers, owners[name_of(pod)]) for pod, used, containers in writing)


def writing_pods(
    pods: Sequence[Manifest], claims: Collection[str]
) -> list[tuple[Manifest, tuple[str, ...], tuple[str, ...]]]:
    """Pods that are not over, each with the claims and the containers that write to them; terminating pods count."""
    found = []
    for pod in sorted(pods, key=name_of):
        if part_of(pod, "status", "phase") in OVER:
            continue
        volumes = _writable_volumes(pod, claims)
        containers = tuple(str(one.get("name")) for one in _containers(pod) if _writes(one, volumes))
        if containers:
            found.append((pod, tuple(sorted(set(volumes.values()))), containers))
    return found


def _writable_volumes(pod: Manifest, claims: Collection[str]) -> dict[str, str]:
    """Volume name → claim."""
    found = {}
    for volume in part_of(pod, "spec", "volumes") or []:
        used = volume.get("persistentVolumeClaim") or {}
        claim = used.get("claimName") or (f"{name_of(pod)}-{volume['name']}" if volume.get("ephemeral") else "")
        if claim in claims and not used.get("readOnly"):
            found[str(volume["name"])] = str(claim)
    return found


def _containers(pod: Manifest) -> list[Manifest]:
    """Those that may be running: an init container only as a sidecar, or while the pod is starting."""
    starting = part_of(pod, "status", "phase") != "Running"
    inits = [one for one in part_of(pod, "spec", "initContainers") or []
             if starting or one.get("restartPolicy") == "Always"]
    return [*(part_of(pod, "spec", "containers") or []), *inits]


def _writes(container: Manifest, volumes: dict[str, str]) -> bool:
    mounted = any(mount.get("name") in volumes and not mount.get("readOnly")
                  for mount in container.get("volumeMounts") or [])
    return mounted or any(device.get("name") in volumes for device in container.get("volumeDevices") or [])
