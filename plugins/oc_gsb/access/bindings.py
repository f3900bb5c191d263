"""Bindings that give an SCC's ClusterRole to someone: ours, and those that `oc adm policy` leaves.

`oc adm policy add-scc-to-user -n NS` makes a RoleBinding; without -n, and with add-scc-to-group always, it makes a
ClusterRoleBinding (openshift/oc pkg/cli/admin/policy/modify_scc.go). Both are named after the role.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oc_gsb.access.decisions import GROUP, SERVICE_ACCOUNT
from oc_gsb.scc import Grant
from oc_gsb.sidecar.grants import ROLE_PREFIX
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, RBAC_GROUP, ROLE_BINDING, Kind
from plugin_core.model.manifests import Manifest, labels_of, name_of, namespace_of
from plugin_core.names import GSB, MANAGED_BY_LABEL

GROUP_PREFIX = "system:serviceaccounts:"
_USER_PREFIX = "system:serviceaccount:"


@dataclass(frozen=True)
class Binding:
    """One RoleBinding or ClusterRoleBinding of an SCC's role. grants: what each of its subjects gets."""

    kind: Kind
    manifest: Manifest
    grants: tuple[Grant, ...]

    @property
    def title(self) -> str:
        return f"{self.kind.name.lower()}/{name_of(self.manifest)}"

    @property
    def ours(self) -> bool:
        return labels_of(self.manifest).get(MANAGED_BY_LABEL) == GSB


def account_grant(scc: str, *, namespace: str, account: str) -> Grant:
    """The SCC for one service account, in its namespace."""
    return Grant(scc, SERVICE_ACCOUNT, account, subject_namespace=namespace, namespace=namespace)


def group_grant(scc: str, *, namespace: str, everywhere: bool = False) -> Grant:
    """The SCC for all service accounts of the namespace, in it, or everywhere as `oc adm policy` does it."""
    return Grant(scc, GROUP, GROUP_PREFIX + namespace, namespace=None if everywhere else namespace)


def binding_for(grant: Grant) -> Manifest:
    """The binding of our own that makes the grant."""
    kind = CLUSTER_ROLE_BINDING if grant.namespace is None else ROLE_BINDING
    subject: Manifest = {"kind": GROUP, "name": grant.name, "apiGroup": RBAC_GROUP}
    if grant.kind == SERVICE_ACCOUNT:
        subject = {"kind": SERVICE_ACCOUNT, "name": grant.name, "namespace": grant.subject_namespace}
    metadata = {"name": f"oc-gsb:{grant.scc}:{grant.name}", "labels": {MANAGED_BY_LABEL: GSB}}
    if grant.namespace:
        metadata["namespace"] = grant.namespace
    return {
        "apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata,
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": CLUSTER_ROLE.name, "name": ROLE_PREFIX + grant.scc},
        "subjects": [subject],
    }


def read_bindings(cluster: Cluster, scc: str) -> list[Binding]:
    """Bindings of the SCC's role that count in the connection's namespace. Raises Forbidden."""
    found = [(kind, one) for kind in (ROLE_BINDING, CLUSTER_ROLE_BINDING)
             for one in cluster.list_all(kind, namespace=cluster.namespace if kind.namespaced else None).items]
    return [_binding(kind, one, scc) for kind, one in found if _role(one) == (CLUSTER_ROLE.name, ROLE_PREFIX + scc)]


def same_subject(one: Grant, other: Grant) -> bool:
    """Whether two grants name the same subject, wherever they hold."""
    return (one.kind, one.name, one.subject_namespace) == (other.kind, other.name, other.subject_namespace)


def is_covered(wanted: Grant, bindings: Iterable[Binding]) -> Binding | None:
    """The binding that names this very subject where it is wanted; None when there is none."""
    for binding in bindings:
        for grant in binding.grants:
            if same_subject(grant, wanted) and grant.namespace in (None, wanted.namespace):
                return binding
    return None


def _binding(kind: Kind, manifest: Manifest, scc: str) -> Binding:
    where = namespace_of(manifest) or None
    return Binding(kind, manifest, tuple(grant_of(subject, scc=scc, namespace=where)
                                         for subject in manifest.get("subjects") or []))


def grant_of(subject: Manifest, *, scc: str, namespace: str | None) -> Grant:
    """What one subject of a binding gets; a service account may also be written as the user it is."""
    kind, name = str(subject.get("kind")), str(subject.get("name"))
    if kind == SERVICE_ACCOUNT:
        return Grant(scc, kind, name, str(subject.get("namespace") or namespace or ""), namespace)
    if name.startswith(_USER_PREFIX) and name.count(":") == 3:
        owner, account = name.removeprefix(_USER_PREFIX).split(":")
        return Grant(scc, SERVICE_ACCOUNT, account, owner, namespace)
    return Grant(scc, kind, name, None, namespace)


def _role(binding: Manifest) -> tuple[str, str]:
    role = binding.get("roleRef") or {}
    return str(role.get("kind")), str(role.get("name"))
