"""oc gsb restorepoints: what could be restored."""

from __future__ import annotations

from oc_gsb.kasten.points import find_points, point_item, with_size
from oc_gsb.kasten.serving import require_kasten
from oc_gsb.kasten.sizes import format_size
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import age_of
from plugin_core.model.kinds import NAMESPACE
from plugin_core.model.manifests import name_of
from plugin_core.model.reports import Column, Item, Report, column

SIZED = 20
"""Sizes are in a subresource of about 0.4 MB each; beyond so many, the older ones' are not asked for."""


def list_points(cluster: Cluster, *, namespace: str, sizes: bool, k10_namespace: str) -> Report:
    """namespace "": all. sizes: ask for every point's size, not the newest ones' only."""
    require_kasten(cluster)
    found = find_points(cluster, namespace=namespace, k10_namespace=k10_namespace)
    points = [with_size(cluster, point) if sizes or number < SIZED else point
              for number, point in enumerate(found.points)]
    items = tuple(point_item(point) for point in points)
    notes = []
    if found.unreadable:
        notes.append(f"restore points of deleted namespaces are not shown: {found.unreadable}")
    orphans = sorted({point.namespace for point in points if point.orphan})
    gone = _absent(cluster, orphans)
    if gone:
        notes.append(f"of {', '.join(gone)} only the contents are left, the namespace is gone: oc gsb restore brings "
                     "it back")
    if len(points) > SIZED and not sizes:
        notes.append(f"the sizes of the {len(points) - SIZED} oldest were not asked for: --sizes")
    columns = (
        column("NAME", "name"), column("NAMESPACE", "namespace"), column("TYPE", "type"), column("PROFILE", "profile"),
        Column("AGE", lambda item: age_of(item["time"])), column("POLICY", "policy"), Column("SIZE", _size),
        column("EXPIRES", "expires", wide=True), column("CONTENT", "content", wide=True),
    )
    where = f"of namespace {namespace}" if namespace else "in this cluster"
    return Report(kind="RestorePointList", items=items, columns=columns,
                  name=lambda item: f"{item['kind'].lower()}.apps.kio.kasten.io/{item['name']}", notes=tuple(notes),
                  empty=f"There is no restore point {where}.")


def _size(item: Item) -> str:
    return "<unknown>" if item["sizeBytes"] is None else format_size(item["sizeBytes"])


def _absent(cluster: Cluster, namespaces: list[str]) -> list[str]:
    """Those that are not there; [] for a user who may not list namespaces."""
    if not namespaces:
        return []
    try:
        there = {name_of(one) for one in cluster.list_all(NAMESPACE).items}
    except errors.Forbidden:
        return []
    return [name for name in namespaces if name not in there]
