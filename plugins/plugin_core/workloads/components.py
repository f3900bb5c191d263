"""Which versions of what the plugins work with a cluster has. Every question may fail alone; none fails the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    CLUSTER_VERSION,
    CONFIG_MAP,
    DEPLOYMENT,
    GROUP_SNAPSHOT_GROUP,
    SCC_GROUP,
    SNAPSHOT_GROUP,
    Kind,
)
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of

_CONTROLLERS = ("snapshot-controller", "csi-snapshot-controller")
"""Names of its Deployment: upstream's and OpenShift's."""
_NOT_SEEN = "not seen"
"""Managed clusters run some of it where nobody can look."""


@dataclass(frozen=True)
class Component:
    """version: "" when there is none to tell. found: where it is, or why nothing is known."""

    name: str
    version: str
    found: str


def find_components(cluster: Cluster) -> list[Component]:
    """The server first; only it when it does not answer, for then nothing else will."""
    try:
        server = Component("Kubernetes", cluster.server_version(), "the server answers")
    except errors.PluginError as error:
        return [Component("Kubernetes", "", error.message)]
    return [server, *(component for look in _LOOKS for component in _looked(cluster, look))]


def _looked(cluster: Cluster, look: tuple[str, Callable[[Cluster], Iterator[Component]]]) -> list[Component]:
    name, find = look
    try:
        return list(find(cluster)) or [Component(name, "", _NOT_SEEN)]
    except errors.PluginError as error:
        return [Component(name, "", error.message)]


def _snapshot_apis(cluster: Cluster) -> Iterator[Component]:
    for name, group in (("snapshot API", SNAPSHOT_GROUP), ("group snapshot API", GROUP_SNAPSHOT_GROUP)):
        versions = cluster.versions_of(group)
        yield Component(name, ", ".join(versions), f"{group} is served" if versions else f"{group} is not served")


def _snapshot_controllers(cluster: Cluster) -> Iterator[Component]:
    for name in _CONTROLLERS:
        for deployment in _named(cluster, DEPLOYMENT, name):
            containers = part_of(deployment, "spec", "template", "spec", "containers") or [{}]
            image = str(containers[0].get("image", ""))
            match = re.search(r":v?(\d[\w.+-]*)$", image.partition("@")[0])
            where = f"deployment {namespace_of(deployment)}/{name_of(deployment)}"
            yield Component("snapshot-controller", match[1] if match else "", f"{where}, image {image}")


def _kasten(cluster: Cluster) -> Iterator[Component]:
    for config in _named(cluster, CONFIG_MAP, "k10-config"):
        yield Component("Kasten", str(part_of(config, "data", "version") or ""), f"namespace {namespace_of(config)}")


def _openshift(cluster: Cluster) -> Iterator[Component]:
    if cluster.versions_of(CLUSTER_VERSION.group):
        version = cluster.get(CLUSTER_VERSION, "version")
        yield Component("OpenShift", str(part_of(version, "status", "desired", "version") or ""), "its ClusterVersion")
    elif cluster.versions_of(SCC_GROUP):
        yield Component("OpenShift", "", f"{SCC_GROUP} is served, but no ClusterVersion")


def _named(cluster: Cluster, kind: Kind, name: str) -> list[Manifest]:
    """Everywhere, or where not all may be seen, in the command's own namespace."""
    fields = f"metadata.name={name}"
    try:
        return cluster.list_all(kind, fields=fields).items
    except errors.Forbidden:
        return cluster.list_all(kind, namespace=cluster.namespace, fields=fields).items


_LOOKS = (
    ("snapshot API", _snapshot_apis), ("snapshot-controller", _snapshot_controllers), ("Kasten", _kasten),
    ("OpenShift", _openshift),
)
