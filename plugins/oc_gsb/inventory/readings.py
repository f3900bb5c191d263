"""The lists that discover and status are made of: a fixed number of requests, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from oc_gsb.sidecar.selection import served_kinds
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import DEPLOYMENT_CONFIG, POD, REPLICA_SET, REPLICATION_CONTROLLER, Kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of, uid_of
from plugin_core.workloads.pods import WorkloadPods, newest_replica_set, owner_uid, split_pods
from plugin_core.workloads.templates import kind_of


@dataclass(frozen=True)
class Scope:
    """namespace: None for all. labels: a selector of workloads, "" for all."""

    namespace: str | None
    labels: str = ""

    @property
    def words(self) -> str:
        return f"in namespace {self.namespace}" if self.namespace else "in any namespace"


@dataclass
class Lister:
    """Lists, and keeps what was refused. Where one kind may not be read, what depends on it is left open."""

    cluster: Cluster
    refused: list[str] = field(default_factory=list)

    def list_all(self, kind: Kind, *, namespace: str | None = None, labels: str = "", why: str = "") -> list[Manifest]:
        """why: what is not known without it; "" for what the command cannot do without, which raises Forbidden."""
        try:
            return self.cluster.list_all(kind, namespace=namespace, labels=labels).items
        except errors.NotFound:
            return []
        except errors.Forbidden as error:
            if not why:
                raise
            self.refused.append(f"{why}: {error.message}")
            return []


@dataclass
class Workloads:
    """Workloads with their pods.

    items: Deployments, StatefulSets and DeploymentConfigs that match. pods: all pods of the scope; others: those that
    belong to no workload of these kinds.
    """

    items: list[Manifest]
    pods: list[Manifest]
    replica_sets: dict[str, list[Manifest]]
    controllers: dict[tuple[str, str], Manifest]

    def __post_init__(self) -> None:
        self._by_owner: dict[str, list[Manifest]] = {}
        for pod in self.pods:
            self._by_owner.setdefault(owner_uid(pod), []).append(pod)

    def pods_of(self, workload: Manifest) -> WorkloadPods:
        """Its pods by revision, from what was read."""
        kind, uid = kind_of(workload), uid_of(workload)
        sets = self.replica_sets.get(uid, [])
        controller = newest_replica_set(workload, sets)
        owners = {uid, *(uid_of(one) for one in sets)}
        if kind == DEPLOYMENT_CONFIG:
            latest = part_of(workload, "status", "latestVersion")
            controller = self.controllers.get((namespace_of(workload), f"{name_of(workload)}-{latest}"))
            owners = {uid_of(controller)} if controller else {uid}
        found = [pod for owner in sorted(owners) for pod in self._by_owner.get(owner, [])]
        return split_pods(workload, found, controller=controller, owners=owners)


def read_workloads(lister: Lister, scope: Scope, *, keep: Callable[[Manifest], bool] = lambda manifest: True
                   ) -> Workloads:
    """keep: which workloads count. One list for each kind served, and one each for pods and their controllers."""
    kinds = served_kinds(lister.cluster)
    items = [workload for kind in kinds for workload in
             (_typed(kind, one) for one in lister.list_all(kind, namespace=scope.namespace, labels=scope.labels))
             if keep(workload)]
    pods = [_typed(POD, one) for one in lister.list_all(POD, namespace=scope.namespace)]
    sets: dict[str, list[Manifest]] = {}
    for one in lister.list_all(REPLICA_SET, namespace=scope.namespace, why="which pods are a Deployment's newest"):
        sets.setdefault(owner_uid(one), []).append(one)
    controllers = {}
    if DEPLOYMENT_CONFIG in kinds:
        found = lister.list_all(REPLICATION_CONTROLLER, namespace=scope.namespace,
                                why="which pods are a DeploymentConfig's newest")
        controllers = {(namespace_of(one), name_of(one)): one for one in found}
    return Workloads(items=items, pods=pods, replica_sets=sets, controllers=controllers)


def _typed(kind: Kind, manifest: Manifest) -> Manifest:
    """Items of a list carry no kind of their own."""
    return {"apiVersion": kind.api_version, "kind": kind.name, **manifest}
