"""What keeps a run's pods from running, and whether it can be the storage's doing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kubectl_rwx.diagnosis.events import Event, own_events, read_events
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, POD
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.workloads.troubles import pod_troubles

_NEVER_STORAGE = frozenset({
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
    "FailedCreatePodSandBox", "NetworkNotReady",
})
"""Image, configuration and network of a pod (kubernetes pkg/kubelet/images, pkg/kubelet/events)."""

_ABOUT_STORAGE = re.compile(r"volume|mount|stale", re.IGNORECASE)
_PASSING = re.compile(r"no relationship found between node|PVC is not bound")
"""The kubelet was quicker than what it reads, and tries again some ten seconds later (kubernetes
plugin/pkg/auth/authorizer/node, pkg/kubelet/volumemanager/populator)."""

_ROUTINE = ("ExternalProvisioning", "Provisioning", "WaitForFirstConsumer", "WaitForPodScheduled")


@dataclass(frozen=True)
class Trouble:
    """Why something is not ready. storage: whether it may be the storage's doing."""

    words: str
    storage: bool


def may_be_storage(reason: str, message: str) -> bool:
    """Whether a pod's trouble can come from its volume; what names neither volume nor mount is the pod's own."""
    return reason not in _NEVER_STORAGE and bool(_ABOUT_STORAGE.search(f"{reason} {message}"))


def read_troubles(
    cluster: Cluster, waiting: Mapping[str, Manifest], claims: Mapping[str, str], *, namespace: str, early: bool
) -> dict[str, Trouble | None]:
    """What is wrong with each pod that waits: its claim's trouble first, since the pod's follows from it.

    early: pods whose claim is bound are only just starting, and their events are not read.
    """
    try:
        bound = _bound_claims(cluster, namespace=namespace)
        mounting = {claims[name] in bound for name in waiting}
        of_claims = read_events(cluster, PERSISTENT_VOLUME_CLAIM, namespace=namespace) if False in mounting else {}
        of_pods = read_events(cluster, POD, namespace=namespace) if True in mounting and not early else {}
    except errors.Forbidden:
        return {name: _own_trouble(pod) for name, pod in waiting.items()}
    found = {}
    for name, pod in waiting.items():
        claim = claims[name]
        if claim not in bound:
            found[name] = latest_warning(of_claims.get(claim, []), of_claim=True)
            continue
        found[name] = _own_trouble(pod) or latest_warning(own_events(of_pods.get(name, []), pod))
    return found


def _own_trouble(pod: Manifest) -> Trouble | None:
    """What the pod's own status says."""
    own = pod_troubles([pod])
    if not own:
        return None
    return Trouble("; ".join(map(str, own)), storage=any(may_be_storage(one.reason, one.message) for one in own))


def _bound_claims(cluster: Cluster, *, namespace: str) -> set[str]:
    claims = cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=namespace).items
    return {name_of(claim) for claim in claims if part_of(claim, "status", "phase") == "Bound"}


def latest_warning(events: list[Event], *, of_claim: bool = False) -> Trouble | None:
    """The latest warning that is not the scheduler's or the kubelet's routine.

    of_claim: what is said of a claim is the storage's.
    """
    warnings = [event for event in events if event.warning and event.reason not in ("FailedScheduling", *_ROUTINE)
                and not _PASSING.search(event.message)]
    if not warnings:
        return None
    words = f"{warnings[-1].reason}: {warnings[-1].message}"
    return Trouble(words, storage=of_claim or may_be_storage(warnings[-1].reason, words))
