"""What a command may do, asked before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import Kind

AT_ONCE = 6
"""Questions in flight. Each connection has to be made first, which costs more than an answer."""


@dataclass(frozen=True)
class Right:
    """One verb on one kind (or a subresource of it); a namespaced kind is meant in the command's namespace."""

    verb: str
    kind: Kind
    subresource: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.kind.resource}" + (f"/{self.subresource}" if self.subresource else "")


def missing_rights(cluster: Cluster, rights: Sequence[Right], *, namespace: str) -> tuple[Right, ...]:
    """Those of `rights` that the server denies, in the given order.

    A server that will not even answer the question denies nothing here: the request itself will be refused.
    """

    def denied(right: Right) -> bool:
        try:
            return not cluster.can_i(
                right.verb, right.kind, namespace=namespace if right.kind.namespaced else None,
                subresource=right.subresource,
            ).allowed
        except errors.Forbidden:
            return False

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = list(pool.map(denied, rights))
    return tuple(right for right, no in zip(rights, answers, strict=True) if no)


def require_rights(cluster: Cluster, rights: Sequence[Right], *, namespace: str) -> None:
    """Raises Forbidden naming every one that is missing."""
    missing = missing_rights(cluster, rights, namespace=namespace)
    if missing:
        raise errors.Forbidden(
            f'missing rights in namespace "{namespace}": {join_rights(missing)}',
            hint="ask for a Role with exactly these, or act as someone who has them with --as", status=403,
        )


def join_rights(rights: Sequence[Right]) -> str:
    return ", ".join(str(right) for right in rights)
