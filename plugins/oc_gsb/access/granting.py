"""`oc gsb scc grant`: role and binding for whom the SCC is, once it is clear that nobody else's pods change."""

from __future__ import annotations

from collections.abc import Sequence

from oc_gsb.access.bindings import binding_for, is_covered, read_bindings
from oc_gsb.access.outcomes import CREATED, REFUSED, UNCHANGED, Outcome, answer_with
from oc_gsb.access.plans import Planner
from oc_gsb.access.pod_security import look_at_namespace, wait_for_labels
from oc_gsb.access.requests import DEFAULT, GrantRequest
from oc_gsb.scc import Grant, missing_for_sidecar
from oc_gsb.sidecar import grants as account_grants
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import select_workloads
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import CLUSTER_ROLE, NAMESPACE, SECURITY_CONTEXT_CONSTRAINTS, find_kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of
from plugin_core.model.progress import Progress

SCC = SECURITY_CONTEXT_CONSTRAINTS
HELPERS = (
    "service account default is granted too: Kasten's restore pods run in this namespace and name no account of their "
    "own. That is seldom enough (a pod with fsGroup 1000 does not fit the copy) and seldom needed (Kasten's own "
    "account is cluster-admin by default)"
)


def grant(cluster: Cluster, request: GrantRequest, *, progress: Progress) -> Answer:
    """Grants each SCC to each account once. Refuses what would move other pods, unless told to go on."""
    progress.phase("reading SCCs, pods and grants")
    planner = Planner(cluster, reach=request.reach)
    run = _Run(cluster, request, planner, progress=progress)
    outcomes: list[Outcome] = []
    if request.scc:
        outcomes += run.grant(request.reach.grants(request.scc, namespace=cluster.namespace, account=""), request.scc)
    for workload in select_workloads(cluster, request.selection) if request.selection else ():
        plan = planner.plan(workload, live=True)
        if plan.scc.problems:
            outcomes.append(Outcome(SCC, plan.scc.wanted or "unknown", REFUSED,
                                    message=f"{plan.target}: {plan.scc.problems[0]}"))
            continue
        if not plan.grants:
            outcomes.append(Outcome(SCC, plan.scc.wanted, UNCHANGED,
                                    message=f"service account {plan.scc.account} may use it already"))
            continue
        outcomes += run.grant(plan.grants, plan.scc.wanted)
    notes = run.notes()
    return answer_with("SccGrantList", outcomes, dry_run=cluster.dry_run, empty="Nothing to grant.", notes=notes)


class _Run:
    """One run of grant: what it granted so far, and what is to be said about it."""

    def __init__(self, cluster: Cluster, request: GrantRequest, planner: Planner, *, progress: Progress) -> None:
        self._cluster, self._request, self._planner, self._progress = cluster, request, planner, progress
        self._sccs = {name_of(one): one for one in planner.reader.sccs}
        self._seen: set[Grant] = set()
        self._granted: list[Grant] = []

    def grant(self, grants: Sequence[Grant], scc: str) -> list[Outcome]:
        fresh = [one for one in grants if one not in self._seen]
        if not fresh:
            return []
        self._seen.update(fresh)
        refusal = self._refusal(fresh, scc)
        if refusal:
            return [refusal]
        role = account_grants.role_manifest(account_grants.Grant(scc=scc, namespace="", account=""))
        outcomes = [self._create(role)]
        bindings = read_bindings(self._cluster, scc)
        for one in fresh:
            there = is_covered(one, bindings)
            if there is not None:
                whose = "" if there.ours else "made by others; "
                outcomes.append(Outcome(there.kind, name_of(there.manifest), UNCHANGED,
                                        namespace_of(there.manifest), f"{whose}grants it to {_whom(one)} already"))
            else:
                made = self._create(binding_for(one))
                outcomes.append(Outcome(made.kind, made.name, made.result, made.namespace,
                                        f"SCC {scc} for {_whom(one)}"))
        self._granted += fresh
        return outcomes

    def notes(self) -> list[str]:
        """Consequences of wide grants, Kasten's helper pods, and how Pod Security stands after the grant."""
        reach, found = self._request.reach, []
        for scc in dict.fromkeys(one.scc for one in self._granted):
            found += [f"note: {words}" for words in reach.consequences(scc, namespace=self._cluster.namespace)]
        if reach.with_default and any(one.name == DEFAULT for one in self._granted):
            found.append(f"note: {HELPERS}")
        if not self._granted or self._cluster.dry_run.on:
            return found
        late = wait_for_labels(self._cluster, self._planner.namespace, seconds=self._request.timeout,
                               progress=self._progress)
        if late:
            found.append(f"warning: {late}; new pods with the capabilities are refused until OpenShift raises it")
        return found + [f"warning: {problem}" for problem in self._pod_security()]

    def _pod_security(self) -> tuple[str, ...]:
        return look_at_namespace(self._cluster.get(NAMESPACE, self._cluster.namespace)).problems

    def _refusal(self, grants: Sequence[Grant], scc: str) -> Outcome | None:
        there = self._sccs.get(scc)
        if there is None:
            base = scc.removesuffix("-gsb")
            return Outcome(SCC, scc, REFUSED, message="there is no such SCC",
                           hint=f"make the copy first: oc gsb scc create --base {base}")
        lacks = missing_for_sidecar(there)
        if lacks:
            return Outcome(SCC, scc, REFUSED, message=f"it does not allow {', '.join(lacks)}, so it helps no sidecar")
        changes = self._planner.consequences(grants, copy=there).changes
        if changes and not self._request.force:
            more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
            return Outcome(SCC, scc, REFUSED, message=f"other pods would change at their next restart: "
                           f"{changes[0].sentence}{more}",
                           hint="grant it to the workload's own service account only; --force grants it all the same")
        for change in changes:
            self._progress.warn(f"changes at its next restart: {change.sentence}")
        return None

    def _create(self, manifest: Manifest) -> Outcome:
        kind = find_kind(manifest["apiVersion"], manifest["kind"]) or CLUSTER_ROLE
        name, where = name_of(manifest), namespace_of(manifest)
        try:
            self._cluster.get(kind, name, namespace=where or None)
            return Outcome(kind, name, UNCHANGED, where)
        except errors.NotFound:
            pass
        try:
            self._cluster.create(manifest)
        except errors.AlreadyExists:
            return Outcome(kind, name, UNCHANGED, where)
        except errors.Forbidden as error:
            raise errors.Forbidden(
                error.message, status=error.status, server_message=error.server_message,
                hint="let a cluster administrator run this same command: granting needs `bind` on the role, or `use` "
                     "of the SCC oneself",
            ) from error
        return Outcome(kind, name, CREATED, where)


def _whom(grant: Grant) -> str:
    where = "in every namespace" if grant.namespace is None else f"in namespace {grant.namespace}"
    return f"{'service account' if grant.kind == 'ServiceAccount' else 'group'} {grant.name} {where}"
