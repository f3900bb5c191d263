"""Everything that can be known before an injection changes anything: all problems of all workloads, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.grants import Grant, manual_grant
from oc_gsb.sidecar.mounting import plan_mounts
from oc_gsb.sidecar.problems import (
    controlling_owner,
    is_label_synced,
    namespace_problems,
    reason_to_stop,
    workload_problems,
)
from oc_gsb.sidecar.record import LARGEST, read_record, record_text
from oc_gsb.sidecar.scc_plans import SccPlan, SccReader, plan_scc
from oc_gsb.sidecar.template import add_sidecar
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.kinds import (
    CLUSTER_ROLE,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REPLICA_SET,
    ROLE_BINDING,
    SECURITY_CONTEXT_CONSTRAINTS,
    Kind,
)
from plugin_core.model.manifests import Manifest, name_of, namespace_of
from plugin_core.workloads.templates import kind_of, service_account_of
from plugin_core.workloads.waits import Rollout, look_at_rollout


@dataclass(frozen=True)
class Plan:
    """problems: why nothing is done; [] when it can go on. forbidden: whether only rights are missing.

    stop: why the workload goes to zero replicas for the change; "" when it stays up. warnings: worth knowing.
    """

    workload: Manifest
    problems: tuple[str, ...] = ()
    forbidden: bool = False
    hint: str = ""
    scc: SccPlan = field(default_factory=SccPlan)
    stop: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def grant(self) -> Grant:
        return Grant(scc=self.scc.wanted, namespace=namespace_of(self.workload), account=self.scc.account)


class Planner:
    """Reads what all workloads share once, then plans each."""

    def __init__(self, cluster: Cluster, *, options: SidecarOptions, k10_namespace: str) -> None:
        self._cluster, self._options, self._k10_namespace = cluster, options, k10_namespace
        self._namespace = cluster.get(NAMESPACE, cluster.namespace)
        claims = cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=cluster.namespace).items
        self._claims = {name_of(claim): claim for claim in claims}
        self._reader = SccReader.read(cluster)
        self._rights: dict[tuple[str, str, bool], bool] = {}

    @property
    def has_sccs(self) -> bool:
        return self._reader.served

    def plan(self, workload: Manifest) -> Plan:
        """For a workload without a record. The SCC is looked at only when the sidecar itself would fit."""
        problems = workload_problems(workload, k10_namespace=self._k10_namespace)
        problems += namespace_problems(self._namespace)
        scc = SccPlan(account=service_account_of(workload))
        if not problems:
            rollout = look_at_rollout(self._cluster, workload)
            problems += _present_troubles(rollout)
            scc = plan_scc(self._reader, workload, namespace=self._namespace, pods=rollout.pods.newest,
                           options=self._options)
            problems += scc.problems
            problems += self._size_problems(workload, scc)
        if scc.granted and self._missing_grant_rights(workload, scc):
            scc = replace(scc, grant=False)
        missing = self._missing_rights(workload, scc)
        plan = Plan(
            workload, problems=tuple(problems + missing), forbidden=bool(missing) and not problems, scc=scc,
            stop=reason_to_stop(workload, self._claims), warnings=self._warnings(workload),
        )
        if plan.forbidden:
            ask = "ask for the rights, or act as someone who has them with --as"
            hint = manual_grant(plan.grant) if scc.grant else ask
            return Plan(workload, problems=plan.problems, forbidden=True, hint=hint, scc=scc)
        return plan

    def edit(self, plan: Plan, before: Manifest, *, run: str) -> Manifest:
        """The injection of `before`, the workload as it is by now. Raises NotReady when it no longer fits."""
        if read_record(before) is None:
            problems = workload_problems(before, k10_namespace=self._k10_namespace)
            if problems:
                raise errors.NotReady(f"it was changed meanwhile: {'; '.join(problems)}")
        return add_sidecar(before, options=self._options, scc=plan.scc.wanted, pin=plan.scc.pin, run=run)

    def _size_problems(self, workload: Manifest, scc: SccPlan) -> list[str]:
        record = read_record(add_sidecar(workload, options=self._options, scc=scc.wanted, pin=scc.pin))
        size = len(record_text(record).encode()) if record else 0
        if size <= LARGEST:
            return []
        return [f"its pod template is too big to be kept for the way back: {size} bytes of at most {LARGEST}"]

    def _missing_rights(self, workload: Manifest, scc: SccPlan) -> list[str]:
        kind, namespace = kind_of(workload), namespace_of(workload)
        wanted: list[tuple[str, Kind, str | None]] = [
            ("patch", kind, namespace), ("watch", kind, namespace), ("list", POD, namespace)]
        if kind.name == "Deployment":
            wanted.append(("list", REPLICA_SET, namespace))
        return self._missing(wanted) + (self._missing_grant_rights(workload, scc) if scc.grant else [])

    def _missing_grant_rights(self, workload: Manifest, scc: SccPlan) -> list[str]:
        wanted: list[tuple[str, Kind, str | None]] = [
            ("create", ROLE_BINDING, namespace_of(workload)), ("create", CLUSTER_ROLE, None)]
        if scc.copy is not None:
            wanted.append(("create", SECURITY_CONTEXT_CONSTRAINTS, None))
        return self._missing(wanted)

    def _missing(self, wanted: list[tuple[str, Kind, str | None]]) -> list[str]:
        return [f"you may not {verb} {kind.resource}" + (f" in namespace {where}" if where else "")
                for verb, kind, where in wanted if not self._may(verb, kind, where)]

    def _may(self, verb: str, kind: Kind, namespace: str | None) -> bool:
        key = (verb, kind.resource, namespace is None)
        if key not in self._rights:
            self._rights[key] = self._cluster.can_i(verb, kind, namespace=namespace).allowed
        return self._rights[key]

    def _warnings(self, workload: Manifest) -> tuple[str, ...]:
        found = []
        owner = controlling_owner(workload)
        if owner:
            found.append(f"it is controlled by {owner}, which may undo the change")
        unmounted = plan_mounts(workload).unmounted
        if unmounted:
            found.append(f"volume {', '.join(unmounted)} is mounted by no container and will not be backed up")
        if is_label_synced(self._namespace):
            found.append("new pods may be refused until OpenShift raises the namespace's Pod Security label")
        return tuple(found)


def _present_troubles(rollout: Rollout) -> list[str]:
    """A workload that does not come up by itself is not changed: its failure and ours could not be told apart."""
    if rollout.phase is Phase.FAILED:
        return [f"its pods do not come up as they are: {rollout.summary}"]
    return [f"its pods do not come up as they are: {trouble}" for trouble in rollout.troubles if trouble.stuck]
