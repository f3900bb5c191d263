"""The plan: which SCC a workload's pods have, which they get with the sidecar, and what that takes of whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from oc_gsb.access.consequences import Consequences, compare, find_consequences
from oc_gsb.access.decisions import Admission, reaches_account, tell_order
from oc_gsb.access.differences import changed_fields, diff_sccs
from oc_gsb.access.pod_security import PodSecurity, look_at_namespace
from oc_gsb.access.requests import Reach
from oc_gsb.access.reviews import Review, ask_server
from oc_gsb.access.sources import PodSource, read_sources
from oc_gsb.scc import Decision, Grant, gsb_copy
from oc_gsb.scc.allocations import MCS, SUPPLEMENTAL_GROUPS, UID_RANGE
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.scc_plans import SccPlan, SccReader, plan_scc
from oc_gsb.sidecar.template import add_sidecar, remove_sidecar
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import NAMESPACE, SCC_GROUP
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of
from plugin_core.names import GSB, MANAGED_BY_LABEL, POD_SCC, SCC_BASE, SIDECAR_CONTAINER
from plugin_core.workloads.pods import read_pods
from plugin_core.workloads.templates import WORKLOAD_KINDS, pod_from, service_account_of

OPTIONS = SidecarOptions(image="sidecar")
"""An SCC does not look at images."""

EXAMPLE_IDS = {UID_RANGE: "1000000000/10000", SUPPLEMENTAL_GROUPS: "1000000000/10000", MCS: "s0:c1,c0"}
"""What OpenShift will give a namespace that does not exist yet; the real numbers differ, the decisions do not."""


@dataclass(frozen=True)
class AccessPlan:
    """What one workload needs. now: the SCC of its pods, "" when none runs; today: the prediction for them.

    later: the prediction with the sidecar, the copy and the grants. copy: the copy as it is or is to be; None where
    none is needed. exists: whether it is there. diff: from base to copy. drift: fields in which a copy that is there
    differs from a fresh one. changes: what the application itself would notice.
    """

    workload: Manifest
    scc: SccPlan
    now: str
    today: Decision
    later: Decision
    base: Manifest | None = None
    copy: Manifest | None = None
    exists: bool = False
    diff: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    changes: tuple[str, ...] = ()
    consequences: Consequences = field(default_factory=Consequences)
    pod_security: PodSecurity = field(default_factory=lambda: PodSecurity("", False, (), ""))
    reviews: tuple[Review, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return f"{str(self.workload['kind']).lower()}/{name_of(self.workload)}"

    @property
    def order(self) -> list[dict[str, object]]:
        return tell_order(self.later, account=self.scc.account)


class Planner:
    """Reads what all workloads share once, then plans each. Raises NotReady where the cluster has no SCCs.

    planned_namespace: the namespace need not exist yet; it is then thought to have example ids.
    """

    def __init__(self, cluster: Cluster, *, reach: Reach, planned_namespace: bool = False) -> None:
        self._cluster, self._reach = cluster, reach
        if not cluster.versions_of(SCC_GROUP):
            raise errors.NotReady("this cluster has no SecurityContextConstraints: it is not OpenShift",
                                  hint="no SCC is needed here; go on with: oc gsb inject")
        self.has_namespace = True
        try:
            self.namespace = cluster.get(NAMESPACE, cluster.namespace)
        except errors.NotFound:
            if not planned_namespace:
                raise
            self.has_namespace = False
            self.namespace = {"metadata": {"name": cluster.namespace, "annotations": EXAMPLE_IDS}}
        self.reader = SccReader.read(cluster)
        self.admission = Admission(self.reader, self.namespace)
        self._sources: list[PodSource] | None = None

    @property
    def sources(self) -> list[PodSource]:
        if self._sources is None:
            self._sources = read_sources(self._cluster)
        return self._sources

    def plan(self, workload: Manifest, *, live: bool) -> AccessPlan:
        """live: it is in the cluster and may have pods."""
        plain, injected = _without_sidecar(workload)
        owner, account = str(workload["kind"]), service_account_of(workload)
        pods: Sequence[Manifest] = ()
        if live:
            pods = read_pods(self._cluster, workload).newest
        scc = plan_scc(self.reader, _for_plan(plain), namespace=self.namespace, options=OPTIONS,
                       pods=() if injected else pods)
        today = self.admission.decide(pod_from(plain), owner=owner, account=account)
        by_name = {name_of(one): one for one in self.reader.sccs}
        copy, exists = _copy_for(scc, by_name)
        base = by_name.get(annotations_of(copy).get(SCC_BASE, scc.base)) if copy else None
        grants: tuple[Grant, ...] = ()
        if copy is not None or (scc.wanted and not scc.granted):
            grants = self._reach.grants(scc.wanted, namespace=self._cluster.namespace, account=account)
        later_sccs = self.sccs_with(copy)
        with_sidecar = pod_from(add_sidecar(plain, options=OPTIONS, scc=scc.wanted, pin=scc.pin, user=scc.user))
        later = self.admission.decide(with_sidecar, owner=owner, account=account, sccs=later_sccs, grants=grants)
        now = ",".join(sorted({annotations_of(pod).get(POD_SCC, "") for pod in pods} - {""}))
        made = AccessPlan(
            workload=workload, scc=scc, now=now, today=today, later=later, base=base, copy=copy, exists=exists,
            grants=grants, pod_security=look_at_namespace(self.namespace),
            diff=tuple(diff_sccs(base, copy)) if base and copy else (), drift=_drift(base, copy, exists=exists),
        )
        if today.pod is not None and later.pod is not None:
            made = replace(made, changes=tuple(compare(today, replace(later, scc=today.scc)) or ()))
        if grants:
            made = replace(made, consequences=self.consequences(grants, copy=copy))
        asking = self.admission.decide(with_sidecar, owner=owner, account=account)
        reviews = self._reviews([(pod_from(plain), today), (with_sidecar, asking)], account=account)
        return replace(made, reviews=reviews, problems=self._problems(made))

    def sccs_with(self, copy: Manifest | None) -> list[Manifest]:
        """Today's SCCs and the copy, in place of one of its name."""
        if copy is None:
            return self.reader.sccs
        return [*(one for one in self.reader.sccs if name_of(one) != name_of(copy)), copy]

    def consequences(self, grants: Sequence[Grant], *, copy: Manifest | None) -> Consequences:
        """Which pods of every account the grants reach would come back different."""
        return find_consequences(self.admission, self.sources, grants=grants, sccs=self.sccs_with(copy))

    def _reviews(self, asked: Sequence[tuple[Manifest, Decision]], *, account: str) -> tuple[Review, ...]:
        return tuple(ask_server(self._cluster, pod, namespace=self._cluster.namespace, account=account,
                                decision=decision) for pod, decision in asked)

    def _problems(self, made: AccessPlan) -> tuple[str, ...]:
        found = [*made.scc.problems, *made.pod_security.problems]
        reached = any(reaches_account(grant, namespace=self._cluster.namespace, account=made.scc.account)
                      for grant in made.grants)
        if made.grants and not made.scc.granted and not reached:
            found.append(f"the grant does not reach service account {made.scc.account}, which its pods run as")
        elif not made.scc.problems and made.later.scc is None:
            found.append(f"its pods would be refused with the sidecar: {made.later.error}")
        found += [f"it would come back different: {change.sentence}" for change in made.consequences.changes]
        return tuple(dict.fromkeys(found))


def _for_plan(workload: Manifest) -> Manifest:
    """plan_scc knows the three kinds that take a sidecar; another's pods are asked for much as a Deployment's are."""
    known = {kind.name for kind in WORKLOAD_KINDS}
    return workload if workload["kind"] in known else {**workload, "kind": "Deployment", "apiVersion": "apps/v1"}


def _without_sidecar(workload: Manifest) -> tuple[Manifest, bool]:
    """The workload as it was before, and whether it has a sidecar."""
    record = read_record(workload)
    if record is not None:
        return remove_sidecar(workload, record).workload, True
    template = workload["spec"]["template"]
    kept = [one for one in template["spec"].get("containers") or [] if one.get("name") != SIDECAR_CONTAINER]
    if len(kept) == len(template["spec"].get("containers") or []):
        return workload, False
    spec = {**workload["spec"], "template": {**template, "spec": {**template["spec"], "containers": kept}}}
    return {**workload, "spec": spec}, True


def _copy_for(scc: SccPlan, by_name: dict[str, Manifest]) -> tuple[Manifest | None, bool]:
    """The copy, as it is when it is there; None when the pods need none."""
    present = by_name.get(scc.wanted)
    if present is not None:
        ours = scc.copy is not None or SCC_BASE in annotations_of(present) or scc.wanted == f"{scc.base}-gsb"
        return (present, True) if ours else (None, False)
    return scc.copy, False


def _drift(base: Manifest | None, copy: Manifest | None, *, exists: bool) -> tuple[str, ...]:
    if base is None or copy is None or not exists:
        return ()
    fresh = gsb_copy(base)
    return tuple(changed_fields(copy, fresh)) if fresh else ()


def fresh_copy(base: Manifest) -> Manifest | None:
    """The copy of an SCC as it is created, with our marks; None when the SCC takes the sidecar as it is."""
    made = gsb_copy(base, labels={MANAGED_BY_LABEL: GSB})
    if made is not None:
        made["metadata"]["annotations"] = {SCC_BASE: name_of(base)}
    return made


def item_of(plan: AccessPlan) -> dict[str, Any]:
    """The plan as JSON; documented in docs/schemas/oc-gsb-sccplan.v1.json."""
    copy = None
    if plan.copy is not None:
        copy = {"name": name_of(plan.copy), "base": name_of(plan.base) if plan.base else None, "exists": plan.exists,
                "priority": plan.copy.get("priority"), "drift": list(plan.drift), "diff": list(plan.diff)}
    return {
        "target": plan.target, "kind": plan.workload["kind"], "namespace": namespace_of(plan.workload),
        "name": name_of(plan.workload), "serviceAccount": plan.scc.account, "sccNow": plan.now or None,
        "sccPredicted": plan.today.scc, "sccWithSidecar": plan.later.scc, "refusal": plan.later.error,
        "order": plan.order, "copy": copy, "pinned": plan.scc.pin, "granted": plan.scc.granted,
        "grants": [{"kind": grant.kind, "name": grant.name, "namespace": grant.namespace} for grant in plan.grants],
        "identityChanges": list(plan.changes), "podsLookedAt": plan.consequences.looked_at,
        "changedPods": [change.as_item() for change in plan.consequences.changes],
        "podSecurity": {"enforce": plan.pod_security.level or None, "synced": plan.pod_security.synced,
                        "message": plan.pod_security.words},
        "reviews": [{"pod": title, "verdict": review.verdict, "server": review.server or None,
                     "predicted": review.predicted or None, "message": review.words}
                    for title, review in zip(("as it is", "with the sidecar"), plan.reviews)],
        "problems": list(plan.problems),
    }
