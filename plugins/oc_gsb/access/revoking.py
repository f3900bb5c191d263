"""`oc gsb scc revoke`: every binding that gives the SCC to whom it was for, ours and those of `oc adm policy`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from oc_gsb.access.bindings import Binding, read_bindings, same_subject
from oc_gsb.access.decisions import GROUP, reaches_account
from oc_gsb.access.outcomes import CHANGED, DELETED, REFUSED, UNCHANGED, Outcome, answer_with
from oc_gsb.access.plans import Planner
from oc_gsb.access.requests import GrantRequest
from oc_gsb.scc import Grant
from oc_gsb.sidecar.grants import Grant as AccountGrant
from oc_gsb.sidecar.grants import binding_users
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import select_workloads, served_kinds
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import POD, SECURITY_CONTEXT_CONSTRAINTS
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.templates import service_account_of

SCC = SECURITY_CONTEXT_CONSTRAINTS


def revoke(cluster: Cluster, request: GrantRequest, *, progress: Progress) -> Answer:
    """Takes the SCC from whom the request names; refused while a pod or an injected workload would lose it."""
    progress.phase("reading bindings, and who needs them")
    outcomes: list[Outcome] = []
    notes: list[str] = []
    for scc, grants in _wanted(cluster, request):
        try:
            bindings = read_bindings(cluster, scc)
        except errors.Forbidden as error:
            raise errors.Forbidden(error.message, status=error.status, server_message=error.server_message,
                                   hint="revoking reads RoleBindings and ClusterRoleBindings: both can grant the SCC"
                                   ) from error
        kept = [replace(binding, grants=tuple(one for one in binding.grants if not _is_meant(one, grants)))
                for binding in bindings]
        refusal = _refusal(cluster, scc, removed=bindings, kept=kept)
        if refusal:
            outcomes.append(refusal)
            continue
        changed = [_shrink(cluster, before, after, progress=progress) for before, after in zip(bindings, kept)
                   if len(after.grants) < len(before.grants)]
        outcomes += changed or [Outcome(SCC, scc, UNCHANGED, message="no binding grants it to "
                                        + ", ".join(grant.name for grant in grants))]
        notes += list(_what_remains(scc, kept, grants, namespace=cluster.namespace))
    return answer_with("SccGrantList", outcomes, dry_run=cluster.dry_run, empty="Nothing to revoke.", notes=notes)


def _wanted(cluster: Cluster, request: GrantRequest) -> Iterator[tuple[str, tuple[Grant, ...]]]:
    namespace = cluster.namespace
    if request.scc:
        yield request.scc, request.reach.grants(request.scc, namespace=namespace, account="")
        return
    planner = Planner(cluster, reach=request.reach)
    assert request.selection is not None
    for workload in select_workloads(cluster, request.selection):
        record = read_record(workload)
        wanted = record.scc if record is not None else planner.plan(workload, live=True).scc.wanted
        if wanted:
            yield wanted, request.reach.grants(wanted, namespace=namespace, account=service_account_of(workload))


def _is_meant(grant: Grant, wanted: Iterable[Grant]) -> bool:
    return any(same_subject(grant, one) for one in wanted)


def _refusal(cluster: Cluster, scc: str, *, removed: Sequence[Binding], kept: Sequence[Binding]) -> Outcome | None:
    """Whoever needs the SCC and has it through what is to go must have it through what stays."""
    where = cluster.namespace
    for account in sorted(_accounts(cluster)):
        before = _reaches(removed, namespace=where, account=account)
        if not before or _reaches(kept, namespace=where, account=account):
            continue
        users = binding_users(cluster, AccountGrant(scc=scc, namespace=where, account=account))
        if users:
            more = f" (and {len(users) - 1} more)" if len(users) > 1 else ""
            return Outcome(SCC, scc, REFUSED, message=f"{users[0]}{more} needs it through service account {account}",
                           hint=f"take the sidecar out first: oc gsb uninject -n {where}")
    return None


def _accounts(cluster: Cluster) -> set[str]:
    found = {str(part_of(pod, "spec", "serviceAccountName") or "default")
             for pod in cluster.list_all(POD, namespace=cluster.namespace).items}
    for kind in served_kinds(cluster):
        found |= {service_account_of(one) for one in cluster.list_all(kind, namespace=cluster.namespace).items}
    return found


def _reaches(bindings: Sequence[Binding], *, namespace: str, account: str) -> bool:
    return any(reaches_account(grant, namespace=namespace, account=account)
               for binding in bindings for grant in binding.grants)


def _shrink(cluster: Cluster, before: Binding, after: Binding, *, progress: Progress) -> Outcome:
    name, where = name_of(before.manifest), namespace_of(before.manifest)
    gone = [one for one in before.grants if one not in after.grants]
    words = f"granted SCC {gone[0].scc} to {', '.join(one.name for one in gone)}"
    by = "" if before.ours else ", made by others (oc adm policy)"
    if not after.grants:
        try:
            cluster.delete(before.kind, name, namespace=where or None, uid=uid_of(before.manifest))
        except errors.NotFound:
            pass
        progress.note(f"{before.title} deleted{cluster.dry_run.suffix}")
        return Outcome(before.kind, name, DELETED, where, words + by)
    subjects: list[Manifest] = [subject for subject, grant in
                                zip(before.manifest.get("subjects") or [], before.grants) if grant not in gone]
    patch = {"metadata": {"resourceVersion": before.manifest["metadata"]["resourceVersion"]}, "subjects": subjects}
    cluster.patch(before.kind, name, patch, namespace=where or None)
    progress.note(f"{before.title} changed{cluster.dry_run.suffix}")
    return Outcome(before.kind, name, CHANGED, where, f"{words}{by}; its other subjects keep it")


def _what_remains(scc: str, kept: Sequence[Binding], grants: Sequence[Grant], *, namespace: str) -> Iterator[str]:
    """Other bindings through which the same accounts still have the SCC."""
    accounts = [one.name for one in grants if one.kind != GROUP]
    for binding in kept:
        for grant in binding.grants:
            reached = [name for name in accounts if reaches_account(grant, namespace=namespace, account=name)]
            if reached:
                way = "--group" if grant.kind == GROUP else f"--service-account {grant.name}"
                yield (f"note: {binding.title} still gives SCC {scc} to {grant.name}, so to {', '.join(reached)} too; "
                       f"revoke it with: oc gsb scc revoke --scc {scc} {way} -n {namespace}")
