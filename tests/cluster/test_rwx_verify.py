"""kubectl rwx verify on a real cluster: honest classes are proven, lying ones caught and named, nothing is left.

Lying classes are StorageClasses of this test's own with the sandbox driver's fault parameters.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cluster.kubectl import Kubectl, Plugin

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "kubectl-rwx-verification.v1.json"
IMAGE = ("--image", "sandbox.local/tools:1")
DRIVER = "shared.csi.sandbox.local"
ClassMaker = Callable[..., str]


@pytest.fixture
def make_class(kubectl: Kubectl, namespace: Kubectl) -> Iterator[ClassMaker]:
    """make_class(loseMtime="true") → the name of a StorageClass of this test's own; snapshots=… gives one for them."""
    made: list[str] = []

    def make(
        driver: str = DRIVER, *, snapshots: dict[str, str] | None = None, grows: bool = False, **parameters: str
    ) -> str:
        metadata = {"name": namespace.name}
        kubectl.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata,
                       "provisioner": driver, "parameters": parameters, "allowVolumeExpansion": grows})
        made.append(f"storageclass/{namespace.name}")
        if snapshots is not None:
            kubectl.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass",
                           "metadata": metadata, "driver": driver, "parameters": {}, **snapshots})
            made.append(f"volumesnapshotclass/{namespace.name}")
        return namespace.name

    yield make
    if made:
        kubectl("delete", *made)


def prove(rwx: Plugin, *arguments: str, code: int) -> tuple[Any, dict[str, Any]]:
    """The JSON answer of a run that ends with this exit code, which keeps to the schema; and its rows by step."""
    done = rwx("verify", *arguments, *IMAGE, "-o", "json")
    assert done.returncode == code, done.stdout + done.stderr
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    return document, {row["step"]: row for row in document["items"]}


def left_behind(namespace: Kubectl, kubectl: Kubectl) -> list[str]:
    """Everything that a run could have left, cluster-wide objects of this namespace included."""
    found: list[str] = namespace("get", "pods,pvc,volumesnapshots", "-o", "name").stdout.split()
    for kind, path in (("pv", ("claimRef",)), ("volumesnapshotcontents", ("volumeSnapshotRef",))):
        found += [item["metadata"]["name"] for item in kubectl.json("get", kind)["items"]
                  if item["spec"].get(path[0], {}).get("namespace") == namespace.name]
    return found


def test_an_honest_class_is_proven_and_recorded(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl, make_class: ClassMaker
) -> None:
    kubectl("label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce=restricted")
    name = make_class(grows=True)
    document, rows = prove(rwx, name, "--expand", code=0)
    assert {row["verdict"] for row in rows.values()} == {"ok"}
    assert document["result"] == "passed" and len(set(document["nodes"].values())) == 2
    assert rows["restore"]["seconds"] > 0 and rows["content"]["seconds"] is None
    assert left_behind(namespace, kubectl) == []

    shown = rwx("check", name)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[1].count("yes (proven") == 3

    kubectl("replace", "--force", "-f", "-", stdin=json.dumps(kubectl.json("get", "storageclass", name)))
    shown = rwx("check", name)
    assert "(proven" not in shown.stdout.splitlines()[1]
    assert f"note  storageclass/{name}: verified on " in shown.stdout and "made anew" in shown.stdout


@pytest.mark.parametrize(("fault", "verdicts", "words"), [
    ("loseMtime", {"mtime": "warn", "content": "ok", "ownership": "ok"}, "2001-02-03T04:05:06Z became 20"),
    ("loseOwnership", {"ownership": "warn", "content": "ok", "mtime": "ok"}, "became 0:"),
    ("emptyRestore", {"content": "fail", "source kept": "ok"}, "it is empty: 0 of 7 files"),
    ("shareRestore", {"content": "fail", "restore isolated": "fail"},
     "what is written to the copy appears in the source; what is written to the source appears in the copy"),
    ("refuseSecondNode", {"second pod": "fail", "content": "ok", "cross-read": "skip"}, "FailedMount"),
])
def test_a_lying_driver_is_caught_and_named(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl, make_class: ClassMaker, fault: str, verdicts: dict[str, str],
    words: str,
) -> None:
    document, rows = prove(rwx, make_class(**{fault: "true"}), "--patience", "4s", code=3)
    assert {step: rows[step]["verdict"] for step in verdicts} == verdicts
    assert words in " ".join(row["observed"] for row in rows.values())
    assert document["result"] == "failed" and rows["record"]["verdict"] == "ok"
    assert left_behind(namespace, kubectl) == []

    recorded = json.loads(kubectl.json("get", "storageclass", namespace.name)["metadata"]["annotations"][
        "kubectl-rwx.io/verified"])
    assert recorded["result"] == "failed" and recorded["reason"]
    assert recorded["proved"].get("snapshot") is {"emptyRestore": False, "shareRestore": False,
                                                  "refuseSecondNode": True}.get(fault)
    assert recorded["proved"]["rwx"] is (fault != "refuseSecondNode")
    found = {item["code"]: item for item in json.loads(rwx("check", namespace.name, "-o", "json").stdout)["findings"]}
    assert recorded["reason"] in found["proof-failed"]["observed"] and found["proof-failed"]["severity"] == "fail"


def test_losses_can_be_accepted(rwx: Plugin, kubectl: Kubectl, make_class: ClassMaker) -> None:
    document, rows = prove(rwx, make_class(loseMtime="true"), "--accept-warnings", code=0)
    assert document["result"] == "passed" and rows["mtime"]["verdict"] == "warn"


@pytest.mark.parametrize(("driver", "parameters", "words", "proved"), [
    (DRIVER, {"growOnNode": "true"}, "from 16Mi to 32Mi in use, data kept", True),
    (DRIVER, {"keepSize": "true"}, "its capacity stays 16Mi, and its resizer takes it for done", False),
    (DRIVER, {"failExpansion": "true"}, "backend refused to grow the volume", False),
    (DRIVER, {"growOnNode": "true", "failNodeExpansion": "true"}, "cannot grow pvc-", False),
    ("fuzzy.csi.sandbox.local", {}, "is a resizer of the driver running?", False),
], ids=["proven", "kept-its-size", "failed", "failed-on-node", "no-resizer"])
def test_growing_in_use(
    rwx: Plugin, kubectl: Kubectl, namespace: Kubectl, make_class: ClassMaker, driver: str,
    parameters: dict[str, str], words: str, proved: bool,
) -> None:
    name = make_class(driver, **parameters, grows=True)
    patience = () if proved else ("--patience", "4s")
    _, rows = prove(rwx, name, "--expand", "--no-clone", "--size", "16Mi", *patience, code=0 if proved else 3)
    row = rows["expand"]
    assert row["verdict"] == ("ok" if proved else "fail") and words in row["observed"], row
    annotations = kubectl.json("get", "storageclass", name)["metadata"]["annotations"]
    assert json.loads(annotations["kubectl-rwx.io/verified"])["proved"]["expansion"] is proved
    assert json.loads(rwx("check", name, "-o", "json").stdout)["items"][0]["expansion"] is proved
    assert left_behind(namespace, kubectl) == []


@pytest.mark.parametrize(("storage_class", "step", "words"), [
    ("block", "provision", "access mode MULTI_NODE_MULTI_WRITER is not offered"),
    ("nosnap", "snapshot", "nosnap.csi.sandbox.local has no VolumeSnapshotClass"),
    ("failing", "snapshot", "--patience"),
])
def test_what_a_class_cannot_do_is_said_in_its_drivers_words(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl, storage_class: str, step: str, words: str
) -> None:
    _, rows = prove(rwx, storage_class, "--patience", "3s", "--no-record", code=3)
    assert rows[step]["verdict"] == "fail" and words in rows[step]["observed"]
    assert rows["content"]["verdict"] == "skip"
    assert left_behind(namespace, kubectl) == []


@pytest.mark.parametrize(("flags", "words"), [
    (("--image", "sandbox.local/absent:1"), "ErrImagePull"),
    ((*IMAGE, "--node-selector", "tests/nowhere=true"), "Unschedulable"),
], ids=["image", "placement"])
def test_pods_that_cannot_run_say_nothing_about_a_class(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl, make_class: ClassMaker, flags: tuple[str, ...], words: str
) -> None:
    name = make_class()
    done = rwx("verify", name, *flags, "--patience", "3s", "-o", "json")
    assert done.returncode == 3 and "is neither proven nor refuted" in done.stderr
    rows = {row["step"]: row for row in json.loads(done.stdout)["items"]}
    assert rows["provision"]["verdict"] == "fail" and words in rows["provision"]["observed"].replace(
        "ImagePullBackOff", "ErrImagePull")
    assert rows["record"]["verdict"] == "skip" and "tells nothing of the storage" in rows["record"]["observed"]
    assert "kubectl-rwx.io/verified" not in kubectl.json("get", "storageclass", name)["metadata"]["annotations"]
    assert left_behind(namespace, kubectl) == []


def test_a_class_for_one_node(rwx: Plugin, namespace: Kubectl, kubectl: Kubectl) -> None:
    document, rows = prove(rwx, "block", "--access-mode", "RWO", "--no-record", code=0)
    assert len(set(document["nodes"].values())) == 1
    assert rows["clone"]["verdict"] == "skip" and rows["content"]["verdict"] == "ok"
    assert left_behind(namespace, kubectl) == []


def test_a_class_that_waits_for_its_first_consumer(rwx: Plugin) -> None:
    _, rows = prove(rwx, "late", "--no-record", code=0)
    assert rows["restore"]["verdict"] == "ok"


def test_classes_that_retain_leave_nothing_either(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl, make_class: ClassMaker
) -> None:
    name = make_class(snapshots={"deletionPolicy": "Retain"})
    prove(rwx, name, "--snapshot-class", name, "--no-clone", code=0)
    assert left_behind(namespace, kubectl) == []


def test_a_quota_speaks_before_anything_is_made(rwx: Plugin, namespace: Kubectl, kubectl: Kubectl) -> None:
    namespace("create", "quota", "small", "--hard=requests.storage=100Mi")
    done = rwx("verify", "shared", *IMAGE)
    assert done.returncode == 5
    assert "exceeded quota: small, requested: requests.storage=1Gi" in done.stderr
    assert left_behind(namespace, kubectl) == []


@pytest.mark.parametrize(("kind", "spec"), [
    ("ResourceQuota", {"hard": {"limits.cpu": "900m"}}),
    ("LimitRange", {"limits": [{"type": "Container", "max": {"cpu": "300m"}, "default": {"cpu": "250m"}}]}),
])
def test_limits_of_processor_time_are_small_where_they_count(
    rwx: Plugin, namespace: Kubectl, kind: str, spec: dict[str, Any]
) -> None:
    """Pods with a whole processor each, as elsewhere, would neither fit into this quota nor keep to this maximum."""
    namespace.apply({"apiVersion": "v1", "kind": kind, "metadata": {"name": "small"}, "spec": spec})
    if kind == "ResourceQuota":
        namespace.wait_until(lambda: namespace.jsonpath("get", "quota/small", path="{.status.hard}"), "the quota")
    document, _ = prove(rwx, "shared", "--no-record", code=0)
    assert document["result"] == "passed"


def test_dry_run_makes_nothing(rwx: Plugin, namespace: Kubectl, kubectl: Kubectl) -> None:
    for way in ("client", "server"):
        document, rows = prove(rwx, "shared", f"--dry-run={way}", code=0)
        assert document["result"] == "planned" and rows == {}
    assert left_behind(namespace, kubectl) == []


def test_kept_objects_are_removed_by_the_command_shown(rwx: Plugin, namespace: Kubectl, kubectl: Kubectl) -> None:
    document, rows = prove(rwx, "shared", "--keep", "--no-record", code=0)
    assert document["kept"] is True and len(left_behind(namespace, kubectl)) > 6
    script = rows["cleanup"]["advice"]
    subprocess.run(["sh", "-c", script], env=kubectl.environment, check=True, capture_output=True)
    namespace.wait_until(lambda: left_behind(namespace, kubectl) == [], "nothing to be left")


@pytest.mark.parametrize("moment", ["pods", "volumesnapshots"])
def test_an_interrupted_run_leaves_nothing(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl, moment: str
) -> None:
    running = subprocess.Popen(
        [rwx.executable, "-n", namespace.name, "verify", "slow", *IMAGE], env=rwx.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    namespace.wait_until(lambda: namespace("get", moment, "-o", "name").stdout, f"{moment} to be made")
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=150)
    assert running.returncode == 130, said
    assert "all that was made is removed again" in said
    assert left_behind(namespace, kubectl) == []


def test_a_timeout_says_where_it_stood(rwx: Plugin, namespace: Kubectl, kubectl: Kubectl) -> None:
    _, rows = prove(rwx, "slow", "--timeout", "10s", code=4)
    assert "not ready after 10s (--timeout)" in rows["snapshot"]["observed"]
    assert rows["record"]["verdict"] == "skip"
    assert left_behind(namespace, kubectl) == []
