"""A namespace's objects: read for a backup, put back by a restore."""

import copy
from typing import Any

from kubernetes.client.rest import ApiException

from sandbox.kasten.cluster import Cluster

Manifest = dict[str, Any]

WORKLOADS = ("apis/apps/v1/deployments", "apis/apps/v1/statefulsets", "apis/apps.openshift.io/v1/deploymentconfigs")
CLAIMS = "api/v1/persistentvolumeclaims"
_RBAC = "apis/rbac.authorization.k8s.io/v1"
FIRST = ("api/v1/serviceaccounts", "api/v1/secrets", "api/v1/configmaps", f"{_RBAC}/roles", f"{_RBAC}/rolebindings",
         "api/v1/services")
KINDS = (*FIRST, CLAIMS, *WORKLOADS)
"""In the order of a restore. Kasten takes nearly every namespaced kind; the stand-in these."""

_SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "ownerReferences",
                  "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "finalizers")
_CLAIM_NOTES = ("pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller",
                "volume.kubernetes.io/selected-node", "volume.kubernetes.io/storage-provisioner",
                "volume.beta.kubernetes.io/storage-provisioner")


def path_of(kind: str, namespace: str, name: str = "") -> str:
    """The URL path of a kind written as api/v1/PLURAL."""
    base, _, plural = kind.rpartition("/")
    return f"/{base}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def capture(cluster: Cluster, namespace: str) -> dict[str, list[Manifest]]:
    """Every object to be put back, by kind, without what the server adds."""
    found = {}
    for kind in KINDS:
        items = [item for item in cluster.items(path_of(kind, namespace)) if not _is_made_by_cluster(kind, item)]
        found[kind] = [_portable(kind, item) for item in items]
    return found


def _is_made_by_cluster(kind: str, item: Manifest) -> bool:
    name = item["metadata"]["name"]
    if any(owner.get("controller") for owner in item["metadata"].get("ownerReferences") or ()):
        return True
    return (kind == "api/v1/configmaps" and name in ("kube-root-ca.crt", "openshift-service-ca.crt")) or (
        kind == "api/v1/secrets" and item.get("type") == "kubernetes.io/service-account-token")


def _portable(kind: str, item: Manifest) -> Manifest:
    copied = copy.deepcopy(item)
    copied.pop("status", None)
    metadata = {key: value for key, value in copied["metadata"].items() if key not in _SERVER_FIELDS}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _CLAIM_NOTES}
    copied["metadata"] = {**metadata, "annotations": annotations}
    if kind == CLAIMS:
        copied["spec"].pop("volumeName", None)
    if kind == "api/v1/services":
        for field in ("clusterIP", "clusterIPs"):
            copied["spec"].pop(field, None)
    return copied


def put(cluster: Cluster, kind: str, item: Manifest, *, namespace: str, overwrite: bool) -> None:
    """Create it in the namespace. One that is there is replaced with overwrite, else left alone.

    Fields that name the old namespace, such as a RoleBinding's subjects, are not rewritten.
    """
    made = {**item, "metadata": {**item["metadata"], "namespace": namespace}}
    name = made["metadata"]["name"]
    try:
        cluster.api.call("POST", path_of(kind, namespace), made)
    except ApiException as error:
        if error.status != 409:
            raise
        there = cluster.find(path_of(kind, namespace, name))
        if not overwrite or there is None or kind == "api/v1/services":
            return
        made["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"]
        cluster.api.call("PUT", path_of(kind, namespace, name), made)
