"""The three ways to restore: to new claims beside the sources, to another namespace, or in place."""

from __future__ import annotations

from collections.abc import Callable

from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.protection.cross_namespace import restore_elsewhere
from kubectl_rwx.protection.in_place import restore_in_place
from kubectl_rwx.protection.restore_requests import RestoreRequest
from kubectl_rwx.protection.restores import restore
from plugin_core.kube.cluster import Cluster
from plugin_core.model.progress import Progress


def restore_as_asked(
    cluster: Cluster, request: RestoreRequest, progress: Progress, *, consent: Callable[[str], None]
) -> Answer:
    """consent is asked before anything is destroyed, which only in place does; it raises to stop."""
    if request.in_place:
        return restore_in_place(cluster, request, progress, consent=consent)
    if request.to_namespace and request.to_namespace != cluster.namespace:
        return restore_elsewhere(cluster, request, progress)
    return restore(cluster, request, progress)
