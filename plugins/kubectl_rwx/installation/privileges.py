"""What lets privileged pods run where the cluster forbids them: OpenShift's SCC, and Pod Security's level."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.installation.releases import marked
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import NAMESPACE, RBAC_GROUP, ROLE, ROLE_BINDING, SCC_GROUP, SERVICE_ACCOUNT
from plugin_core.model.manifests import Manifest, labels_of

SCC = "privileged"
_ENFORCED = "pod-security.kubernetes.io/enforce"


def has_sccs(cluster: Cluster) -> bool:
    return bool(cluster.versions_of(SCC_GROUP))


def scc_grant(name: str, accounts: Sequence[str], *, namespace: str, part: str) -> list[Manifest]:
    """A Role to use the SCC in one namespace, bound to exactly these service accounts; [] for none.

    The driver mounts in the node's mount namespace and needs host paths (csi-driver-nfs issue 334).
    """
    if not accounts:
        return []
    metadata = {"name": name, "namespace": namespace}
    version = f"{RBAC_GROUP}/v1"
    rule = {"apiGroups": [SCC_GROUP], "resources": ["securitycontextconstraints"], "resourceNames": [SCC],
            "verbs": ["use"]}
    return [
        marked({"apiVersion": version, "kind": ROLE.name, "metadata": metadata, "rules": [rule]}, part=part),
        marked({
            "apiVersion": version, "kind": ROLE_BINDING.name, "metadata": metadata,
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": ROLE.name, "name": name},
            "subjects": [{"kind": SERVICE_ACCOUNT.name, "name": account, "namespace": namespace}
                         for account in sorted(accounts)],
        }, part=part),
    ]


def require_privileged_namespace(cluster: Cluster, namespace: str, *, what: str) -> None:
    """Raises NotFound for a namespace that is not there, NotReady for one that admits no privileged pods."""
    try:
        found = cluster.get(NAMESPACE, namespace)
    except errors.NotFound as error:
        raise errors.NotFound(f'there is no namespace "{namespace}" for {what}', status=404,
                              hint=f"kubectl create namespace {namespace}") from error
    except errors.Forbidden:
        return
    level = labels_of(found).get(_ENFORCED, "privileged")
    if level != "privileged":
        raise errors.NotReady(
            f'{what} needs privileged pods, and namespace "{namespace}" enforces Pod Security "{level}"',
            hint=f"another namespace, or: kubectl label namespace {namespace} --overwrite {_ENFORCED}=privileged",
        )
