"""`oc gsb cleanup`: grants, copies and pods of ours that nothing needs, and what an interrupted run left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from oc_gsb.access.bindings import GROUP_PREFIX, grant_of
from oc_gsb.access.copies import delete_copy, find_role
from oc_gsb.access.decisions import SERVICE_ACCOUNT
from oc_gsb.access.outcomes import DELETED, UNCHANGED, Outcome, answer_with
from oc_gsb.sidecar.grants import ROLE_PREFIX, Grant, binding_users, scc_users
from oc_gsb.sidecar.image_probe import TRIALS, forgotten_trials
from oc_gsb.sidecar.keepers import access_keeper
from oc_gsb.sidecar.record import has_record, read_record
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import served_kinds
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.kinds import CLUSTER_ROLE, POD, ROLE_BINDING, SCC_GROUP, SECURITY_CONTEXT_CONSTRAINTS, Kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.names import GSB, MANAGED_BY_LABEL

OURS = f"{MANAGED_BY_LABEL}={GSB}"
WOULD = "to be deleted"


@dataclass(frozen=True)
class CleanupRequest:
    """everywhere: all namespaces. confirmed: delete; otherwise what would go is only shown.

    older_than: seconds; a younger grant or copy may be of a run that is about to use it.
    """

    everywhere: bool = False
    confirmed: bool = False
    older_than: float = 600.0

    def why_young(self, manifest: Manifest) -> str:
        """Why it is left alone; "" when it is old enough."""
        if seconds_since(part_of(manifest, "metadata", "creationTimestamp")) >= self.older_than:
            return ""
        return f"younger than {format_duration(self.older_than)}: a run may be about to use it (--older-than)"


def clean_up(cluster: Cluster, request: CleanupRequest, *, progress: Progress) -> Answer:
    """Shows, or deletes, what is ours and unused. Workloads are never changed: the command that finishes them is named.
    """
    scope = None if request.everywhere else cluster.namespace
    progress.phase("looking for what earlier runs left")
    outcomes = [*_interrupted(cluster, scope), *_trial_pods(cluster, scope, request, progress)]
    if cluster.versions_of(SCC_GROUP):
        bindings = cluster.list_all(ROLE_BINDING, namespace=scope, labels=OURS).items
        going: list[Manifest] = []
        for one in _unused_bindings(cluster, bindings):
            kept = access_keeper(one) or request.why_young(one)
            if kept:
                outcomes.append(_left(ROLE_BINDING, one, kept))
            else:
                going.append(one)
        why = "no pod and no injected workload needs it"
        outcomes += [_delete(cluster, ROLE_BINDING, one, why, request, progress) for one in going]
        outcomes += _copies(cluster, request, going, progress)
    waiting = [one for one in outcomes if one.result == WOULD]
    notes = [f"nothing was deleted: add --yes to delete {len(waiting)} objects"] if waiting else []
    return answer_with("CleanupList", outcomes, dry_run=cluster.dry_run, empty="Nothing of ours is left over.",
                       notes=notes)


def _interrupted(cluster: Cluster, scope: str | None) -> Iterator[Outcome]:
    for kind in served_kinds(cluster):
        for workload in cluster.list_all(kind, namespace=scope).items:
            where = f"{kind.name.lower()}/{name_of(workload)} -n {namespace_of(workload)}"
            try:
                record = read_record(workload) if has_record(workload) else None
            except errors.NotReady as error:
                yield Outcome(kind, name_of(workload), UNCHANGED, namespace_of(workload), error.message)
                continue
            if record is not None and (record.removing or record.replicas is not None):
                verb = "uninject" if record.removing else "inject"
                yield Outcome(kind, name_of(workload), UNCHANGED, namespace_of(workload),
                              f"an interrupted {verb} left it at 0 replicas; finish it: oc gsb {verb} {where}")
            elif record is not None and record.previous_image:
                yield Outcome(kind, name_of(workload), UNCHANGED, namespace_of(workload),
                              f"an interrupted upgrade from {record.previous_image} was never proven; finish it, or go "
                              f"back: oc gsb upgrade {where} [--image {record.previous_image}]")


def _trial_pods(
    cluster: Cluster, scope: str | None, request: CleanupRequest, progress: Progress
) -> Iterator[Outcome]:
    """Pods that tried an image for a run that was killed; a young one may be another run's and is left alone."""
    for pod in forgotten_trials(cluster.list_all(POD, namespace=scope, labels=TRIALS).items):
        yield _delete(cluster, POD, pod, "it tried an image for a run that was killed", request, progress)


def _unused_bindings(cluster: Cluster, bindings: list[Manifest]) -> Iterator[Manifest]:
    """Those for one service account that no pod and no injected workload needs; group grants were asked for."""
    for binding in bindings:
        scc, where = str(binding["roleRef"]["name"]).removeprefix(ROLE_PREFIX), namespace_of(binding)
        grants = [grant_of(subject, scc=scc, namespace=where) for subject in binding.get("subjects") or []]
        if any(one.kind != SERVICE_ACCOUNT or one.name.startswith(GROUP_PREFIX) for one in grants):
            continue
        if not any(binding_users(cluster, Grant(scc=scc, namespace=where, account=one.name)) for one in grants):
            yield binding


def _left(kind: Kind, found: Manifest, why: str) -> Outcome:
    return Outcome(kind, name_of(found), UNCHANGED, namespace_of(found), f"unused, and left alone: {why}")


def _delete(
    cluster: Cluster, kind: Kind, found: Manifest, why: str, request: CleanupRequest, progress: Progress
) -> Outcome:
    name, where = name_of(found), namespace_of(found)
    if not request.confirmed:
        return Outcome(kind, name, WOULD, where, why)
    try:
        cluster.delete(kind, name, namespace=where, uid=uid_of(found))
    except errors.NotFound:
        pass
    progress.note(f"{kind.name.lower()}/{name} deleted{cluster.dry_run.suffix}")
    return Outcome(kind, name, DELETED, where)


def _copies(
    cluster: Cluster, request: CleanupRequest, going: list[Manifest], progress: Progress
) -> Iterator[Outcome]:
    """Copies that nobody uses once the bindings above are gone; of one namespace, only those that they granted.

    Copies are for the whole cluster: another namespace's run may have made one, and not granted it yet.
    """
    gone = {uid_of(one) for one in going}
    granted = {str(one["roleRef"]["name"]).removeprefix(ROLE_PREFIX) for one in going}
    for scc in cluster.list_all(SECURITY_CONTEXT_CONSTRAINTS, labels=OURS).items:
        name = name_of(scc)
        if scc_users(cluster, Grant(scc=name, namespace=cluster.namespace, account=""), without=gone):
            continue
        kept = access_keeper(scc) or request.why_young(scc)
        if not kept and not request.everywhere and name not in granted:
            kept = "nothing of this namespace was granted it; with all namespaces: oc gsb cleanup -A"
        if kept:
            yield _left(SECURITY_CONTEXT_CONSTRAINTS, scc, kept)
            continue
        if request.confirmed:
            yield from delete_copy(cluster, name, progress=progress, without=gone)
            continue
        yield Outcome(SECURITY_CONTEXT_CONSTRAINTS, name, WOULD, message="nobody may use it and no pod runs under it")
        if find_role(cluster, name):
            yield Outcome(CLUSTER_ROLE, ROLE_PREFIX + name, WOULD, message=f"it is for SCC {name} only")
