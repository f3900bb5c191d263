"""`oc gsb scc create` and `delete`: the copy comes and goes by itself, without anybody being granted it."""

from __future__ import annotations

from collections.abc import Collection

from oc_gsb.access.differences import changed_fields
from oc_gsb.access.outcomes import CREATED, DELETED, REFUSED, UNCHANGED, Outcome, answer_with
from oc_gsb.access.plans import Planner, fresh_copy
from oc_gsb.access.requests import CopyRequest, DeleteRequest, Reach
from oc_gsb.scc import missing_for_sidecar
from oc_gsb.sidecar.grants import ROLE_PREFIX, Grant, scc_users
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import select_workloads
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import CLUSTER_ROLE, SECURITY_CONTEXT_CONSTRAINTS
from plugin_core.model.manifests import Manifest, labels_of, name_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.names import GSB, MANAGED_BY_LABEL

SCC = SECURITY_CONTEXT_CONSTRAINTS


def create(cluster: Cluster, request: CopyRequest, *, progress: Progress) -> Answer:
    """Makes the copies that are missing; one that is there stays as it is, whoever made it."""
    progress.phase("reading SCCs")
    planner = Planner(cluster, reach=Reach())
    by_name = {name_of(one): one for one in planner.reader.sccs}
    copies: dict[str, Manifest] = {}
    outcomes: list[Outcome] = []
    for base in request.bases:
        if base not in by_name:
            raise errors.NotFound(f"there is no SCC {base}", hint="see: kubectl get scc")
        made = fresh_copy(by_name[base])
        if made is None:
            outcomes.append(Outcome(SCC, base, UNCHANGED, message="allows the capabilities itself: no copy is needed"))
        else:
            copies[name_of(made)] = made
    for workload in select_workloads(cluster, request.selection) if request.selection else ():
        plan = planner.plan(workload, live=True)
        if plan.scc.problems:
            outcomes.append(Outcome(SCC, plan.scc.wanted or f"{plan.scc.base or 'unknown'}-gsb", REFUSED,
                                    message=f"{plan.target}: {plan.scc.problems[0]}",
                                    hint=f"see: oc gsb scc plan {plan.target} -n {cluster.namespace}"))
        elif plan.copy is None or plan.base is None:
            outcomes.append(Outcome(SCC, plan.scc.wanted, UNCHANGED,
                                    message=f"{plan.target} gets along with it as it is: no copy is needed"))
        else:
            copies[name_of(plan.copy)] = fresh_copy(plan.base) or plan.copy
    outcomes += [_create(cluster, made, by_name.get(name), progress=progress) for name, made in copies.items()]
    return answer_with("SccCopyList", outcomes, dry_run=cluster.dry_run, empty="No SCC to copy.")


def _create(cluster: Cluster, made: Manifest, there: Manifest | None, *, progress: Progress) -> Outcome:
    if there is not None:
        return _compare(made, there)
    try:
        cluster.create(made)
    except errors.AlreadyExists:
        return _compare(made, cluster.get(SCC, name_of(made)))
    except errors.Forbidden as error:
        raise errors.Forbidden(error.message, status=error.status, server_message=error.server_message,
                               hint="let a cluster administrator run this same command") from error
    progress.note(f"{SCC.prefix}/{name_of(made)} created{cluster.dry_run.suffix}")
    return Outcome(SCC, name_of(made), CREATED, message="nobody may use it until it is granted: oc gsb scc grant")


def _compare(made: Manifest, there: Manifest) -> Outcome:
    lacks = missing_for_sidecar(there)
    if lacks:
        return Outcome(SCC, name_of(made), REFUSED, message=f"is there already and does not allow {', '.join(lacks)}",
                       hint=f"delete it, or add what is missing: oc edit scc {name_of(made)}")
    differs = changed_fields(made, there)
    words = f"differs from a fresh copy in {', '.join(differs)}; see oc gsb scc plan" if differs else ""
    return Outcome(SCC, name_of(made), UNCHANGED, message=words)


def delete(cluster: Cluster, request: DeleteRequest, *, progress: Progress) -> Answer:
    """Deletes copies of ours, with their ClusterRole, that nobody uses any more; who does is said otherwise."""
    progress.phase("looking for users of the SCC in the whole cluster")
    outcomes: list[Outcome] = []
    for name in request.names:
        outcomes += delete_copy(cluster, name, progress=progress)
    return answer_with("SccCopyList", outcomes, dry_run=cluster.dry_run, empty="No SCC to delete.")


def delete_copy(cluster: Cluster, name: str, *, progress: Progress, without: Collection[str] = ()) -> list[Outcome]:
    """One SCC and its ClusterRole, if they are ours and unused; what is taken into use meanwhile is put back.

    without: uids of bindings that do not count as users, since under a dry run they are still there.
    """
    try:
        scc: Manifest | None = cluster.get(SCC, name)
    except errors.NotFound:
        scc = None
    if scc is not None and labels_of(scc).get(MANAGED_BY_LABEL) != GSB:
        return [Outcome(SCC, name, REFUSED, message="was not made by oc-gsb", hint=f"by hand: oc delete scc {name}")]
    users = scc_users(cluster, Grant(scc=name, namespace=cluster.namespace, account=""), without=without)
    if users:
        more = f" (and {len(users) - 1} more)" if len(users) > 1 else ""
        return [Outcome(SCC, name, REFUSED, message=f"it is in use: {users[0]}{more}",
                        hint="take the sidecars out (oc gsb uninject), then revoke: oc gsb scc revoke --scc " + name)]
    gone = [one for one in (_remove_role(cluster, name), scc) if one]
    if scc is not None:
        cluster.delete(SCC, name, uid=uid_of(scc))
    again = [] if cluster.dry_run.on else scc_users(cluster, Grant(scc=name, namespace=cluster.namespace, account=""))
    if again:
        for manifest in gone:
            _put_back(cluster, manifest)
        return [Outcome(SCC, name, REFUSED, message=f"it was taken into use meanwhile: {again[0]}")]
    for manifest in gone:
        progress.note(f"{str(manifest['kind']).lower()}/{name_of(manifest)} deleted{cluster.dry_run.suffix}")
    found = [Outcome(CLUSTER_ROLE, ROLE_PREFIX + name, DELETED)] if len(gone) > (scc is not None) else []
    if scc is None:
        return [*found, Outcome(SCC, name, UNCHANGED, message="there is none")]
    return [Outcome(SCC, name, DELETED), *found]


def find_role(cluster: Cluster, scc: str) -> Manifest | None:
    """The ClusterRole that allows to use the SCC; None when there is none or it is not ours."""
    try:
        role = cluster.get(CLUSTER_ROLE, ROLE_PREFIX + scc)
    except errors.NotFound:
        return None
    return role if labels_of(role).get(MANAGED_BY_LABEL) == GSB else None


def _remove_role(cluster: Cluster, scc: str) -> Manifest | None:
    role = find_role(cluster, scc)
    if role is None:
        return None
    cluster.delete(CLUSTER_ROLE, name_of(role), uid=uid_of(role))
    return {"apiVersion": CLUSTER_ROLE.api_version, "kind": CLUSTER_ROLE.name, **role}


def _put_back(cluster: Cluster, manifest: Manifest) -> None:
    kept = {key: value for key, value in manifest["metadata"].items() if key in ("name", "labels", "annotations")}
    try:
        cluster.create({**manifest, "metadata": kept})
    except errors.AlreadyExists:
        pass
