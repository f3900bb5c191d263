"""The SCC copy and the right to use it, for one service account in one namespace; and their removal when unused.

Several runs may share a copy. The rule that keeps them out of each other's way: who needs a thing first leaves the sign
of it (a record on the workload for the binding, a binding for role and SCC) and then looks once more whether the thing
is there; who removes a thing looks for such signs once more afterwards and puts it back. The later look sees the other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from oc_gsb.sidecar.keepers import access_keeper
from oc_gsb.sidecar.record import read_record
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    DEPLOYMENT_CONFIG,
    POD,
    RBAC_GROUP,
    ROLE_BINDING,
    SCC_GROUP,
    SECURITY_CONTEXT_CONSTRAINTS,
    Kind,
    find_kind,
)
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of, namespace_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.names import GSB, MANAGED_BY_LABEL, POD_SCC
from plugin_core.workloads.templates import WORKLOAD_KINDS, service_account_of

ROLE_PREFIX = "system:openshift:scc:"
"""What `oc adm policy add-scc-to-user` names the ClusterRole of an SCC (openshift/oc pkg/cli/admin/policy)."""

_LABELS = {MANAGED_BY_LABEL: GSB}
_PASSES = 3


@dataclass(frozen=True)
class Grant:
    """`use` of one SCC for one service account in its namespace."""

    scc: str
    namespace: str
    account: str

    @property
    def role(self) -> str:
        return ROLE_PREFIX + self.scc

    @property
    def binding(self) -> str:
        """One RoleBinding a service account, so that two grants never write the same object."""
        return f"oc-gsb:{self.scc}:{self.account}"


def role_manifest(grant: Grant) -> Manifest:
    """The ClusterRole: use of this one SCC."""
    rule = {"apiGroups": [SCC_GROUP], "resources": [SECURITY_CONTEXT_CONSTRAINTS.plural], "verbs": ["use"],
            "resourceNames": [grant.scc]}
    return {"apiVersion": CLUSTER_ROLE.api_version, "kind": CLUSTER_ROLE.name,
            "metadata": {"name": grant.role, "labels": dict(_LABELS)}, "rules": [rule]}


def binding_manifest(grant: Grant) -> Manifest:
    """The RoleBinding in the workload's namespace; nothing outside it gains a right."""
    return {
        "apiVersion": ROLE_BINDING.api_version, "kind": ROLE_BINDING.name,
        "metadata": {"name": grant.binding, "namespace": grant.namespace, "labels": dict(_LABELS)},
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": CLUSTER_ROLE.name, "name": grant.role},
        "subjects": [{"kind": "ServiceAccount", "name": grant.account, "namespace": grant.namespace}],
    }


def ensure_grant(
    cluster: Cluster, grant: Grant, *, copy: Manifest | None, created: list[Manifest], progress: Progress
) -> None:
    """Makes what is missing of role, SCC and binding, and adds each object made to `created` at once.

    copy: the SCC as it would be created; None: it is another's and must be there. Call it before the workload asks for
    the SCC and again afterwards. Raises Forbidden naming who can help.
    """
    wanted = [one for one in (role_manifest(grant), copy, binding_manifest(grant)) if one]
    for _ in range(_PASSES):
        made = [one for one in wanted if _create_if_missing(cluster, one, created=created, grant=grant)]
        for manifest in made:
            progress.note(f"{_kind(manifest).prefix}/{name_of(manifest)} created{cluster.dry_run.suffix}")
        if not made or cluster.dry_run.on:
            return
    raise errors.NotReady(f"the grant of SCC {grant.scc} is deleted again and again by someone else",
                          hint="find out who removes it, then try again")


def _create_if_missing(cluster: Cluster, manifest: Manifest, *, created: list[Manifest], grant: Grant) -> bool:
    kind = _kind(manifest)
    try:
        cluster.get(kind, name_of(manifest), namespace=namespace_of(manifest) or None)
        return False
    except errors.NotFound:
        pass
    try:
        created.append(cluster.create(manifest))
    except errors.AlreadyExists:
        pass
    except errors.Forbidden as error:
        raise errors.Forbidden(error.message, hint=manual_grant(grant), status=error.status,
                               server_message=error.server_message) from error
    return True


def our_grants(cluster: Cluster) -> list[Grant]:
    """The grants in the connection's namespace that this tool made."""
    bindings = cluster.list_all(ROLE_BINDING, namespace=cluster.namespace, labels=f"{MANAGED_BY_LABEL}={GSB}").items
    return [
        Grant(scc=binding["roleRef"]["name"].removeprefix(ROLE_PREFIX), account=subject["name"],
              namespace=cluster.namespace)
        for binding in bindings for subject in (binding.get("subjects") or [])[:1]
    ]


def manual_grant(grant: Grant) -> str:
    """What a cluster administrator runs for someone who may not: this command, or its last step by hand."""
    return (f"let a cluster administrator run this same command, or once the SCC is there: "
            f"oc adm policy add-scc-to-user {grant.scc} -z {grant.account} -n {grant.namespace}")


def withdraw(cluster: Cluster, grant: Grant, *, progress: Progress, only: list[Manifest] | None = None) -> list[str]:
    """Removes the binding, then role and SCC, each only if it is ours and nothing else needs it; what stays, and why.

    only: just these objects, the ones a run made itself. Call it when no pod of the workload has the SCC any more.
    What somebody keeps in Git is left alone: it would come back, or be missing from what Git says is there.
    """
    kept: list[str] = []
    users = binding_users(cluster, grant)
    if users:
        return [f"the grant of SCC {grant.scc} to service account {grant.account} stays: {users[0]} needs it"]
    if cluster.dry_run.on:
        return []
    binding = _delete_ours(
        cluster, ROLE_BINDING, grant.binding, namespace=grant.namespace, only=only, kept=kept, progress=progress
    )
    if kept:
        return kept
    users = binding_users(cluster, grant) if binding else []
    if binding and users:
        _put_back(cluster, binding)
        return [f"the grant of SCC {grant.scc} to service account {grant.account} stays: {users[0]} needs it"]
    try:
        reasons = scc_users(cluster, grant)
    except errors.Forbidden as error:
        return [f"SCC {grant.scc} stays: whether it is used elsewhere could not be read: {error.server_message}"]
    if reasons:
        return [f"SCC {grant.scc} stays: {reasons[0]}"]
    gone = [_delete_ours(cluster, kind, name, namespace=None, only=only, kept=kept, progress=progress)
            for kind, name in ((CLUSTER_ROLE, grant.role), (SECURITY_CONTEXT_CONSTRAINTS, grant.scc))]
    removed = [one for one in gone if one]
    if removed and _bindings(cluster, grant):
        for manifest in removed:
            _put_back(cluster, manifest)
        return [*kept, f"SCC {grant.scc} stays: someone was granted it meanwhile"]
    return kept


def binding_users(cluster: Cluster, grant: Grant) -> list[str]:
    """What in the namespace needs the account's grant: workloads injected with it, and pods that have the SCC."""
    found = []
    for kind in WORKLOAD_KINDS:
        if kind == DEPLOYMENT_CONFIG and not cluster.versions_of(kind.group):
            continue
        found += [f"{kind.name.lower()}/{name_of(workload)}"
                  for workload in cluster.list_all(kind, namespace=grant.namespace).items
                  if service_account_of(workload) == grant.account and _has_record_for(workload, grant.scc)]
    for pod in cluster.list_all(POD, namespace=grant.namespace).items:
        account = part_of(pod, "spec", "serviceAccountName") or "default"
        if annotations_of(pod).get(POD_SCC) == grant.scc and account == grant.account:
            found.append(f"pod/{name_of(pod)}")
    return found


def _has_record_for(workload: Manifest, scc: str) -> bool:
    try:
        record = read_record(workload)
    except errors.NotReady:
        return True
    return record is not None and record.scc == scc


def scc_users(cluster: Cluster, grant: Grant, *, without: Collection[str] = ()) -> list[str]:
    """What anywhere in the cluster still relies on the SCC: bindings of its role, its own lists, running pods.

    without: uids of bindings that are not counted.
    """
    found = _bindings(cluster, grant, without=without)
    try:
        scc = cluster.get(SECURITY_CONTEXT_CONSTRAINTS, grant.scc)
        found += [f"its own {key} name {scc[key][0]}" for key in ("users", "groups") if scc.get(key)]
    except errors.NotFound:
        pass
    if not found:
        found += [f"pod {namespace_of(pod)}/{name_of(pod)} runs under it"
                  for pod in cluster.list_all(POD).items if annotations_of(pod).get(POD_SCC) == grant.scc]
    return found


def _bindings(cluster: Cluster, grant: Grant, *, without: Collection[str] = ()) -> list[str]:
    found = []
    for kind in (ROLE_BINDING, CLUSTER_ROLE_BINDING):
        for binding in cluster.list_all(kind).items:
            role = binding.get("roleRef") or {}
            grants_it = (role.get("kind"), role.get("name")) == (CLUSTER_ROLE.name, grant.role)
            if grants_it and uid_of(binding) not in without:
                where = f" in namespace {namespace_of(binding)}" if namespace_of(binding) else ""
                found.append(f"{kind.name.lower()} {name_of(binding)}{where} grants it")
    return found


def _delete_ours(
    cluster: Cluster, kind: Kind, name: str, *, namespace: str | None, only: list[Manifest] | None, kept: list[str],
    progress: Progress,
) -> Manifest | None:
    """What was deleted; None for nothing. kept: gets the words on what is left to somebody else who keeps it."""
    try:
        there = cluster.get(kind, name, namespace=namespace)
        ours = labels_of(there).get(MANAGED_BY_LABEL) == GSB
        if not ours or (only is not None and uid_of(there) not in {uid_of(one) for one in only}):
            return None
        keeper = access_keeper(there)
        if keeper:
            kept.append(f"{kind.prefix}/{name} stays: {keeper}; take it out of there if nothing else needs it")
            return None
        cluster.delete(kind, name, namespace=namespace, uid=uid_of(there))
    except errors.NotFound:
        return None
    progress.note(f"{kind.prefix}/{name} deleted")
    return there


def _put_back(cluster: Cluster, manifest: Manifest) -> None:
    metadata = {key: value for key, value in manifest["metadata"].items() if key in ("name", "labels", "annotations")}
    try:
        cluster.create({**manifest, "metadata": metadata})
    except errors.AlreadyExists:
        pass


def _kind(manifest: Manifest) -> Kind:
    kind = find_kind(manifest["apiVersion"], manifest["kind"])
    assert kind is not None
    return kind
