"""Every VolumeSnapshot there is, ours and others'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_rwx.protection.snapshot_api import require_snapshot_api
from kubectl_rwx.protection.snapshot_reports import describe_snapshot, snapshot_report
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.reports import Report
from plugin_core.storage.snapshots import error_of

ERRORS_SHOWN = 5


@dataclass(frozen=True)
class ListRequest:
    """selector "": all."""

    selector: str = ""
    all_namespaces: bool = False


def list_snapshots(cluster: Cluster, request: ListRequest) -> Report:
    """One list request, set by set; drivers' errors are notes, so that a bare `false` is not all one sees."""
    namespace = None if request.all_namespaces else cluster.namespace
    try:
        snapshots = cluster.list_all(VOLUME_SNAPSHOT, namespace=namespace, labels=request.selector).items
    except errors.NotFound:
        require_snapshot_api(cluster)
        raise
    where = "" if namespace is None else f" in namespace {namespace}"
    return snapshot_report(
        snapshots, with_namespace=request.all_namespaces, empty=f"No snapshots found{where}.",
        notes=_errors_of(snapshots),
    )


def _errors_of(snapshots: Sequence[Manifest]) -> tuple[str, ...]:
    """What drivers say of snapshots that are not ready; the first few."""
    failing = [snapshot for snapshot in snapshots if error_of(snapshot)]
    said = [f"{describe_snapshot(name_of(snapshot))}: {error_of(snapshot)}" for snapshot in failing[:ERRORS_SHOWN]]
    if len(failing) > ERRORS_SHOWN:
        said.append(f"{len(failing) - ERRORS_SHOWN} more report errors (all of them with -o json)")
    return tuple(said)
