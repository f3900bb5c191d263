"""How Kasten is installed, and where its activation token has got to."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from oc_gsb.kasten.serving import require_kasten
from oc_gsb.sidecar.kasten import CONFIG, VERSION
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import CONFIG_MAP, DEPLOYMENT, K10, KASTEN_OPERATOR_GROUP, NAMESPACE
from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of, uid_of
from plugin_core.workloads.pods import WorkloadPods, is_ready, read_pods
from plugin_core.workloads.templates import pod_spec_of, template_of

EXECUTOR = "executor-svc"
TOKEN_KEY, PUBLIC_KEY_KEY = "GVSActivationToken", "overridePublicKeyForGVS"
TOKEN_VARIABLE, PUBLIC_KEY_VARIABLE = "K10_GVS_ACTIVATION_TOKEN", "OVERRIDE_GVS_TOKEN_VERIFICATION_KEY"
"""Keys of k10-config and what the chart makes of them in the executor's environment, each only when it has a value
(rancher/partner-charts charts/kasten/k10/templates: k10-config.yaml, _k10_container.tpl)."""

CHECKSUM = "checksum/config"
"""Annotation in every Kasten pod template: a changed configuration restarts all services."""

RELEASE = "meta.helm.sh/release-name"
_BAD_VERSIONS = {"9.0.0": "its generic backups and restores fail with \"invalid name value\", fixed in 9.0.1"}


@dataclass(frozen=True)
class Installation:
    """config: the ConfigMap k10-config. operator: the K10 object; None for a plain Helm install. executor: the
    Deployment; None when it is not there."""

    namespace: str
    config: Manifest = field(repr=False)
    operator: Manifest | None = field(repr=False)
    executor: Manifest | None = field(repr=False)
    pods: WorkloadPods = field(repr=False, default_factory=WorkloadPods)

    @property
    def version(self) -> str:
        """K10's version; "" when k10-config does not say."""
        return str(self.data.get(VERSION, ""))

    @property
    def data(self) -> dict[str, str]:
        return self.config.get("data") or {}

    @property
    def release(self) -> str:
        """The Helm release's name; "k10" when nothing says."""
        return annotations_of(self.config).get(RELEASE, "k10")

    @property
    def operator_name(self) -> str:
        return f"k10/{name_of(self.operator)}" if self.operator else ""

    def of_operator(self, key: str) -> str:
        """A value below spec.genericStorageBackup of the K10 object; "" when unset, or without operator."""
        return str(part_of(self.operator or {}, "spec", "genericStorageBackup", key) or "")

    @property
    def bad_version(self) -> str:
        """Why this version is known to be bad for GSB; "" when it is not."""
        reason = fault_of(self.version)
        return f"Kasten {self.version} is known to be bad for GSB: {reason}" if reason else ""


def fault_of(version: str) -> str:
    """What is known to be bad for GSB about this K10; "" when nothing. What follows a dash, as in 9.0.0-1, is no part
    of it."""
    return _BAD_VERSIONS.get(version.split("-")[0], "")


def read_installation(cluster: Cluster, *, namespace: str) -> Installation:
    """Raises NotReady when there is no Kasten, in this namespace or at all; Forbidden says what may not be read."""
    require_kasten(cluster)
    try:
        config = cluster.get(CONFIG_MAP, CONFIG, namespace=namespace)
    except errors.NotFound as error:
        raise errors.NotReady(
            f"there is no Kasten in namespace {namespace}: it has no ConfigMap {CONFIG}",
            hint="name Kasten's namespace with --k10-namespace",
        ) from error
    operators: list[Manifest] = []
    if cluster.versions_of(KASTEN_OPERATOR_GROUP):
        operators = cluster.list_all(K10, namespace=namespace).items
    if len(operators) > 1:
        names = ", ".join(name_of(one) for one in operators)
        raise errors.NotReady(f"namespace {namespace} has several K10 objects ({names}); which one counts is not clear",
                              hint=f"kubectl -n {namespace} get k10s")
    try:
        executor: Manifest | None = {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.name,
                                     **cluster.get(DEPLOYMENT, EXECUTOR, namespace=namespace)}
    except errors.NotFound:
        executor = None
    pods = read_pods(cluster, executor) if executor else WorkloadPods()
    return Installation(namespace, config, operators[0] if operators else None, executor, pods)


def cluster_id(cluster: Cluster) -> str:
    """What a token is made for: the uid of the namespace default (Kasten docs, "operating")."""
    return uid_of(cluster.get(NAMESPACE, "default"))


def same(one: str, other: str) -> bool:
    """Compares secrets without telling by the time it takes how far they agree."""
    return hmac.compare_digest(one.encode(), other.encode())


def executor_value(installation: Installation, variable: str, key: str) -> str | None:
    """What the executor's pods were given: the variable's value, or that of the key it refers to; None when unset."""
    for container in pod_spec_of(installation.executor or {}).get("containers") or []:
        for entry in container.get("env") or []:
            if entry.get("name") == variable:
                if entry.get("value"):
                    return str(entry["value"])
                chosen = part_of(entry, "valueFrom", "configMapKeyRef", "key") or key
                return installation.data.get(str(chosen))
    return None


def is_executor_stale(installation: Installation) -> bool:
    """Whether a ready executor pod started before k10-config was last changed, and so still has the old values."""
    fields = [entry for entry in part_of(installation.config, "metadata", "managedFields") or []
              if f"f:{TOKEN_KEY}" in (part_of(entry, "fieldsV1", "f:data") or {})]
    changed = max((str(entry.get("time", "")) for entry in fields), default="")
    return any(str(part_of(pod, "metadata", "creationTimestamp") or "") < changed
               for pod in installation.pods.newest if is_ready(pod))


def checksum_of(deployment: Manifest) -> str:
    """The configuration a service's template stands for; "" without the chart's annotation."""
    return annotations_of(template_of(deployment)).get(CHECKSUM, "")
