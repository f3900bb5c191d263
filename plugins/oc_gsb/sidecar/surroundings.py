"""What the namespace and Kasten hold that an injection has to know: read once, however many workloads there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from oc_gsb.inventory.readings import Lister, Workloads
from oc_gsb.kasten.installations import EXECUTOR, TOKEN_KEY, fault_of
from oc_gsb.sidecar.kasten import VERSION, read_config
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    EVENT,
    HORIZONTAL_POD_AUTOSCALER,
    LIMIT_RANGE,
    MUTATING_WEBHOOKS,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    RESOURCE_QUOTA,
)
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.workloads.pods import owner_uid
from plugin_core.workloads.templates import kind_of, pod_spec_of
from plugin_core.workloads.waits import Rollout, judge_rollout

_CA_VOLUME = "custom-ca-bundle-store"
"""The volume of Kasten's own pods that holds a private CA (rancher/partner-charts charts/kasten/k10, _helpers.tpl)."""


@dataclass
class Surroundings:
    """namespace, claims by name, and the rest as listed. unread: what might not be looked at, in words."""

    cluster: Cluster
    namespace: Manifest
    claims: dict[str, Manifest]
    workloads: Workloads
    quotas: list[Manifest]
    ranges: list[Manifest]
    scalers: list[Manifest]
    budgets: list[Manifest]
    webhooks: list[Manifest]
    unread: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, cluster: Cluster, workloads: Sequence[Manifest]) -> Surroundings:
        """One get and one list a kind. Raises Forbidden for what nothing can be planned without."""
        where, lister = cluster.namespace, Lister(cluster)
        claims = lister.list_all(PERSISTENT_VOLUME_CLAIM, namespace=where)
        kinds = {kind_of(one) for one in workloads}
        sets: dict[str, list[Manifest]] = {}
        for one in lister.list_all(REPLICA_SET, namespace=where) if DEPLOYMENT in kinds else []:
            sets.setdefault(owner_uid(one), []).append(one)
        controllers = lister.list_all(REPLICATION_CONTROLLER, namespace=where) if DEPLOYMENT_CONFIG in kinds else []
        found = Workloads(
            items=list(workloads), pods=lister.list_all(POD, namespace=where), replica_sets=sets,
            controllers={(namespace_of(one), name_of(one)): one for one in controllers},
        )
        return cls(
            cluster, cluster.get(NAMESPACE, where), {name_of(one): one for one in claims}, found,
            lister.list_all(RESOURCE_QUOTA, namespace=where, why="whether the quotas have room is not known"),
            lister.list_all(LIMIT_RANGE, namespace=where, why="whether the LimitRanges let it in is not known"),
            lister.list_all(HORIZONTAL_POD_AUTOSCALER, namespace=where, why="whether it is autoscaled is not known"),
            lister.list_all(POD_DISRUPTION_BUDGET, namespace=where, why="disruption budgets are not known"),
            lister.list_all(MUTATING_WEBHOOKS, why="whether Kasten's webhook injects too is not known"),
            lister.refused,
        )

    @cached_property
    def events(self) -> list[Manifest]:
        """The namespace's events, read when the first workload is not well."""
        return self.cluster.list_all(EVENT, namespace=self.cluster.namespace).items

    def rollout_of(self, workload: Manifest) -> Rollout:
        """Where it stands, by what was read."""
        return judge_rollout(workload, self.workloads.pods_of(workload), events=lambda: self.events)

    def runs(self, image: str, *, account: str) -> bool:
        """Whether a container of this image already runs for the service account: then it can be pulled."""
        return any(
            status.get("image") == image and part_of(status, "state", "running") is not None
            for pod in self.workloads.pods if part_of(pod, "spec", "serviceAccountName") in (account, None)
            for status in part_of(pod, "status", "containerStatuses") or []
        )


def kasten_warnings(cluster: Cluster, *, namespace: str, has_ca: bool) -> list[str]:
    """What Kasten's installation lacks for a backup through the sidecar; [] when nothing, or when it may not be read.

    has_ca: whether the sidecar gets a private CA.
    """
    try:
        config = read_config(cluster, namespace=namespace)
    except (errors.NotFound, errors.Forbidden):
        return []
    found, version = [], config.get(VERSION, "")
    if fault_of(version):
        found.append(f"Kasten is {version}: {fault_of(version)}")
    if not config.get(TOKEN_KEY):
        found.append(f"Kasten in {namespace} has no activation token, without which it makes no generic backup: "
                     "oc gsb token status")
    ca = "" if has_ca else _private_ca(cluster, namespace)
    if ca:
        found.append(f"Kasten trusts a private CA (ConfigMap {namespace}/{ca}), the sidecar does not: copy it to this "
                     f"namespace and name it with --ca-configmap, or its uploads end in x509 errors")
    return found


def _private_ca(cluster: Cluster, namespace: str) -> str:
    try:
        executor = cluster.get(DEPLOYMENT, EXECUTOR, namespace=namespace)
    except (errors.NotFound, errors.Forbidden):
        return ""
    return next((str(part_of(volume, "configMap", "name")) for volume in pod_spec_of(executor).get("volumes") or []
                 if volume.get("name") == _CA_VOLUME and part_of(volume, "configMap", "name")), "")
