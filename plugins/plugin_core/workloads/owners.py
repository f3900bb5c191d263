"""The workload a pod belongs to, and who else may change that workload while we do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.gitops import GITOPS_MARKS
from plugin_core.model.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    HORIZONTAL_POD_AUTOSCALER,
    JOB,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
    Kind,
    find_kind,
)
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of, namespace_of, part_of
from plugin_core.model.refs import ref_to

OWNING_KINDS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, DEPLOYMENT_CONFIG, JOB)
_BETWEEN = (REPLICA_SET, REPLICATION_CONTROLLER)

FEW = 8
"""Up to so many workloads of a kind are read one by one; more are picked out of one list."""


@dataclass(frozen=True, eq=False)
class Owner:
    """The workload whose controller made a pod, as last read."""

    kind: Kind
    manifest: Manifest

    def __str__(self) -> str:
        return str(ref_to(self.kind, self.manifest))


@dataclass(frozen=True)
class Owned:
    """owner None: nobody we know brings this pod back; words then say who it belongs to."""

    owner: Owner | None
    words: str


def find_owners(cluster: Cluster, pods: Sequence[Manifest], *, namespace: str) -> dict[str, Owned]:
    """The owner of each pod by the pod's name. Lists ReplicaSets and the like once, however many pods there are."""
    direct = {name_of(pod): _controller(pod) for pod in pods}
    between: dict[str, Manifest] = {}
    for kind in _BETWEEN:
        if any(one and (one["apiVersion"], one["kind"]) == (kind.api_version, kind.name) for one in direct.values()):
            between.update({str(item["metadata"]["uid"]): item
                            for item in cluster.list_all(kind, namespace=namespace).items})
    top = {name: _controller(between[one["uid"]]) or one if one and one["uid"] in between else one
           for name, one in direct.items()}
    workloads = _read_workloads(cluster, [one for one in top.values() if one], namespace=namespace)
    return {name: _owned(one, workloads) for name, one in top.items()}


def _controller(manifest: Manifest) -> Manifest | None:
    owners = part_of(manifest, "metadata", "ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def _read_workloads(cluster: Cluster, references: Iterable[Manifest], *, namespace: str) -> dict[str, Owner]:
    """By uid; a workload that is gone, or has another uid by now, is left out."""
    wanted: dict[Kind, set[str]] = {}
    for one in references:
        kind = find_kind(one["apiVersion"], one["kind"])
        if kind in OWNING_KINDS and kind is not None:
            wanted.setdefault(kind, set()).add(str(one["name"]))
    found: dict[str, Owner] = {}
    for kind, names in wanted.items():
        items = cluster.list_all(kind, namespace=namespace).items if len(names) > FEW else [
            item for item in (_get(cluster, kind, name, namespace) for name in sorted(names)) if item
        ]
        found.update({str(item["metadata"]["uid"]): Owner(kind, item) for item in items})
    return found


def _get(cluster: Cluster, kind: Kind, name: str, namespace: str) -> Manifest | None:
    try:
        return cluster.get(kind, name, namespace=namespace)
    except errors.NotFound:
        return None


def _owned(reference: Manifest | None, workloads: dict[str, Owner]) -> Owned:
    if reference is None:
        return Owned(None, "no owner")
    owner = workloads.get(str(reference["uid"]))
    return Owned(owner, str(owner) if owner else f"{str(reference['kind']).lower()}/{reference['name']}")


@dataclass(frozen=True)
class Manager:
    """Somebody who changes the workload too. fights: it is sure to undo a change of replicas, or may be."""

    words: str
    fights: bool = False
    sure: bool = False


def find_managers(cluster: Cluster, workloads: Sequence[Manifest], *, namespace: str) -> dict[str, tuple[Manager, ...]]:
    """Autoscalers, GitOps controllers and operators of each workload, by its uid; one list request.

    Autoscalers that may not be listed are not noticed; they do no harm to a workload with 0 replicas.
    """
    try:
        scalers = cluster.list_all(HORIZONTAL_POD_AUTOSCALER, namespace=namespace).items
    except (errors.Forbidden, errors.NotFound):
        scalers = []
    return {str(one["metadata"]["uid"]): (*_scaled_by(one, scalers), *_kept_by(one)) for one in workloads}


def _scaled_by(workload: Manifest, scalers: Sequence[Manifest]) -> tuple[Manager, ...]:
    return tuple(
        Manager(f"horizontalpodautoscaler/{name_of(scaler)} scales it, and leaves it alone while it has 0 replicas")
        for scaler in scalers
        if (part_of(scaler, "spec", "scaleTargetRef", "kind"), part_of(scaler, "spec", "scaleTargetRef", "name"))
        == (workload.get("kind"), name_of(workload)) and namespace_of(scaler) == namespace_of(workload)
    )


def _kept_by(workload: Manifest) -> tuple[Manager, ...]:
    found = []
    marks = {**labels_of(workload), **annotations_of(workload)}
    for mark in GITOPS_MARKS:
        if mark.key in marks:
            found.append(Manager(f"{mark.who} keeps it in step with Git ({mark.key})", fights=True))
    operator = _controller(workload)
    if operator:
        words = f"{str(operator['kind']).lower()}/{operator['name']} owns it: its operator may undo changes"
        found.append(Manager(words, fights=True, sure=True))
    return tuple(found)
