"""The sidecar container and its own volumes, as Kasten's k10genericbackup tool adds them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oc_gsb.scc import SIDECAR_CAPABILITIES
from plugin_core.model.manifests import Manifest
from plugin_core.names import SIDECAR_CONTAINER

KOPIA_VOLUMES: dict[str, str] = {
    "kopia-cache-volume": "/tmp/kopia-cache",
    "kopia-log-volume": "/tmp/kopia-log",
    "kopia-repo-volume": "/tmp/kopia-repository",
}
"""emptyDirs kopia writes to: the image's own file system may be read-only."""

CACHE_VOLUME = "kopia-cache-volume"
CACHE_LIMIT = "3000Mi"


@dataclass(frozen=True)
class SidecarOptions:
    """cpu and memory are requests; the limits are "" for none.

    No CPU limit, since it slows backups down, and no memory limit unless asked for: kopia has needed 2Gi for a volume
    of 21 GB (velero issues 2073, 4648), and a limit turns a slow backup into a killed one.
    """

    image: str
    cpu: str = "100m"
    memory: str = "256Mi"
    cpu_limit: str = ""
    memory_limit: str = ""


@dataclass(frozen=True)
class SidecarMount:
    """One claim-backed volume and where the sidecar sees it, whole."""

    volume: str
    path: str


def sidecar_container(options: SidecarOptions, mounts: Iterable[SidecarMount]) -> Manifest:
    """The container. Its securityContext asks for the capabilities and nothing else.

    A seccomp profile, for one, is refused by every SCC that lists none.
    """
    resources: Manifest = {"requests": {"cpu": options.cpu, "memory": options.memory}}
    limits = {key: value for key, value in (("cpu", options.cpu_limit), ("memory", options.memory_limit)) if value}
    if limits:
        resources["limits"] = limits
    own = [{"name": name, "mountPath": path} for name, path in KOPIA_VOLUMES.items()]
    return {
        "name": SIDECAR_CONTAINER,
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["bash", "-c"],
        "args": ["tail -f /dev/null"],
        "resources": resources,
        "securityContext": {"capabilities": {"add": list(SIDECAR_CAPABILITIES)}},
        "volumeMounts": own + [{"name": mount.volume, "mountPath": mount.path} for mount in mounts],
    }


def kopia_volumes() -> list[Manifest]:
    """The emptyDirs; the cache is bounded so that a big backup evicts no pod by filling the node's disk."""
    return [{"name": name, "emptyDir": {"sizeLimit": CACHE_LIMIT} if name == CACHE_VOLUME else {}}
            for name in KOPIA_VOLUMES]


def sidecar_of(pod_spec: Manifest) -> Manifest | None:
    """The sidecar among the main or init containers; None when there is none."""
    containers = [*(pod_spec.get("containers") or []), *(pod_spec.get("initContainers") or [])]
    return next((one for one in containers if one.get("name") == SIDECAR_CONTAINER), None)
