"""The edit and its inverse, over every shape of workload we know of."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from fakes.workloads import claim_volume, container, workload
from oc_gsb.sidecar.containers import KOPIA_VOLUMES, SidecarOptions
from oc_gsb.sidecar.record import options_of, read_record
from oc_gsb.sidecar.template import add_sidecar, hold_at_zero, hold_removal, release, remove_sidecar
from plugin_core.model.manifests import Manifest, annotations_of
from plugin_core.model.patches import apply_merge_patch, merge_patch
from plugin_core.names import FORCE_GENERIC_BACKUP, INJECTION_RECORD, REQUIRED_SCC

OPTIONS = SidecarOptions(image="tools:1")
EVERY_FLAG = SidecarOptions(image="tools:1", env=(("A", "b"), ("C", "")), pull_secrets=("own", "extra"),
                            cache_size="1Gi", ca_configmap="ca", memory_limit="1Gi")


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
    "its own volume by the name of one of a flag": workload(
        containers=[container(mounts={"data": "/data", "kanister-sidecar-ca": "/ca"})],
        volumes=[claim_volume("data"), {"name": "kanister-sidecar-ca", "emptyDir": {}}]),
    "ephemeral": workload(containers=[container(mounts={"scratch": "/s"})], volumes=[
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": store()}}]),
    "pinned to an SCC": workload(pod_annotations={REQUIRED_SCC: "restricted-v2", "a": "1"}),
    "pull secrets": workload(pod_spec={"imagePullSecrets": [{"name": "own"}]}),
    "empty pull secrets": workload(pod_spec={"imagePullSecrets": []}),
    "pod security context": workload(pod_spec={"securityContext": {"fsGroup": 7}, "serviceAccountName": "app"}),
}


@pytest.mark.parametrize("options", [OPTIONS, EVERY_FLAG], ids=["plain", "every flag"])
@pytest.mark.parametrize("shape", SHAPES)
def test_removing_is_the_exact_inverse_of_adding(shape: str, options: SidecarOptions) -> None:
    before = SHAPES[shape]
    untouched = copy.deepcopy(before)
    pin = annotations_of(before["spec"]["template"]).get(REQUIRED_SCC) is not None
    injected = add_sidecar(before, options=options, scc="restricted-v2-gsb", pin=pin, run="r1")
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


def test_what_the_flags_add() -> None:
    spec = add_sidecar(SHAPES["pull secrets"], options=EVERY_FLAG)["spec"]["template"]["spec"]
    assert spec["imagePullSecrets"] == [{"name": "own"}, {"name": "extra"}]
    assert spec["containers"][-1]["env"] == [{"name": "A", "value": "b"}, {"name": "C", "value": ""}]
    assert spec["volumes"][1]["emptyDir"] == {"sizeLimit": "1Gi"}
    assert spec["volumes"][-1] == {"name": "kanister-sidecar-ca", "configMap": {"name": "ca"}}
    assert {"name": "kanister-sidecar-ca", "mountPath": "/etc/ssl/certs/custom-ca-bundle.pem",
            "subPath": "custom-ca-bundle.pem", "readOnly": True} in spec["containers"][-1]["volumeMounts"]


def test_the_record_knows_what_was_asked_for() -> None:
    record = read_record(add_sidecar(workload(), options=EVERY_FLAG))
    assert record is not None and options_of(record, image="tools:1") == EVERY_FLAG
    plain = read_record(add_sidecar(workload(), options=OPTIONS))
    assert plain is not None and plain.options == "" and options_of(plain, image="tools:1") == OPTIONS


def test_a_pull_secret_that_others_added_later_stays() -> None:
    injected = add_sidecar(workload(), options=EVERY_FLAG)
    injected["spec"]["template"]["spec"]["imagePullSecrets"].append({"name": "later"})
    record = read_record(injected)
    assert record is not None
    removal = remove_sidecar(injected, record)
    assert not removal.exact
    assert removal.workload["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "later"}]


def by_k10tools(before: Manifest, **sidecar: Any) -> Manifest:
    """As k10tools k10genericbackup leaves a workload."""
    made = copy.deepcopy(before)
    spec = made["spec"]["template"]["spec"]
    volumes = {name: f"/tmp/{name}" for name in KOPIA_VOLUMES}
    spec["containers"].append({**container("kanister-sidecar", mounts={**volumes, "data": "/data/data"}), **sidecar})
    spec.setdefault("volumes", [])
    spec["volumes"] += [{"name": name, "emptyDir": {}} for name in KOPIA_VOLUMES]
    made["metadata"].setdefault("annotations", {})[FORCE_GENERIC_BACKUP] = "true"
    return made


ADOPTABLE = ("deployment", "no annotations key", "other annotations", "subPath, twice", "pull secrets",
             "pinned to an SCC", "pod security context")


@pytest.mark.parametrize("options", [OPTIONS, EVERY_FLAG], ids=["plain", "every flag"])
@pytest.mark.parametrize("shape", ADOPTABLE)
def test_taking_out_one_of_k10tools_leaves_what_was_before_it(shape: str, options: SidecarOptions) -> None:
    before = SHAPES[shape]
    adopted = add_sidecar(by_k10tools(before), options=options, run="r1")
    record = read_record(adopted)
    assert record is not None and record.adopted
    removal = remove_sidecar(adopted, record)
    assert removal.workload == before and removal.exact


def test_a_taken_over_sidecar_gets_what_it_lacks_and_keeps_what_it_has() -> None:
    there = by_k10tools(workload(), image="old:1", securityContext={
        "runAsNonRoot": True, "capabilities": {"drop": ["ALL", "CHOWN"]}}, resources={"requests": {"memory": "1Gi"}})
    mounts = there["spec"]["template"]["spec"]["containers"][-1]["volumeMounts"]
    spec = add_sidecar(there, options=OPTIONS)["spec"]["template"]["spec"]
    assert len(spec["containers"]) == 2 and spec["volumes"] == there["spec"]["template"]["spec"]["volumes"]
    sidecar = spec["containers"][-1]
    assert sidecar["image"] == "old:1" and sidecar["volumeMounts"] == mounts
    assert sidecar["securityContext"] == {"runAsNonRoot": True, "capabilities": {
        "drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]}}
    assert sidecar["resources"]["requests"] == {"cpu": "100m", "memory": "1Gi"}
    asked = replace(OPTIONS, own_image=True, env=(("A", "b"),))
    sidecar = add_sidecar(there, options=asked)["spec"]["template"]["spec"]["containers"][-1]
    assert sidecar["image"] == "tools:1" and sidecar["env"] == [{"name": "A", "value": "b"}]


def test_a_taken_over_sidecar_sees_every_claim() -> None:
    there = by_k10tools(SHAPES["several claims and containers"])
    sidecar = next(one for one in there["spec"]["template"]["spec"]["containers"] if one["name"] == "kanister-sidecar")
    sidecar["volumeMounts"] = [{"name": "one", "mountPath": "/two/one"}]
    after = add_sidecar(there, options=OPTIONS)["spec"]["template"]["spec"]["containers"][-1]["volumeMounts"]
    assert {one["name"]: one["mountPath"] for one in after} == {
        "one": "/two/one", "two": "/gsb/two/one", "kopia-cache-volume": "/tmp/kopia-cache",
        "kopia-log-volume": "/tmp/kopia-log", "kopia-repo-volume": "/tmp/kopia-repository"}


def test_another_mark_than_the_tools_set_is_its_owners() -> None:
    there = by_k10tools(workload())
    there["metadata"]["annotations"][FORCE_GENERIC_BACKUP] = "false"
    record = read_record(add_sidecar(there, options=OPTIONS))
    assert record is not None and record.backup_annotation == "false"
