"""The pods of a namespace as they would be made anew: from their controller's template, not as admission left them.

A running pod already carries the user id, groups and SELinux level that its SCC filled in; only the template tells what
another SCC would make of its successor.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import DAEMON_SET, JOB, POD, REPLICA_SET, REPLICATION_CONTROLLER, STATEFUL_SET
from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of, uid_of
from plugin_core.workloads.templates import pod_from

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_OWNER_KINDS = (REPLICA_SET, STATEFUL_SET, DAEMON_SET, REPLICATION_CONTROLLER, JOB)
_OVER = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True)
class PodSource:
    """pods: names of the running pods that come from it. pod: a pod as its controller would ask for it.

    owner: the controller's kind, "" for a pod nobody controls. title: `ReplicaSet web-5d8`, or the bare pod.
    """

    pods: tuple[str, ...]
    pod: Manifest
    account: str
    owner: str
    title: str


def read_sources(cluster: Cluster) -> list[PodSource]:
    """Every pod of the connection's namespace that is not over, by the template it comes from.

    One list of pods and one for each kind that controls some. A kind that may not be listed leaves its pods as they
    run.
    """
    pods = [pod for pod in cluster.list_all(POD, namespace=cluster.namespace).items
            if part_of(pod, "status", "phase") not in _OVER]
    kinds = {str(owner.get("kind")) for owner in map(controller_of, pods) if owner}
    controllers: dict[str, Manifest] = {}
    for kind in _OWNER_KINDS:
        if kind.name not in kinds:
            continue
        try:
            found = cluster.list_all(kind, namespace=cluster.namespace).items
        except errors.Forbidden:
            continue
        controllers.update({uid_of(one): {**one, "kind": kind.name} for one in found})
    return group_pods(pods, controllers)


def group_pods(pods: Iterable[Manifest], controllers: dict[str, Manifest]) -> list[PodSource]:
    """controllers: by uid; a pod whose controller is not among them stands for itself."""
    grouped: dict[str, list[Manifest]] = {}
    for pod in pods:
        uid = str((controller_of(pod) or {}).get("uid", ""))
        grouped.setdefault(uid if uid in controllers else uid_of(pod) or name_of(pod), []).append(pod)
    return [_source(members, controllers.get(key)) for key, members in grouped.items()]


def controller_of(manifest: Manifest) -> Manifest | None:
    """The controlling owner reference; None when there is none."""
    owners = part_of(manifest, "metadata", "ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def _source(members: list[Manifest], controller: Manifest | None) -> PodSource:
    first = members[0]
    pod = pod_from(controller) if controller else _as_written(first)
    spec = pod.get("spec") or {}
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    owner = str((controller_of(first) or {}).get("kind", ""))
    title = f"{owner.lower()}/{name_of(controller)}" if controller else f"pod/{name_of(first)}"
    return PodSource(pods=tuple(sorted(name_of(one) for one in members)), pod=pod, account=str(account), owner=owner,
                     title=title)


def _as_written(pod: Manifest) -> Manifest:
    """A bare pod as its author applied it; as it runs when that is not known."""
    try:
        written = json.loads(annotations_of(pod).get(LAST_APPLIED, ""))
    except ValueError:
        return pod
    return {**pod, "spec": written["spec"]} if isinstance(written, dict) and written.get("spec") else pod
