"""Which claims a snapshot is asked for: by name, by label, or all of the namespace."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from kubectl_rwx.protection.answers import Problem
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, Kind
from plugin_core.model.manifests import Manifest, name_of

FEW = 8
"""Up to so many objects are read one by one; more are picked out of one list."""


def describe_claim(name: str) -> str:
    """ "persistentvolumeclaim/data"."""
    return f"{PERSISTENT_VOLUME_CLAIM.name.lower()}/{name}"


def read_named(
    cluster: Cluster, kind: Kind, names: Sequence[str], *, namespace: str | None = None
) -> dict[str, Manifest]:
    """The objects of these names by name; those that do not exist are left out.

    Never object by object for many: at most FEW requests, else one list.
    """
    if len(names) > FEW:
        wanted = set(names)
        listing = cluster.list_all(kind, namespace=namespace)
        return {name_of(item): item for item in listing.items if name_of(item) in wanted}

    def read(name: str) -> Manifest | None:
        try:
            return cluster.get(kind, name, namespace=namespace)
        except errors.NotFound:
            return None

    with ThreadPoolExecutor(max_workers=FEW) as pool:
        found = zip(names, pool.map(read, names), strict=True)
        return {name: manifest for name, manifest in found if manifest is not None}


def reading_verb(count: int) -> str:
    """What read_named needs to be allowed for so many names."""
    return "list" if count > FEW else "get"


def find_claims(
    cluster: Cluster, *, namespace: str, names: Sequence[str], selector: str
) -> tuple[list[Manifest], list[Problem]]:
    """The claims asked for, and a problem for each name that does not exist. No names: all that match the selector.

    Raises NotFound when a selector (or "", all) matches nothing: a backup of nothing must not look like success.
    """
    if names:
        found = read_named(cluster, PERSISTENT_VOLUME_CLAIM, names, namespace=namespace)
        absent = [Problem(describe_claim(name), _absent(namespace)) for name in names if name not in found]
        return [found[name] for name in names if name in found], absent
    claims = cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=namespace, labels=selector).items
    if not claims:
        which = f'with labels "{selector}" ' if selector else ""
        raise errors.NotFound(
            f'there is no claim {which}in namespace "{namespace}"', status=404,
            hint=f"see which there are: kubectl get pvc -n {namespace} --show-labels",
        )
    return claims, []


def _absent(namespace: str) -> errors.NotFound:
    return errors.NotFound(
        f'it does not exist in namespace "{namespace}"', status=404,
        hint=f"see which there are: kubectl get pvc -n {namespace} (another namespace: -n)",
    )
