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
    cluster: Cluster, manifests: Sequence[Manifest], *, created: Callable[[Manifest], None]
) -> list[Manifest | errors.PluginError]:
    """One result for each manifest, in order: the object as the server stored it, or why it did not.

    created is called for each object as it comes to be, from worker threads. After Ctrl-C requests in flight are
    finished, so that `created` knows all there is, and no further ones are begun.
    """

    def create(manifest: Manifest) -> Manifest | errors.PluginError:
        try:
            stored = cluster.create(manifest)
        except errors.PluginError as error:
            return error
        created(stored)
        return stored

    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    try:
        return list(pool.map(create, manifests))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
