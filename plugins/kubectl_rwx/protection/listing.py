"""Every VolumeSnapshot there is, ours and others'."""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_rwx.protection.snapshot_api import require_snapshot_api
from kubectl_rwx.protection.snapshot_reports import snapshot_report
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import VOLUME_SNAPSHOT
from plugin_core.model.reports import Report


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
    report = snapshot_report(
        snapshots, with_namespace=request.all_namespaces, empty=f"No snapshots found{where}.",
    )
    return report
