"""Which workloads a command works on: named ones, those with a label, or all of the namespace."""

from __future__ import annotations

from dataclasses import dataclass

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import DEPLOYMENT_CONFIG, Kind
from plugin_core.model.manifests import Manifest
from plugin_core.model.refs import Target
from plugin_core.workloads.templates import WORKLOAD_KINDS


@dataclass(frozen=True)
class Selection:
    """Exactly one of the three. Raises UsageError otherwise."""

    targets: tuple[Target, ...] = ()
    selector: str = ""
    everything: bool = False

    def __post_init__(self) -> None:
        given = sum((bool(self.targets), bool(self.selector), self.everything))
        if given != 1:
            raise errors.UsageError(
                "name workloads, or give -l LABELS, or --all" if not given
                else "only one of workload names, -l LABELS and --all can be given",
                hint="for example: deploy/web sts/db",
            )

    @property
    def named(self) -> bool:
        """Whether each workload was asked for by name, so that none may be passed over in silence."""
        return bool(self.targets)


def select_workloads(cluster: Cluster, selection: Selection) -> list[Manifest]:
    """The workloads as they are now, in the order named, else by kind. Raises NotFound that names all absent ones."""
    if not selection.named:
        return [workload for kind in served_kinds(cluster)
                for workload in cluster.list_all(kind, namespace=cluster.namespace, labels=selection.selector).items]
    found, absent = [], []
    for target in selection.targets:
        try:
            workload = cluster.get(target.kind, target.name, namespace=cluster.namespace)
            found.append({"apiVersion": target.kind.api_version, "kind": target.kind.name, **workload})
        except errors.NotFound as error:
            absent.append((target, error))
    if absent:
        names = ", ".join(str(target) for target, _ in absent)
        words = absent[0][1].server_message or absent[0][1].message
        kinds = ",".join(dict.fromkeys(target.kind.plural for target, _ in absent))
        raise errors.NotFound(
            f"there is no {names} in namespace {cluster.namespace}: {words}", status=404,
            hint=absent[0][1].hint or f"see what there is with: kubectl get {kinds} -n {cluster.namespace}",
        )
    return found


def served_kinds(cluster: Cluster) -> tuple[Kind, ...]:
    """The workload kinds of this cluster; DeploymentConfigs are not served everywhere."""
    return tuple(kind for kind in WORKLOAD_KINDS
                 if kind != DEPLOYMENT_CONFIG or cluster.versions_of(DEPLOYMENT_CONFIG.group))
