"""The workloads of a namespace as Kasten's side looks at them: all of them, whatever kinds the user may see."""

from __future__ import annotations

from oc_gsb.sidecar.selection import served_kinds
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import DEPLOYMENT_CONFIG
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.workloads.templates import kind_of


def workloads_in(cluster: Cluster, namespace: str) -> list[Manifest]:
    """Who may not list DeploymentConfigs is taken to have none; any other kind that is forbidden is told."""
    found: list[Manifest] = []
    for kind in served_kinds(cluster):
        try:
            found += cluster.list_all(kind, namespace=namespace).items
        except errors.Forbidden:
            if kind != DEPLOYMENT_CONFIG:
                raise
    return found


def target_of(workload: Manifest) -> str:
    """deployment/web"""
    return f"{kind_of(workload).name.lower()}/{name_of(workload)}"
