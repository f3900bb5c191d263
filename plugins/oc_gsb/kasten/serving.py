"""Whether Kasten's APIs are there, and what it means when they do not answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import (
    KASTEN_ACTIONS_GROUP,
    KASTEN_APPS_GROUP,
    KASTEN_CONFIG_GROUP,
    KASTEN_VERSION,
    Kind,
)

PATIENCE = 6.0
"""Seconds an aggregated API that is down is asked again, before the user is told: it restarts in less, when it does."""

AGGREGATED_GROUPS = (KASTEN_ACTIONS_GROUP, KASTEN_APPS_GROUP)


def briefly(cluster: Cluster) -> Cluster:
    """The connection for single questions to the aggregated API."""
    return cluster.within(Deadline.after(PATIENCE))


def require_kasten(cluster: Cluster) -> None:
    """Raises NotReady when this cluster has no Kasten at all."""
    if not cluster.versions_of(KASTEN_CONFIG_GROUP):
        raise errors.NotReady(
            f"there is no Kasten in this cluster: the API group {KASTEN_CONFIG_GROUP} is not served",
            hint="check the context (kubectl config current-context), or install Kasten first",
        )


@contextmanager
def explained(*, k10_namespace: str) -> Iterator[None]:
    """Says, of a 503 from the aggregated API, that it is down and that this does not mean there is nothing."""
    try:
        yield
    except errors.Unavailable as error:
        raise errors.Unavailable(
            f"Kasten's aggregated API does not answer: {error.message}; that says nothing about what there is",
            hint=f"look at its service: kubectl -n {k10_namespace} get deployment aggregatedapis-svc; "
                 f"kubectl get apiservice {KASTEN_VERSION}.{KASTEN_ACTIONS_GROUP}",
            status=error.status, server_message=error.server_message,
        ) from error
    except errors.NotFound as error:
        if "could not find the requested resource" not in error.server_message:
            raise
        raise errors.NotReady(
            f"this cluster does not serve Kasten's aggregated API: {error.message}",
            hint=f"look at Kasten's pods: kubectl -n {k10_namespace} get pods",
        ) from error


Right = tuple[str, Kind, str | None]
"""verb, kind, namespace (None: the whole cluster)."""


def require_rights(cluster: Cluster, rights: Sequence[Right], *, purpose: str) -> None:
    """Raises Forbidden naming every right that is missing. purpose: "back up with Kasten"."""
    missing = []
    for verb, kind, namespace in rights:
        if not cluster.can_i(verb, kind, namespace=namespace).allowed:
            where = f" in namespace {namespace}" if namespace else " in the whole cluster"
            missing.append(f"{verb} {kind.resource}{where}")
    if missing:
        raise errors.Forbidden(
            f"to {purpose}, you would need what you may not do: {'; '.join(missing)}",
            hint="ask for the rights (Kasten's ClusterRoles are k10-admin and k10-basic), or act as someone with --as",
        )
