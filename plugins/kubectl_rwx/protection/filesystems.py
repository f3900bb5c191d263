"""Whether fsfreeze can work where the claims are mounted: the kernel says so in /proc/mounts of the container."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.protection.hooks import Hook
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.manifests import part_of

UNFREEZABLE = ("nfs", "nfs4", "cifs", "smb3", "overlay", "fuse")
"""File systems on which FIFREEZE answers "Operation not supported": it stops one kernel's own disk, and these have none
(vmware-tanzu/velero issues 2042 and 4441 for NFS and overlay)."""


def refuse_fsfreeze(cluster: Cluster, hooks: Sequence[Hook]) -> None:
    """Raises NotReady when a hook calls fsfreeze on a claim whose file system cannot be frozen."""
    for hook in hooks:
        if not any("fsfreeze" in word or "xfs_freeze" in word for word in hook.freeze.argv):
            continue
        shown = cluster.execute(hook.pod, ("cat", "/proc/mounts"), namespace=cluster.namespace,
                                container=hook.freeze.container)
        kinds = {fields[1]: fields[2] for fields in map(str.split, shown.stdout.splitlines()) if len(fields) > 2}
        for path in _paths(hook):
            kind = kinds.get(path, "")
            if kind.split(".")[0] in UNFREEZABLE:
                raise errors.NotReady(
                    f"{hook}: {path} is {kind}, which fsfreeze cannot freeze: the files are on another machine or "
                    "layer, and other nodes would go on writing",
                    hint="use --quiesce=scale, or a --freeze command that makes the application itself stand still",
                )


def _paths(hook: Hook) -> list[str]:
    """Where the hook's container mounts claims of the set."""
    spec = hook.writer.pod.get("spec") or {}
    volumes = {volume["name"] for volume in spec.get("volumes") or []
               if part_of(volume, "persistentVolumeClaim", "claimName") in hook.writer.claims}
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    return [str(mount["mountPath"]).rstrip("/") or "/" for container in containers
            if container["name"] == hook.freeze.container
            for mount in container.get("volumeMounts") or [] if mount["name"] in volumes]
