"""The end of a wait that failed: a few lines for each object, in a number of requests that does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubectl_rwx.diagnosis.claims import walk_claim
from kubectl_rwx.diagnosis.links import Chain, Link, State
from kubectl_rwx.diagnosis.sights import Sight
from kubectl_rwx.diagnosis.snapshots import walk_snapshot
from plugin_core.kube.cluster import Cluster
from plugin_core.model.manifests import Manifest, name_of

SHOWN = 3
"""Objects of which all is told; of the others only the broken link: of one set they mostly say the same."""


def explain_snapshots(cluster: Cluster, snapshots: Sequence[Manifest], *, namespace: str) -> dict[str, list[str]]:
    """Lines about each snapshot, by name. Whatever may not be read or fails is said in a line, and never raised."""
    return _explain(cluster, snapshots, walk_snapshot, namespace=namespace)


def explain_claims(cluster: Cluster, claims: Sequence[Manifest], *, namespace: str) -> dict[str, list[str]]:
    """The same for claims."""
    return _explain(cluster, claims, walk_claim, namespace=namespace)


def _explain(
    cluster: Cluster, manifests: Sequence[Manifest], walk: Callable[[Sight, Manifest], Chain], *, namespace: str
) -> dict[str, list[str]]:
    sight = Sight(cluster, namespace=namespace, count=len(manifests), tolerant=True)
    chains = [walk(sight, manifest) for manifest in manifests]
    return {
        name_of(manifest): tell(chain, away=sight.away)[: None if number < SHOWN else 1]
        for number, (manifest, chain) in enumerate(zip(manifests, chains, strict=True))
    }


def tell(chain: Chain, *, away: str = "") -> list[str]:
    """The first broken link with what it means, other complaints, what was not seen, and the events.

    away: the words about a server that stopped answering while it was asked; one line, instead of one for each link.
    """
    first = chain.first
    if first is None and away:
        return [f"{chain.state}; why cannot be seen, as the server went away: {away}"]
    if first is None:
        lines = [f"{chain.state}; nothing that may be seen says why"]
    else:
        lines = [_say(first), *([first.matters] if first.matters else [])]
        lines += [f"$ {first.command}"] if first.command else []
    said = first.observed if first else ""
    for link in chain.links:
        if link.state is State.BROKEN and link != first and link.observed not in said:
            lines.append(_say(link))
            said += link.observed
    if away:
        lines.append(f"the rest was not seen, as the server went away: {away}")
    else:
        lines += [f"not seen: {link.name} ({link.source}: {link.observed})" for link in chain.unseen]
    return lines + [f"event {words}" for words in chain.events if words.split(": ", 2)[-1] not in said]


def _say(link: Link) -> str:
    doubt = ", not proven" if link.state is State.SUSPECT else ""
    return f"{link.state.value} at {link.name}{doubt}: {link.observed} [{link.source}]"
