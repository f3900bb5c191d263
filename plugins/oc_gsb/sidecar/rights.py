"""Which rights of ours an injection lacks, asked of the server once a kind."""

from __future__ import annotations

from oc_gsb.sidecar.scc_plans import SccPlan
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    CLUSTER_ROLE,
    POD,
    REPLICA_SET,
    ROLE_BINDING,
    SECURITY_CONTEXT_CONSTRAINTS,
    Kind,
)
from plugin_core.model.manifests import Manifest, namespace_of
from plugin_core.workloads.templates import kind_of

_Wanted = list[tuple[str, Kind, str | None]]


class Rights:
    """The server's answers, kept for a run."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._answers: dict[tuple[str, str, bool], bool] = {}

    def missing(self, workload: Manifest, scc: SccPlan) -> list[str]:
        """What is lacking to change this workload, and to grant its SCC where that is planned; [] when nothing."""
        kind, namespace = kind_of(workload), namespace_of(workload)
        wanted: _Wanted = [("patch", kind, namespace), ("watch", kind, namespace), ("list", POD, namespace)]
        if kind.name == "Deployment":
            wanted.append(("list", REPLICA_SET, namespace))
        return self._missing(wanted) + (self.missing_for_grant(workload, scc) if scc.grant else [])

    def missing_for_grant(self, workload: Manifest, scc: SccPlan) -> list[str]:
        """What is lacking to make the planned SCC, its role and the binding; [] when nothing."""
        wanted: _Wanted = [("create", ROLE_BINDING, namespace_of(workload)), ("create", CLUSTER_ROLE, None)]
        if scc.copy is not None:
            wanted.append(("create", SECURITY_CONTEXT_CONSTRAINTS, None))
        return self._missing(wanted)

    def _missing(self, wanted: _Wanted) -> list[str]:
        return [f"you may not {verb} {kind.resource}" + (f" in namespace {where}" if where else "")
                for verb, kind, where in wanted if not self._may(verb, kind, where)]

    def _may(self, verb: str, kind: Kind, namespace: str | None) -> bool:
        key = (verb, kind.resource, namespace is None)
        if key not in self._answers:
            self._answers[key] = self._cluster.can_i(verb, kind, namespace=namespace).allowed
        return self._answers[key]
