"""Creating many objects at once, remembering each as soon as the server has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.manifests import Manifest

AT_ONCE = 16
"""Requests in flight; the connection pool holds 32."""


def create_together(
    cluster: Cluster, manifests: Sequence[Manifest], *, made: list[Manifest], tell: Callable[[Manifest], None]
) -> list[Manifest | errors.PluginError]:
    """One result for each manifest, in order: the object as the server stored it, or why it did not.

    made receives each object as it comes to be; tell is called for each, in order, on the caller's thread. After Ctrl-C
    requests in flight are finished, so that `made` holds all there is, and no further ones are begun.
    """

    def create(manifest: Manifest) -> Manifest | errors.PluginError:
        try:
            stored = cluster.create(manifest)
        except errors.PluginError as error:
            return error
        made.append(stored)
        return stored

    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    try:
        results = []
        for result in pool.map(create, manifests):
            results.append(result)
            if not isinstance(result, errors.PluginError):
                tell(result)
        return results
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
