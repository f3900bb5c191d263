"""What `snapshot` must be allowed to do, asked before anything is done."""

from __future__ import annotations

from kubectl_rwx.protection.claim_selection import reading_verb
from kubectl_rwx.protection.quiesce_requests import HOOK
from kubectl_rwx.protection.rights import Right, join_rights, missing_rights, require_rights
from kubectl_rwx.protection.snapshot_plans import Sight
from kubectl_rwx.protection.snapshot_requests import SnapshotRequest
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
)
from plugin_core.model.progress import Progress


def check_rights(cluster: Cluster, request: SnapshotRequest, progress: Progress, *, count: int) -> Sight:
    """Raises Forbidden when the request cannot be done; else what may be read of the cluster's scope.

    count: how many claims are asked for by name; 0 for a selector or all.
    """
    namespace = cluster.namespace
    read_claims = reading_verb(count) if count else "list"
    needed = [Right(read_claims, PERSISTENT_VOLUME_CLAIM), Right("create", VOLUME_SNAPSHOT)]
    if (request.wait or request.quiesce.on) and not cluster.dry_run.on:
        needed.append(Right("list", VOLUME_SNAPSHOT))
    if request.quiesce.on:
        needed.append(Right("list", POD))
    if request.quiesce.mode == HOOK and not cluster.dry_run.on:
        needed.append(Right("create", POD, "exec"))
    require_rights(cluster, needed, namespace=namespace)
    volumes = Right(read_claims, PERSISTENT_VOLUME)
    classes = Right("get" if request.snapshot_class else "list", VOLUME_SNAPSHOT_CLASS)
    missing = missing_rights(cluster, [volumes, classes], namespace=namespace)
    if classes in missing and not request.snapshot_class:
        raise errors.Forbidden(
            f"without --class these rights are needed and missing: {join_rights(missing)}",
            hint="name the VolumeSnapshotClass with --class (ask an administrator which one fits)", status=403,
        )
    if missing:
        what = "whether the class fits the volume's driver is" if classes in missing else "non-CSI volumes are"
        progress.warn(f"{what} not checked: you may not {join_rights(missing)}")
    return Sight(volumes=volumes not in missing, classes=classes not in missing)
