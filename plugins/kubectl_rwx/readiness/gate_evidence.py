"""What a running cluster shows of its feature gates: a metric, the API server's arguments, OpenShift's FeatureGate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kubectl_rwx.readiness.observations import Unseen
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import FEATURE_GATE, POD
from plugin_core.model.manifests import Manifest, name_of, part_of

_METRIC = re.compile(r'^kubernetes_feature_enabled\{([^}]*)\}\s+([01])', re.MULTILINE)
_NAME = re.compile(r'name="([^"]*)"')


@dataclass(frozen=True)
class Evidence:
    """One place that says whether a gate is on. source: in words, "argument of pod kube-apiserver-a"."""

    gate: str
    enabled: bool
    source: str


@dataclass(frozen=True)
class GateObservations:
    """evidence: the strongest first. read: places that could be read, whether they name a gate or not."""

    server: str
    snapshot_versions: Sequence[str]
    evidence: tuple[Evidence, ...]
    read: tuple[str, ...]
    unseen: tuple[Unseen, ...]
    openshift: bool

    def of(self, gate: str) -> tuple[Evidence, ...]:
        return tuple(item for item in self.evidence if item.gate == gate)


def observe_gates(cluster: Cluster, *, snapshot_group: str) -> GateObservations:
    """Reads all three places at once; what is forbidden is remembered, what is not there is not there."""
    with ThreadPoolExecutor(max_workers=5) as pool:
        server = pool.submit(cluster.server_version)
        versions = pool.submit(cluster.versions_of, snapshot_group)
        looks = [pool.submit(_look, *place, cluster) for place in _PLACES]
        results = [look.result() for look in looks]
    found = [evidence for evidence, _ in results]
    return GateObservations(
        server=server.result(), snapshot_versions=versions.result(),
        evidence=tuple(item for items in found for item in items or ()),
        read=tuple(request for (request, _), items in zip(_PLACES, found, strict=True) if items is not None),
        unseen=tuple(refusal for _, refusal in results if refusal),
        openshift=found[-1] is not None,
    )


def read_metric(text: str) -> list[Evidence]:
    """Every gate in `kubernetes_feature_enabled` (since Kubernetes 1.25; servers that old no longer have our gates)."""
    return [
        Evidence(named.group(1), value == "1", "metric kubernetes_feature_enabled")
        for labels, value in _METRIC.findall(text) if (named := _NAME.search(labels))
    ]


def read_arguments(pod: Manifest) -> list[Evidence]:
    """--feature-gates of a kube-apiserver pod; given several times, the last value of a gate counts."""
    found: dict[str, Evidence] = {}
    for name, value in _gate_arguments(pod):
        found[name] = Evidence(name, value.lower() == "true", f"argument of pod {name_of(pod)}")
    return list(found.values())


def read_feature_gate(manifest: Manifest) -> list[Evidence]:
    """OpenShift's FeatureGate "cluster": what is set by hand, then what the platform says it runs with."""
    found = [
        Evidence(str(name), enabled, f"FeatureGate cluster, spec.customNoUpgrade.{key}")
        for key, enabled in (("enabled", True), ("disabled", False))
        for name in part_of(manifest, "spec", "customNoUpgrade", key) or ()
    ]
    for release in part_of(manifest, "status", "featureGates") or ():
        for key, enabled in (("enabled", True), ("disabled", False)):
            found += [
                Evidence(str(entry.get("name")), enabled, f"FeatureGate cluster, status of {release.get('version')}")
                for entry in release.get(key) or ()
            ]
    return found


def _gate_arguments(pod: Manifest) -> Iterator[tuple[str, str]]:
    for container in part_of(pod, "spec", "containers") or ():
        words = [str(word) for word in (*(container.get("command") or ()), *(container.get("args") or ()))]
        for word, following in zip(words, [*words[1:], ""], strict=True):
            flag, equals, value = word.partition("=")
            if flag == "--feature-gates":
                for pair in (value if equals else following).strip("\"'").split(","):
                    name, _, setting = pair.partition("=")
                    if name:
                        yield name.strip(), setting.strip()


def _metric_of(cluster: Cluster) -> list[Evidence]:
    return read_metric(cluster.raw("/metrics"))


def _arguments_of(cluster: Cluster) -> list[Evidence] | None:
    pods = cluster.list_all(POD, namespace="kube-system", labels="component=kube-apiserver").items
    return [item for pod in pods for item in read_arguments(pod)] if pods else None


def _feature_gate_of(cluster: Cluster) -> list[Evidence] | None:
    """Asked for only where its API is served: elsewhere, those without rights would be told that it is forbidden."""
    if not cluster.versions_of(FEATURE_GATE.group):
        return None
    return read_feature_gate(cluster.get(FEATURE_GATE, "cluster"))


_PLACES: tuple[tuple[str, Callable[[Cluster], list[Evidence] | None]], ...] = (
    ("get /metrics", _metric_of),
    ("list pods in kube-system", _arguments_of),
    (f"get {FEATURE_GATE.resource}", _feature_gate_of),
)


def _look(
    request: str, read: Callable[[Cluster], list[Evidence] | None], cluster: Cluster
) -> tuple[list[Evidence] | None, Unseen | None]:
    try:
        return read(cluster), None
    except errors.NotFound:
        return None, None
    except errors.Forbidden as error:
        return None, Unseen(request=request, words=error.server_message or error.message)
