"""csi-driver-nfs as a helm release of ours: what is wanted, what is there, and which of the two goes on.

A ConfigMap beside the release says that it is ours and what it was made of. It is written before helm starts and again
when helm is done, so that neither a crash in between nor a stranger's release is taken for ours.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubectl_rwx.installation.classes import DRIVER
from kubectl_rwx.installation.comparisons import is_older
from kubectl_rwx.installation.helm import Chart, Helm, Release
from kubectl_rwx.installation.images import CHART_VERSION
from kubectl_rwx.installation.manifest_folders import parse_manifests
from kubectl_rwx.installation.ownership import is_ours, manager_of, writers_of
from kubectl_rwx.installation.releases import marked
from kubectl_rwx.installation.steps import Change, Step
from kubectl_rwx.readiness.images import mirrored
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import pause
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import CONFIG_MAP, CSI_DRIVER, SERVICE_ACCOUNT
from plugin_core.model.manifests import Manifest, name_of, part_of

CHART = "csi-driver-nfs"
REPOSITORY = "https://raw.githubusercontent.com/kubernetes-csi/csi-driver-nfs/master/charts"
RECORD = "kubectl-rwx-setup-nfs"
PART = "nfs"
DEPLOYED = "deployed"
_SETTLING = 20.0
"""Seconds: helm does not wait for pods here, so it is done within a few."""


@dataclass(frozen=True)
class DriverRequest:
    """files: values files for helm that win over ours. memory: limit of the controller's nfs container."""

    namespace: str = "kube-system"
    chart: str = REPOSITORY
    version: str = CHART_VERSION
    registry: str = ""
    memory: str = "1Gi"
    files: tuple[str, ...] = ()
    upgrade: bool = False


@dataclass(frozen=True)
class Wanted:
    """chart: what helm is given. version: of the chart, as it says itself. manifests: what helm makes of it."""

    chart: Chart
    version: str
    values: Manifest
    manifests: tuple[Manifest, ...]
    digest: str

    @property
    def accounts(self) -> list[str]:
        """The service accounts its pods run as."""
        return [name_of(item) for item in self.manifests if item["kind"] == SERVICE_ACCOUNT.name]

    @property
    def workloads(self) -> list[Manifest]:
        return [item for item in self.manifests if item["kind"] in ("Deployment", "DaemonSet")]


def render_driver(helm: Helm, request: DriverRequest, *, kube_version: str = "") -> Wanted:
    """Asks helm what the chart would make. Raises PluginError with helm's words and the way without a network."""
    chart = Chart(request.chart, CHART, request.version)
    try:
        about, defaults = helm.show_chart(chart), helm.show_values(chart)
        values = driver_values(defaults, registry=request.registry, memory=request.memory)
        text = helm.template(CHART, chart, values, files=request.files, kube_version=kube_version)
    except errors.PluginError as error:
        error.hint = error.hint or (f"the chart is looked for at {request.chart}; where there is no way to it: "
                                    "--chart DIR, FILE.tgz or oci://… and --registry")
        raise
    manifests = []
    for item in parse_manifests(text, where=f"the chart {request.chart}"):
        item["metadata"].setdefault("namespace", request.namespace) if _is_namespaced(item) else None
        manifests.append(item)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Wanted(chart, str(about.get("version") or ""), values, tuple(manifests), digest)


def driver_values(defaults: Mapping[str, Any], *, registry: str, memory: str) -> Manifest:
    """What differs from the chart's own values: no snapshot CRDs or controller, no classes, more memory, the mirror.

    defaults: the chart's values, of which every image is moved to the registry.
    """
    values: Manifest = {
        "externalSnapshotter": {"enabled": False, "customResourceDefinitions": {"enabled": False}},
        "storageClass": {"create": False}, "volumeSnapshotClass": {"create": False},
        "controller": {"resources": {"nfs": {"limits": {"memory": memory}}}},
    }
    images = part_of(dict(defaults), "image") or {}
    if registry:
        base = str(images.get("baseRepo") or "")
        place = registry.rstrip("/")
        moved: Manifest = {"baseRepo": place} if base else {}
        for name, image in images.items():
            repository = image.get("repository") if isinstance(image, dict) else None
            if repository and not str(repository).startswith("/"):
                moved[name] = {"repository": mirrored(str(repository), registry=place)}
        values["image"] = moved
    return values


def plan_driver(
    cluster: Cluster, helm: Helm, wanted: Wanted, request: DriverRequest
) -> tuple[Step, Release | None]:
    """What becomes of the release, and its present state."""
    release, record = settled_release(helm), read_record(cluster, request.namespace)
    where = f"helm release {request.namespace}/{CHART}"
    if record is None:
        if release:
            return _step(request, Change.LEFT, f"{where} is there, and not installed by setup"), release
        there = _installed_driver(cluster)
        if there:
            return _step(request, Change.LEFT, f"the driver is installed by {there}"), None
        return _step(request, Change.CREATED), None
    made: Mapping[str, str] = record.get("data") or {}
    if release is None or release.status.startswith("pending-install"):
        return _step(request, Change.CREATED, "an earlier run was cut short"), release
    if release.status != DEPLOYED:
        return _step(request, Change.CONFIGURED, f"an earlier run left it {release.status}"), release
    if made.get("revision") and str(release.revision) != made["revision"] and not request.upgrade:
        return _step(request, Change.LEFT, f"somebody changed it: it is at revision {release.revision}, setup made "
                                           f"{made['revision']}; --upgrade puts it back"), release
    if is_older(wanted.version, made.get("version", "")):
        return _step(request, Change.LEFT, f"newer: {made.get('version')}; this is {wanted.version}"), release
    if is_older(made.get("version", ""), wanted.version) and not request.upgrade:
        return _step(request, Change.OLDER, f"is {made.get('version')}; --upgrade makes it {wanted.version}"), release
    now = {"digest": wanted.digest, "version": wanted.version, "revision": str(release.revision)}
    alike = all(made.get(key) == value for key, value in now.items())
    return _step(request, Change.UNCHANGED if alike else Change.CONFIGURED), release


def settled_release(helm: Helm) -> Release | None:
    """The release once no helm is at work on it; one that stays pending was left so by a helm that was killed."""
    deadline = Deadline.after(_SETTLING)
    release = helm.status(CHART)
    while release and release.status.startswith("pending-") and not deadline.passed:
        pause(1.0)
        release = helm.status(CHART)
    return release


def install_driver(
    cluster: Cluster, helm: Helm, wanted: Wanted, request: DriverRequest, release: Release | None
) -> None:
    """Record, helm, record. A release that was cut short is first brought to a state from which helm goes on."""
    cluster.apply(_record(wanted, request, revision=""))
    if release and release.status.startswith("pending-install"):
        helm.uninstall(CHART)
    elif release and release.status.startswith("pending-"):
        helm.rollback(CHART)
    helm.upgrade(CHART, wanted.chart, wanted.values, files=request.files)
    done = helm.status(CHART)
    cluster.apply(_record(wanted, request, revision=str(done.revision) if done else ""))


def read_record(cluster: Cluster, namespace: str) -> Manifest | None:
    """The ConfigMap that says the release there is ours; None when there is none of ours."""
    try:
        found = cluster.get(CONFIG_MAP, RECORD, namespace=namespace)
    except errors.NotFound:
        return None
    return found if is_ours(found) else None


def release_object(namespace: str) -> Manifest:
    """How the release is named in reports; no API serves it."""
    return {"apiVersion": "helm.sh/v3", "kind": "HelmRelease", "metadata": {"name": CHART, "namespace": namespace}}


def _step(request: DriverRequest, change: Change, reason: str = "") -> Step:
    return Step(release_object(request.namespace), change, reason)


def _installed_driver(cluster: Cluster) -> str:
    try:
        there = cluster.get(CSI_DRIVER, DRIVER)
    except errors.NotFound:
        return ""
    return manager_of(there) or writers_of(there)


def _record(wanted: Wanted, request: DriverRequest, *, revision: str) -> Manifest:
    data = {"chart": request.chart, "version": wanted.version, "digest": wanted.digest, "revision": revision}
    return marked({
        "apiVersion": CONFIG_MAP.api_version, "kind": CONFIG_MAP.name,
        "metadata": {"name": RECORD, "namespace": request.namespace}, "data": copy.deepcopy(data),
    }, part=PART, version=wanted.version)


_CLUSTER_SCOPED = ("ClusterRole", "ClusterRoleBinding", "CSIDriver", "StorageClass", "VolumeSnapshotClass",
                   "CustomResourceDefinition", "Namespace", "PriorityClass")


def _is_namespaced(item: Manifest) -> bool:
    return item["kind"] not in _CLUSTER_SCOPED
