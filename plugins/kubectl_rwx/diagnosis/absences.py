"""Why an object that was asked for is not there: its API is gone, or its creation was refused."""

from __future__ import annotations

from kubectl_rwx.diagnosis.links import Chain, State
from kubectl_rwx.diagnosis.quotas import judge_absent
from kubectl_rwx.diagnosis.sights import Sight
from kubectl_rwx.diagnosis.snapshot_apis import judge_api
from plugin_core.model.kinds import VOLUME_SNAPSHOT, Kind


def walk_absent(sight: Sight, kind: Kind, name: str, *, namespace: str) -> Chain | None:
    """None when nothing tells why: then it was simply never made, or deleted."""
    links = [judge_api(sight)] if kind == VOLUME_SNAPSHOT else []
    if not any(link.state is State.BROKEN for link in links):
        links += judge_absent(sight, kind, name, namespace=namespace)
    chain = Chain(kind.name, namespace, name, False, "it does not exist", tuple(links))
    return chain if chain.first else None
