"""The sidecar container and its own volumes, as Kasten's k10genericbackup tool adds them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from oc_gsb.scc import SIDECAR_CAPABILITIES
from plugin_core.model.manifests import Manifest
from plugin_core.names import SIDECAR_CONTAINER

CACHE_VOLUME = "kopia-cache-volume"
KOPIA_VOLUMES: dict[str, str] = {
    CACHE_VOLUME: "/tmp/kopia-cache",
    "kopia-log-volume": "/tmp/kopia-log",
    "kopia-repo-volume": "/tmp/kopia-repository",
}
"""emptyDirs kopia writes to: the image's own file system may be read-only."""

CACHE_LIMIT = "3000Mi"

CA_VOLUME = "kanister-sidecar-ca"
CA_KEY, CA_PATH = "custom-ca-bundle.pem", "/etc/ssl/certs/custom-ca-bundle.pem"
"""The key Kasten uses in the ConfigMap of a private CA, and where the sidecar must find it (docs.kasten.io, advanced
installation, trusted root certificates)."""


@dataclass(frozen=True)
class SidecarOptions:
    """cpu and memory are requests; the limits are "" for none.

    No CPU limit, since it slows backups down, and no memory limit unless asked for: kopia has needed 2Gi for a volume
    of 21 GB (velero issues 2073, 4648), and a limit turns a slow backup into a killed one.

    env: NAME, VALUE pairs. pull_secrets: added to the pod's own. ca_configmap: of a private CA; "" for none. own_image:
    whether the user named the image, so that a sidecar of another tool gets it too.
    """

    image: str
    cpu: str = "100m"
    memory: str = "256Mi"
    cpu_limit: str = ""
    memory_limit: str = ""
    env: tuple[tuple[str, str], ...] = ()
    pull_secrets: tuple[str, ...] = ()
    cache_size: str = CACHE_LIMIT
    ca_configmap: str = ""
    own_image: bool = False

    @property
    def resources(self) -> Manifest:
        """requests and limits as a container has them."""
        found: Manifest = {"requests": {"cpu": self.cpu, "memory": self.memory}}
        limits = {key: value for key, value in (("cpu", self.cpu_limit), ("memory", self.memory_limit)) if value}
        return {**found, "limits": limits} if limits else found


@dataclass(frozen=True)
class SidecarMount:
    """One claim-backed volume and where the sidecar sees it, whole."""

    volume: str
    path: str


def sidecar_container(options: SidecarOptions, mounts: Iterable[SidecarMount]) -> Manifest:
    """The container. Its securityContext asks for the capabilities and nothing else.

    A seccomp profile, for one, is refused by every SCC that lists none.
    """
    made: Manifest = {
        "name": SIDECAR_CONTAINER,
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["bash", "-c"],
        "args": ["tail -f /dev/null"],
        "resources": options.resources,
        "securityContext": {"capabilities": {"add": list(SIDECAR_CAPABILITIES)}},
        "volumeMounts": list(_mounts(options, mounts)),
    }
    if options.env:
        made["env"] = _env(options)
    return made


def completed(container: Manifest, options: SidecarOptions, mounts: Iterable[SidecarMount]) -> Manifest:
    """Another tool's sidecar with what it lacks: capabilities, requests, mounts; what it has stays as it is.

    A volume counts as mounted wherever it is: Kasten's documents only ask that paths differ.
    """
    made = copy.deepcopy(container)
    context = made.setdefault("securityContext", {})
    capabilities = context.setdefault("capabilities", {})
    added = capabilities.get("add") or []
    capabilities["add"] = [*added, *(name for name in SIDECAR_CAPABILITIES if name not in added)]
    if capabilities.get("drop"):
        capabilities["drop"] = [name for name in capabilities["drop"] if name not in SIDECAR_CAPABILITIES]
    for part, values in options.resources.items():
        there = made.setdefault("resources", {}).get(part) or {}
        made["resources"][part] = {**values, **there}
    present = made.get("volumeMounts") or []
    volumes, paths = {one.get("name") for one in present}, {one.get("mountPath") for one in present}
    missing = [one for one in _mounts(options, mounts) if one["name"] not in volumes]
    for one in missing:
        while one["mountPath"] in paths:
            one["mountPath"] = f"/gsb{one['mountPath']}"
    made["volumeMounts"] = [*present, *missing]
    if options.own_image:
        made["image"] = options.image
    if options.env:
        names = {name for name, _ in options.env}
        made["env"] = [*(one for one in made.get("env") or [] if one.get("name") not in names), *_env(options)]
    return made


def sidecar_volumes(options: SidecarOptions) -> list[Manifest]:
    """The emptyDirs; the cache is bounded so that a big backup evicts no pod by filling the node's disk."""
    found: list[Manifest] = [
        {"name": name, "emptyDir": {"sizeLimit": options.cache_size} if name == CACHE_VOLUME else {}}
        for name in KOPIA_VOLUMES
    ]
    if options.ca_configmap:
        found.append({"name": CA_VOLUME, "configMap": {"name": options.ca_configmap}})
    return found


def own_volumes(options: SidecarOptions) -> tuple[str, ...]:
    """The names of the volumes that the sidecar brings along."""
    return (*KOPIA_VOLUMES, *([CA_VOLUME] if options.ca_configmap else []))


def sidecar_of(pod_spec: Manifest) -> Manifest | None:
    """The sidecar among the main or init containers; None when there is none."""
    containers = [*(pod_spec.get("containers") or []), *(pod_spec.get("initContainers") or [])]
    return next((one for one in containers if one.get("name") == SIDECAR_CONTAINER), None)


def _mounts(options: SidecarOptions, mounts: Iterable[SidecarMount]) -> Iterator[Manifest]:
    for name, path in KOPIA_VOLUMES.items():
        yield {"name": name, "mountPath": path}
    if options.ca_configmap:
        yield {"name": CA_VOLUME, "mountPath": CA_PATH, "subPath": CA_KEY, "readOnly": True}
    for mount in mounts:
        yield {"name": mount.volume, "mountPath": mount.path}


def _env(options: SidecarOptions) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in options.env]
