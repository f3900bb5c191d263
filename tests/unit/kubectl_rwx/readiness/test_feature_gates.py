"""feature-gates: what the version says, what a running server shows, and the recipe where one is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.readiness.feature_gates import GateRequest, look_at_gates
from kubectl_rwx.readiness.gate_evidence import read_arguments, read_feature_gate, read_metric
from kubectl_rwx.readiness.gate_history import CLONE_GATE, SNAPSHOT_GATE, Stage, parse_version
from kubectl_rwx.readiness.gate_recipes import TOOLS, write_recipe
from plugin_core import errors
from plugin_core.model.manifests import Manifest
from plugin_core.render.reports import render

SCHEMA = Path(__file__).parents[4] / "docs" / "schemas" / "kubectl-rwx-featuregates.v1.json"
BOTH = ("VolumeSnapshotDataSource", "VolumePVCDataSource")
METRIC = """# HELP kubernetes_feature_enabled [BETA] This metric records the data about the stage
# TYPE kubernetes_feature_enabled gauge
kubernetes_feature_enabled{name="AnyVolumeDataSource",stage=""} 1
kubernetes_feature_enabled{name="CrossNamespaceVolumeDataSource",stage="ALPHA"} 0
kubernetes_feature_enabled_total{name="Other"} 1
"""


def api_server(*words: str, name: str = "kube-apiserver-a") -> Manifest:
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "kube-system", "labels": {"component": "kube-apiserver"}},
        "spec": {"containers": [{"name": "kube-apiserver", "command": ["kube-apiserver", *words]}]},
    }


def feature_gate(**spec: Any) -> Manifest:
    metadata = {"name": "cluster"}
    return {"apiVersion": "config.openshift.io/v1", "kind": "FeatureGate", "metadata": metadata, "spec": spec}


def look(version: str, *objects: Manifest, recipe: str = "", **options: Any) -> Answer:
    openshift = {"config.openshift.io": ["v1"]} if any(item["kind"] == "FeatureGate" for item in objects) else {}
    options.setdefault("groups", {"snapshot.storage.k8s.io": ["v1"], **openshift})
    return look_at_gates(FakeCluster(objects, version=version, **options), GateRequest(recipe=recipe), Recorder())


def enabled(answer: Answer) -> dict[str, bool]:
    return {str(item["name"]): bool(item["enabled"]) for item in answer.report.items}


def section(answer: Answer, key: str) -> tuple[Any, ...]:
    return next(part.items for part in answer.report.sections if part.key == key)


@pytest.mark.parametrize(("version", "snapshot", "clone"), [
    ("v1.11.10", Stage.ABSENT, Stage.ABSENT),
    ("v1.12.0", Stage.ALPHA, Stage.ABSENT),
    ("v1.15.3", Stage.ALPHA, Stage.ALPHA),
    ("v1.16.2", Stage.ALPHA, Stage.BETA),
    ("v1.17.4+k3s1", Stage.BETA, Stage.BETA),
    ("v1.19.0", Stage.BETA, Stage.LOCKED),
    ("v1.20.8-gke.900", Stage.LOCKED, Stage.LOCKED),
    ("v1.21.1", Stage.LOCKED, Stage.REMOVED),
    ("v1.22.0", Stage.REMOVED, Stage.REMOVED),
    ("v1.36.3", Stage.REMOVED, Stage.REMOVED),
])
def test_stages_by_version(version: str, snapshot: Stage, clone: Stage) -> None:
    parsed = parse_version(version)
    assert parsed
    assert (SNAPSHOT_GATE.stage(parsed), CLONE_GATE.stage(parsed)) == (snapshot, clone)


@pytest.mark.parametrize(("version", "on", "code"), [
    ("v1.12.0", (False, False), 3),
    ("v1.15.0", (False, False), 3),
    ("v1.16.0", (False, True), 3),
    ("v1.17.0", (True, True), 0),
    ("v1.36.3", (True, True), 0),
])
def test_defaults_and_exit_code(version: str, on: tuple[bool, bool], code: int) -> None:
    answer = look(version)
    assert tuple(enabled(answer)[name] for name in BOTH) == on
    assert (answer.failure.exit_code if answer.failure else 0) == code


@pytest.mark.parametrize(("words", "expected"), [
    (["--feature-gates=A=true,B=false"], {"A": True, "B": False}),
    (["--feature-gates", "A=True"], {"A": True}),
    (['--feature-gates="A=true"'], {"A": True}),
    (["--feature-gates=A=false", "--feature-gates=A=true"], {"A": True}),
    (["--feature-gates="], {}),
    (["--v=2"], {}),
])
def test_arguments_of_the_api_server(words: list[str], expected: dict[str, bool]) -> None:
    assert {item.gate: item.enabled for item in read_arguments(api_server(*words))} == expected


def test_the_metric() -> None:
    assert {item.gate: item.enabled for item in read_metric(METRIC)} == {
        "AnyVolumeDataSource": True, "CrossNamespaceVolumeDataSource": False,
    }


def test_openshifts_feature_gate() -> None:
    by_hand = feature_gate(featureSet="CustomNoUpgrade", customNoUpgrade={"enabled": ["A"], "disabled": ["B"]})
    by_hand["status"] = {"featureGates": [{"version": "4.16", "enabled": [{"name": "C"}], "disabled": [{"name": "D"}]}]}
    assert {item.gate: item.enabled for item in read_feature_gate(by_hand)} == {
        "A": True, "B": False, "C": True, "D": False,
    }


@pytest.mark.parametrize(("version", "objects", "on"), [
    ("v1.15.0", [api_server("--feature-gates=VolumeSnapshotDataSource=true,VolumePVCDataSource=true")], (True, True)),
    ("v1.15.0", [api_server("--feature-gates=AllAlpha=true")], (True, True)),
    ("v1.17.0", [api_server("--feature-gates=VolumeSnapshotDataSource=false")], (False, True)),
    ("v1.15.0", [api_server("--feature-gates=VolumeSnapshotDataSource=true"), api_server(name="kube-apiserver-b"),
                 api_server("--feature-gates=VolumeSnapshotDataSource=false", name="kube-apiserver-c")],
     (False, False)),
    ("v1.16.2", [feature_gate(featureSet="CustomNoUpgrade", customNoUpgrade={"enabled": [BOTH[0]]})], (True, True)),
    ("v1.20.0", [api_server("--feature-gates=VolumeSnapshotDataSource=false")], (True, True)),
])
def test_evidence_outweighs_the_default_where_a_gate_can_be_set(
    version: str, objects: list[Manifest], on: tuple[bool, bool]
) -> None:
    assert tuple(enabled(look(version, *objects))[name] for name in BOTH) == on


def test_a_modern_server_needs_nothing_and_shows_what_is_related() -> None:
    answer = look("v1.36.3", texts={"/metrics": METRIC}, recipe="kubeadm")
    assert answer.failure is None
    assert enabled(answer)["CrossNamespaceVolumeDataSource"] is False
    assert section(answer, "recipes") == ()
    assert any("refuses to start" in note for note in answer.report.notes)


def test_what_may_not_be_read_is_told() -> None:
    answer = look("v1.16.0", denied=["get /metrics", "list pods"])
    assert [item["request"] for item in answer.report.facts["unseen"]] == ["get /metrics", "list pods in kube-system"]
    assert "no evidence could be read: what is shown is the default of this version" in answer.report.notes


def test_recipes_fit_what_is_off() -> None:
    tools = [item["tool"] for item in section(look("v1.16.0"), "recipes")]
    assert tools == list(TOOLS)
    chosen = section(look("v1.15.0", recipe="kops"), "recipes")
    assert [item["tool"] for item in chosen] == ["kops"]
    assert [item["tool"] for item in section(look("v1.16.2", feature_gate()), "recipes")] == ["openshift"]


def test_too_old_for_a_recipe() -> None:
    answer = look("v1.11.0")
    assert section(answer, "recipes") == ()
    assert isinstance(answer.failure, errors.NotReady)
    assert "Kubernetes 1.11 is too old" in answer.failure.message


@pytest.mark.parametrize("tool", TOOLS)
def test_recipes_are_yaml_with_both_gates(tool: str) -> None:
    lines = write_recipe(tool, BOTH)
    document = yaml.safe_load("\n".join(lines))
    assert isinstance(document, dict)
    assert all(gate in str(document) for gate in BOTH)
    assert lines[0].startswith("#")


@pytest.mark.parametrize(("versions", "words"), [
    (["v1alpha1"], "nothing reads it since"),
    (["v1beta1", "v1alpha1"], "external-snapshotter 2.x to 5.x"),
    (["v1", "v1beta1"], "what this plugin writes"),
])
def test_snapshot_versions_are_explained(versions: list[str], words: str) -> None:
    rows = section(look("v1.19.0", groups={"snapshot.storage.k8s.io": versions}), "snapshotVersions")
    assert [row["version"] for row in rows] == versions
    assert words in rows[0]["explanation"]


def test_a_server_that_is_no_kubernetes() -> None:
    with pytest.raises(errors.PluginError, match="no Kubernetes version"):
        look("banana")


@pytest.mark.parametrize("version", ["v1.11.0", "v1.15.0", "v1.16.2", "v1.36.3"])
def test_json_keeps_to_its_schema(version: str) -> None:
    answer = look(version, api_server("--feature-gates=VolumePVCDataSource=true"), texts={"/metrics": METRIC})
    document = json.loads(render(answer.report, output="json", api_version="kubectl-rwx/v1"))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
