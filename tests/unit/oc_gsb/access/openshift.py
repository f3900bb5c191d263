"""A fake OpenShift for the scc verbs: RBAC that follows the bindings in it, and pods with their controllers."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from fakes.cluster import FakeCluster
from fakes.workloads import NAMESPACE, pod, replica_set, workload
from oc_gsb.sidecar.grants import ROLE_PREFIX
from plugin_core import errors
from plugin_core.kube.cluster import Access
from plugin_core.model.manifests import Manifest, name_of
from unit.oc_gsb.sidecar.world import GRANT_DELETES, GRANT_WRITES, K10_CONFIG, NAMESPACE_MANIFEST, OPEN_TO_ALL, SCCS

WRITES = (*GRANT_WRITES, *GRANT_DELETES, "create clusterrolebindings.rbac.authorization.k8s.io",
          "delete clusterrolebindings.rbac.authorization.k8s.io", "patch rolebindings.rbac.authorization.k8s.io",
          "patch clusterrolebindings.rbac.authorization.k8s.io")
BINDINGS = "rolebindings.rbac.authorization.k8s.io"
CLUSTER_BINDINGS = "clusterrolebindings.rbac.authorization.k8s.io"
COPIES = "securitycontextconstraints.security.openshift.io"


class OpenShift(FakeCluster):
    """subject_can answers from the bindings that are there, besides `grants`.

    reviews: SCC names ("" for refused) with which the server's own review answers in turn; None: it is not served.
    """

    reviews: Iterator[str] | None = None

    def subject_can(self, user, groups, verb, kind, *, namespace=None, name=""):
        for (resource, where, _), binding in self.objects.items():
            if resource not in (BINDINGS, CLUSTER_BINDINGS) or where not in ("", namespace):
                continue
            if binding["roleRef"]["name"] != ROLE_PREFIX + name:
                continue
            for subject in binding.get("subjects") or []:
                full = f"system:serviceaccount:{subject.get('namespace')}:{subject['name']}"
                if (full == user) if subject["kind"] == "ServiceAccount" else subject["name"] in (user, *groups):
                    return Access(allowed=True)
        return super().subject_can(user, groups, verb, kind, namespace=namespace, name=name)

    def create(self, manifest):
        if manifest["kind"] != "PodSecurityPolicySubjectReview":
            return super().create(manifest)
        if self.reviews is None:
            raise errors.NotFound("the server could not find the requested resource", status=404)
        name = next(self.reviews)
        return {**manifest, "status": {"allowedBy": {"name": name}} if name else {"reason": "no way"}}


def make_openshift(
    *objects: Manifest, namespace: Manifest | None = None, reviews: Iterable[str] | None = None, **options: Any
) -> OpenShift:
    """The standard SCCs; restricted-v2 is open to all."""
    options.setdefault("expect", WRITES)
    options.setdefault("grants", [OPEN_TO_ALL])
    made = OpenShift([namespace or NAMESPACE_MANIFEST, K10_CONFIG, *SCCS.values(), *objects],
                     groups={"security.openshift.io": ["v1"]}, **options)
    made.reviews = None if reviews is None else iter(reviews)
    return made


def running(made: Manifest, *, scc: str = "restricted-v2") -> list[Manifest]:
    """A Deployment, its ReplicaSet and one pod of it, as anyuid or one of the restricted family left it."""
    owner = replica_set(made, 1)
    admitted = pod(f"{name_of(made)}-1", owner, made["spec"]["template"], scc=scc)
    context: Manifest = {"seLinuxOptions": {"level": "s0:c26,c5"}}
    if not scc.startswith("anyuid"):
        context.update(fsGroup=1000680000, runAsUser=1000680000)
    admitted["spec"]["securityContext"] = context
    return [made, owner, admitted]


def with_account(made: Manifest, account: str) -> Manifest:
    made["spec"]["template"]["spec"]["serviceAccountName"] = account
    return made


def account_named(account: str, name: str = "web") -> Manifest:
    return with_account(workload(name=name), account)


def made_by_hand(base: str, **changes: Any) -> Manifest:
    """The document's copy: `oc get -o yaml`, another name, three capabilities; the priority stays as it was."""
    made = copy.deepcopy(SCCS[base])
    made["metadata"] = {"name": f"{base}-gsb"}
    made["allowedCapabilities"] = [*(made.get("allowedCapabilities") or []), "CHOWN", "DAC_OVERRIDE", "FOWNER"]
    return {**made, "users": [], "groups": [], **changes}


def by_oc(scc: str, subject: Manifest, *, namespace: str = "") -> Manifest:
    """What `oc adm policy add-scc-to-*` leaves: a binding named after the role."""
    name = ROLE_PREFIX + scc
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
            "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [subject]}


GROUP: Manifest = {"kind": "Group", "name": f"system:serviceaccounts:{NAMESPACE}",
                   "apiGroup": "rbac.authorization.k8s.io"}


def account_subject(name: str = "default") -> Manifest:
    return {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
