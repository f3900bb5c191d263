"""The edit and its inverse, over every shape of workload we know of."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from fakes.workloads import claim_volume, container, workload
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.template import add_sidecar, hold_at_zero, hold_removal, release, remove_sidecar
from plugin_core.model.manifests import Manifest, annotations_of
from plugin_core.model.patches import apply_merge_patch, merge_patch
from plugin_core.names import FORCE_GENERIC_BACKUP, INJECTION_RECORD, REQUIRED_SCC

OPTIONS = SidecarOptions(image="tools:1")


def store(name: str = "store") -> Manifest:
    return {"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"]}}


def without_volumes_key(made: Manifest) -> Manifest:
    del made["spec"]["template"]["spec"]["volumes"]
    return made


def volumes_as(value: Any, made: Manifest) -> Manifest:
    made["spec"]["template"]["spec"]["volumes"] = value
    return made


def set_of(**fields: Any) -> Manifest:
    return workload("StatefulSet", "db", containers=[container(mounts={"store": "/var/lib/db"})], volumes=[],
                    volumeClaimTemplates=[store()], **fields)


SHAPES = {
    "deployment": workload(),
    "no annotations key": workload(annotations=None),
    "empty annotations": workload(annotations={}),
    "other annotations": workload(annotations={"a": "1"}),
    "backup annotation was false": workload(annotations={FORCE_GENERIC_BACKUP: "false"}),
    "backup annotation was true": workload(annotations={FORCE_GENERIC_BACKUP: "true"}),
    "zero replicas": workload(replicas=0),
    "statefulset": set_of(),
    "statefulset without volumes key": without_volumes_key(set_of()),
    "statefulset with null volumes": volumes_as(None, set_of()),
    "deploymentconfig": workload("DeploymentConfig", "old", triggers=[{"type": "ConfigChange"}]),
    "subPath, twice": workload(containers=[container(volumeMounts=[
        {"name": "data", "mountPath": "/a", "subPath": "a"}, {"name": "data", "mountPath": "/b", "subPath": "b"}])]),
    "several claims and containers": workload(
        containers=[container(mounts={"one": "/one", "tmp": "/tmp"}), container("two", mounts={"two": "/one"})],
        volumes=[claim_volume("one"), {"name": "tmp", "emptyDir": {}}, claim_volume("two", "other")]),
    "init only": workload(containers=[container()], pod_spec={
        "initContainers": [container("prepare", mounts={"data": "/data"})]}),
    "ephemeral": workload(containers=[container(mounts={"scratch": "/s"})], volumes=[
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": store()}}]),
    "pinned to an SCC": workload(pod_annotations={REQUIRED_SCC: "restricted-v2", "a": "1"}),
    "pod security context": workload(pod_spec={"securityContext": {"fsGroup": 7}, "serviceAccountName": "app"}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_removing_is_the_exact_inverse_of_adding(shape: str) -> None:
    before = SHAPES[shape]
    untouched = copy.deepcopy(before)
    pin = annotations_of(before["spec"]["template"]).get(REQUIRED_SCC) is not None
    injected = add_sidecar(before, options=OPTIONS, scc="restricted-v2-gsb", pin=pin, run="r1")
    assert before == untouched, "the argument was changed"
    record = read_record(injected)
    assert record is not None
    removal = remove_sidecar(injected, record)
    assert (removal.workload, removal.exact, removal.kept) == (before, True, ())
    assert json.dumps(removal.workload["spec"]) == json.dumps(before["spec"]), "the order of keys counts too"


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_inverse_through_a_server_too(shape: str) -> None:
    before = SHAPES[shape]
    injected = apply_merge_patch(before, merge_patch(before, add_sidecar(before, options=OPTIONS, scc="x")))
    record = read_record(injected)
    assert record is not None
    bare = remove_sidecar(injected, record).workload
    after = apply_merge_patch(injected, merge_patch(injected, bare))
    # a server shows neither null nor an empty map of annotations
    assert _as_shown(after) == _as_shown(before)


def _as_shown(made: Manifest) -> Manifest:
    shown = copy.deepcopy(made)
    if not shown["metadata"].get("annotations"):
        shown["metadata"].pop("annotations", None)
    spec = shown["spec"]["template"]["spec"]
    if not spec.get("volumes"):
        spec.pop("volumes", None)
    return shown


@pytest.mark.parametrize("shape", SHAPES)
def test_adding_again_changes_nothing(shape: str) -> None:
    once = add_sidecar(SHAPES[shape], options=OPTIONS, run="r1")
    assert add_sidecar(once, options=SidecarOptions(image="tools:2"), run="r2") == once


def test_what_is_added() -> None:
    before = workload(annotations={FORCE_GENERIC_BACKUP: "false"})
    after = add_sidecar(before, options=SidecarOptions(image="tools:1", memory_limit="1Gi"))
    spec = after["spec"]["template"]["spec"]
    assert spec["containers"][:-1] == before["spec"]["template"]["spec"]["containers"]
    assert spec["containers"][-1] == {
        "name": "kanister-sidecar", "image": "tools:1", "imagePullPolicy": "IfNotPresent", "command": ["bash", "-c"],
        "args": ["tail -f /dev/null"],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {"capabilities": {"add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]}},
        "volumeMounts": [
            {"name": "kopia-cache-volume", "mountPath": "/tmp/kopia-cache"},
            {"name": "kopia-log-volume", "mountPath": "/tmp/kopia-log"},
            {"name": "kopia-repo-volume", "mountPath": "/tmp/kopia-repository"},
            {"name": "data", "mountPath": "/data/data"},
        ],
    }
    assert spec["volumes"][1:] == [
        {"name": "kopia-cache-volume", "emptyDir": {"sizeLimit": "3000Mi"}},
        {"name": "kopia-log-volume", "emptyDir": {}}, {"name": "kopia-repo-volume", "emptyDir": {}},
    ]
    assert after["metadata"]["annotations"][FORCE_GENERIC_BACKUP] == "true"
    assert FORCE_GENERIC_BACKUP not in annotations_of(after["spec"]["template"]), "the mark is for the workload itself"


def test_a_pinned_template_is_pinned_to_the_copy() -> None:
    after = add_sidecar(SHAPES["pinned to an SCC"], options=OPTIONS, scc="restricted-v2-gsb", pin=True)
    assert annotations_of(after["spec"]["template"]) == {REQUIRED_SCC: "restricted-v2-gsb", "a": "1"}


def test_changes_of_others_are_kept_and_named() -> None:
    injected = add_sidecar(workload(), options=OPTIONS)
    injected["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.local/app:2"
    injected["spec"]["template"]["spec"]["containers"][1]["image"] = "tools:2"
    injected["spec"]["template"]["spec"]["volumes"].append({"name": "more", "emptyDir": {}})
    injected["metadata"]["annotations"][FORCE_GENERIC_BACKUP] = "sometimes"
    record = read_record(injected)
    assert record is not None
    removal = remove_sidecar(injected, record)
    spec = removal.workload["spec"]["template"]["spec"]
    assert [one["image"] for one in spec["containers"]] == ["registry.local/app:2"]
    assert [one["name"] for one in spec["volumes"]] == ["data", "more"]
    assert removal.workload["metadata"]["annotations"] == {FORCE_GENERIC_BACKUP: "sometimes"}
    assert not removal.exact
    assert len(removal.kept) == 2


@pytest.mark.parametrize("shape", SHAPES)
def test_held_at_zero_and_back(shape: str) -> None:
    before = SHAPES[shape]
    injected = add_sidecar(before, options=OPTIONS)
    record = read_record(injected)
    assert record is not None
    held = hold_at_zero(injected, record)
    assert held["spec"]["replicas"] == 0
    assert release(held) == injected
    undone = hold_removal(held, read_record(held) or record)
    assert undone["spec"]["replicas"] == 0 and INJECTION_RECORD in annotations_of(undone)
    back = release(undone)
    assert json.dumps(back["spec"]["template"]) == json.dumps(before["spec"]["template"])
    assert back["spec"]["replicas"] == before["spec"]["replicas"]
    assert annotations_of(back) == annotations_of(before)


def test_a_count_set_by_others_while_held_is_theirs() -> None:
    injected = add_sidecar(workload(replicas=2), options=OPTIONS)
    record = read_record(injected)
    assert record is not None
    held = hold_at_zero(injected, record)
    held["spec"]["replicas"] = 5
    assert release(held)["spec"]["replicas"] == 5
    assert release(workload()) == workload(), "nothing is held"
