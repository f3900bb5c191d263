"""Changing one workload with a pure function and one guarded merge patch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import Kind
from plugin_core.model.manifests import Manifest
from plugin_core.model.patches import merge_patch

ATTEMPTS = 10
"""Re-reads after a concurrent change; a controller's status updates count as such too."""


@dataclass(frozen=True)
class Edited:
    """before: as read. after: as the server answered; the same object when nothing was to change."""

    before: Manifest
    after: Manifest
    changed: bool


def edit_workload(
    cluster: Cluster, kind: Kind, name: str, *, namespace: str, edit: Callable[[Manifest], Manifest]
) -> Edited:
    """Reads, edits and patches; a concurrent change makes it read and edit anew. No difference: no request.

    edit must return a new object, and the same object again when given its own result: after a lost answer it is
    asked again. What it raises comes through. Raises Conflict when ATTEMPTS were not enough.
    """
    last: errors.Conflict | None = None
    for _ in range(ATTEMPTS):
        before = cluster.get(kind, name, namespace=namespace)
        patch = merge_patch(before, edit(before))
        if not patch:
            return Edited(before=before, after=before, changed=False)
        patch.setdefault("metadata", {})["resourceVersion"] = before["metadata"]["resourceVersion"]
        try:
            return Edited(before, cluster.patch(kind, name, patch, namespace=namespace), changed=True)
        except errors.Conflict as conflict:
            last = conflict
    assert last is not None
    raise last
