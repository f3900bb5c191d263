"""The pods of a workload, told apart by revision.

During a rollout pods of two templates live side by side; what is said about "the workload's pods" is only true of the
newest ones (a lesson of the injection guide: look at the new pod, not at the terminating one).
"""

from __future__ import annotations

from dataclasses import dataclass

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
)
from plugin_core.model.manifests import (
    Manifest,
    annotations_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    part_of,
    uid_of,
)
from plugin_core.workloads.templates import kind_of, selector_of

REVISION = "deployment.kubernetes.io/revision"
STATEFUL_SET_REVISION = "controller-revision-hash"


@dataclass(frozen=True)
class WorkloadPods:
    """newest: live pods of the newest revision. older: all others, terminating ones included.

    controller: the newest ReplicaSet or ReplicationController; None for a StatefulSet and before there is one.
    """

    newest: tuple[Manifest, ...] = ()
    older: tuple[Manifest, ...] = ()
    controller: Manifest | None = None

    @property
    def all(self) -> tuple[Manifest, ...]:
        return self.newest + self.older


def is_observed(workload: Manifest) -> bool:
    """Whether the controller's status is about the workload as it is now."""
    observed = part_of(workload, "status", "observedGeneration") or 0
    return int(observed) >= int(part_of(workload, "metadata", "generation") or 0)


def owner_uid(manifest: Manifest) -> str:
    """The uid of the controlling owner; "" when there is none."""
    owners = part_of(manifest, "metadata", "ownerReferences") or []
    return next((str(owner.get("uid")) for owner in owners if owner.get("controller")), "")


def is_ready(pod: Manifest) -> bool:
    """The pod's Ready condition."""
    conditions = part_of(pod, "status", "conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def read_pods(cluster: Cluster, workload: Manifest) -> WorkloadPods:
    """The workload's pods, in two or three requests. Before its controller has seen the last change, none is newest."""
    replica_sets = owned_replica_sets(cluster, workload) if kind_of(workload) == DEPLOYMENT else []
    controller = find_controller(cluster, workload, replica_sets)
    pods = cluster.list_all(POD, namespace=namespace_of(workload), labels=selector_of(workload)).items
    return split_pods(workload, pods, controller=controller, owners=owners_of(workload, replica_sets))


def pod_owners(cluster: Cluster, workload: Manifest) -> set[str]:
    """The uids a pod of the workload may have as its owner; empty: the selector alone decides (DeploymentConfig)."""
    return owners_of(workload, owned_replica_sets(cluster, workload) if kind_of(workload) == DEPLOYMENT else [])


def is_owned(pod: Manifest, owners: set[str]) -> bool:
    """Whether the pod belongs to one of `owners`, as pod_owners gives them."""
    return not owners or owner_uid(pod) in owners


def owned_replica_sets(cluster: Cluster, workload: Manifest) -> list[Manifest]:
    """A Deployment's ReplicaSets, of all revisions, in one request."""
    found = cluster.list_all(REPLICA_SET, namespace=namespace_of(workload), labels=selector_of(workload)).items
    return [one for one in found if owner_uid(one) == uid_of(workload)]


def owners_of(workload: Manifest, replica_sets: list[Manifest]) -> set[str]:
    """The same as pod_owners, without a request. replica_sets: a Deployment's own."""
    if kind_of(workload) == DEPLOYMENT_CONFIG:
        return set()
    return {uid_of(workload), *(uid_of(one) for one in replica_sets)}


def find_controller(cluster: Cluster, workload: Manifest, replica_sets: list[Manifest]) -> Manifest | None:
    """What owns the newest pods of a Deployment or DeploymentConfig; a request for the latter only. None: see
    WorkloadPods."""
    if kind_of(workload) == DEPLOYMENT_CONFIG:
        return _replication_controller(cluster, workload)
    return newest_replica_set(workload, replica_sets)


def newest_replica_set(workload: Manifest, replica_sets: list[Manifest]) -> Manifest | None:
    """The ReplicaSet of the current template, known by its revision number; None until the controller has made it.

    The number is set before the Deployment's observedGeneration (kubernetes pkg/controller/deployment/sync.go).
    """
    if not is_observed(workload):
        return None
    return max(replica_sets, key=lambda one: int(annotations_of(one).get(REVISION, 0)), default=None)


def _replication_controller(cluster: Cluster, workload: Manifest) -> Manifest | None:
    latest = part_of(workload, "status", "latestVersion")
    if not latest:
        return None
    try:
        return cluster.get(REPLICATION_CONTROLLER, f"{name_of(workload)}-{latest}", namespace=namespace_of(workload))
    except errors.NotFound:
        return None


def split_pods(
    workload: Manifest, pods: list[Manifest], *, controller: Manifest | None, owners: set[str]
) -> WorkloadPods:
    """Sorts pods into newest and older. owners: as pod_owners gives them."""
    own = [pod for pod in pods if is_owned(pod, owners)]
    kind = kind_of(workload)

    def newest(pod: Manifest) -> bool:
        if is_terminating(pod) or not is_observed(workload):
            return False
        if kind == STATEFUL_SET:
            revision = part_of(workload, "status", "updateRevision")
            return bool(revision) and labels_of(pod).get(STATEFUL_SET_REVISION) == revision
        return controller is not None and owner_uid(pod) == uid_of(controller)

    new = tuple(pod for pod in own if newest(pod))
    return WorkloadPods(newest=new, older=tuple(pod for pod in own if pod not in new), controller=controller)
