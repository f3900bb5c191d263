"""oc gsb inject on real pods, under SCC admission."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from cluster.gsb_objects import (
    COPY,
    NEEDED,
    bounding_sets,
    pods_of,
    ready_columns,
    sccs_of,
    shown,
    start,
    version_of,
    wait_ready,
)
from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment

BROKEN = "sandbox.local/absent:1"


@pytest.mark.parametrize("kind, replicas", [("deploy", 2), ("sts", 2), ("dc", 1)])
def test_injected_proven_and_left_alone_by_a_second_run(
    gsb: Plugin, namespace: Kubectl, kind: str, replicas: int
) -> None:
    start(namespace, kind, replicas=replicas)
    namespace.apply(deployment("other", {}))
    assert sccs_of(namespace, kind) == {"restricted-v2"}

    answer = gsb.json("inject", f"{kind}/{kind}")["items"][0]
    assert (answer["result"], answer["scc"], answer["ready"], answer["pods"]) == ("injected", COPY, replicas, replicas)

    wait_ready(namespace, kind, replicas)
    assert ready_columns(namespace, kind) == ["2/2"] * replicas
    assert sccs_of(namespace, kind) == {COPY}
    assert all(found & NEEDED == NEEDED for found in bounding_sets(namespace, kind))
    wait_ready(namespace, "other", 1)
    assert sccs_of(namespace, "other") == {"restricted-v2"}, "the copy leaked to a pod that never asked for it"

    before = version_of(namespace, kind)
    assert gsb.json("inject", f"{kind}/{kind}")["items"][0]["result"] == "unchanged"
    assert version_of(namespace, kind) == before


@pytest.mark.parametrize("kind, written, seen", [
    ("deploy", "/data/proof", "/data/data/proof"), ("sts", "/var/lib/db/proof", "/store/var/lib/db/proof"),
    ("dc", "/srv/proof", "/old/srv/proof"),
], ids=["deploy", "sts", "dc"])
def test_the_sidecar_sees_the_volume(gsb: Plugin, namespace: Kubectl, kind: str, written: str, seen: str) -> None:
    start(namespace, kind)
    gsb.ok("inject", f"{kind}/{kind}")
    wait_ready(namespace, kind, 1)
    name = pods_of(namespace, kind)[0]["metadata"]["name"]
    namespace.sh(name, f"echo here > {written}", container="app")
    assert namespace.sh(name, f"cat {seen}", container="kanister-sidecar") == "here\n"


def test_all_of_a_namespace(gsb: Plugin, namespace: Kubectl) -> None:
    start(namespace, "deploy", "sts", "dc")
    namespace.apply(deployment("plain", {}))
    answer = gsb.json("inject", "--all")
    assert {item["name"]: item["result"] for item in answer["items"]} == {
        "deploy": "injected", "sts": "injected", "dc": "injected", "plain": "skipped"}
    again = gsb.json("inject", "--all")
    assert {item["result"] for item in again["items"]} == {"unchanged", "skipped"}


@pytest.mark.parametrize("kind", ["deploy", "sts", "dc"])
def test_an_image_that_does_not_start_is_rolled_back_exactly(gsb: Plugin, namespace: Kubectl, kind: str) -> None:
    start(namespace, kind, replicas=2)
    before = shown(namespace, kind)
    done = gsb("inject", f"{kind}/{kind}", "--image", BROKEN, "--timeout", "8s", "-o", "json")
    assert done.returncode == 4, done.stderr
    item = json.loads(done.stdout)["items"][0]
    assert (item["result"], item["exitCode"]) == ("rolled back", 4)
    assert "ErrImagePull" in " ".join(item["problems"]) or "ImagePullBackOff" in " ".join(item["problems"])
    assert "--timeout" in done.stderr and BROKEN in done.stderr
    assert shown(namespace, kind) == before
    wait_ready(namespace, kind, 2)
    assert ready_columns(namespace, kind) == ["1/1", "1/1"]
    assert namespace("get", "rolebindings", "-o", "name").stdout == ""


def test_an_exclusive_claim_goes_by_way_of_zero_replicas(gsb: Plugin, namespace: Kubectl) -> None:
    solo = [claim("solo", storage_class="block", access_mode="ReadWriteOnce"), deployment("single", {"solo": "/data"})]
    namespace.apply(*solo)
    wait_ready(namespace, "single", 1)
    before = shown(namespace, "deploy", "single")
    done = gsb("inject", "deploy/single")
    assert done.returncode == 0, done.stderr
    assert "claim solo is ReadWriteOnce" in done.stderr
    assert ready_columns(namespace, "single") == ["2/2"]
    assert namespace.jsonpath("get", "deploy", "single", path="{.spec.replicas}") == "1"
    assert gsb("inject", "deploy/single").returncode == 0
    gsb.ok("uninject", "deploy/single")
    assert shown(namespace, "deploy", "single") == before
    failed = gsb("inject", "deploy/single", "--image", BROKEN, "--timeout", "10s")
    assert failed.returncode == 4, failed.stderr
    assert shown(namespace, "deploy", "single") == before
    wait_ready(namespace, "single", 1)


def started(gsb: Plugin, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([gsb.executable, "-n", gsb.namespace, *words], env=gsb.environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_injected(namespace: Kubectl, kind: str) -> None:
    containers = "{.spec.template.spec.containers[*].name}"
    namespace.wait_until(lambda: "kanister" in namespace.jsonpath("get", kind, kind, path=containers), "the patch")


def test_a_killed_run_is_gone_on_with(gsb: Plugin, namespace: Kubectl) -> None:
    start(namespace, "deploy", replicas=2)
    process = started(gsb, "inject", "deploy/deploy")
    wait_injected(namespace, "deploy")
    process.kill()
    process.wait()
    before = version_of(namespace, "deploy")
    assert gsb.json("inject", "deploy/deploy")["items"][0]["result"] == "unchanged"
    assert version_of(namespace, "deploy") == before
    assert ready_columns(namespace, "deploy") == ["2/2", "2/2"]


def test_a_run_killed_while_held_at_zero_is_gone_on_with(gsb: Plugin, namespace: Kubectl) -> None:
    solo = [claim("solo", storage_class="block", access_mode="ReadWriteOnce"), deployment("single", {"solo": "/data"})]
    namespace.apply(*solo)
    wait_ready(namespace, "single", 1)
    process = started(gsb, "inject", "deploy/single")
    count = "{.spec.replicas}"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if namespace.jsonpath("get", "deploy", "single", path=count) == "0":
            process.kill()
            break
    process.wait()
    assert gsb("inject", "deploy/single").returncode == 0
    assert namespace.jsonpath("get", "deploy", "single", path=count) == "1"
    assert ready_columns(namespace, "single") == ["2/2"]


@pytest.mark.parametrize("kind", ["deploy", "sts"])
def test_ctrl_c_rolls_back(gsb: Plugin, namespace: Kubectl, kind: str) -> None:
    start(namespace, kind)
    before = shown(namespace, kind)
    process = started(gsb, "inject", f"{kind}/{kind}", "--image", BROKEN)
    wait_injected(namespace, kind)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 130, output
    assert "rolled back" in output and "Traceback" not in output
    assert shown(namespace, kind) == before
    wait_ready(namespace, kind, 1)


@pytest.mark.parametrize("mode", ["client", "server"])
def test_dry_run_changes_nothing(gsb: Plugin, namespace: Kubectl, mode: str) -> None:
    start(namespace, "deploy")
    before, count = shown(namespace, "deploy"), namespace.json("get", "deploy", "deploy")["metadata"]["resourceVersion"]
    answer = gsb.json("inject", "deploy/deploy", f"--dry-run={mode}")
    assert (answer["dryRun"], answer["items"][0]["result"], answer["items"][0]["scc"]) == (mode, "injected", COPY)
    assert shown(namespace, "deploy") == before
    assert namespace.json("get", "deploy", "deploy")["metadata"]["resourceVersion"] == count
    assert namespace("get", "rolebindings", "-o", "name").stdout == ""


def test_a_pinned_workload_is_pinned_to_the_copy(gsb: Plugin, namespace: Kubectl) -> None:
    app = deployment("deploy", {"data": "/data"})
    app["spec"]["template"]["metadata"]["annotations"] = {"openshift.io/required-scc": "restricted-v2"}
    namespace.apply(claim("data"), app)
    wait_ready(namespace, "deploy", 1)
    before = shown(namespace, "deploy")
    gsb.ok("inject", "deploy/deploy")
    assert sccs_of(namespace, "deploy") == {COPY}
    gsb.ok("uninject", "deploy/deploy")
    assert shown(namespace, "deploy") == before


@pytest.mark.parametrize("rights, words", [
    ((), "cannot get deployments.apps"),
    (("edit",), "cannot list securitycontextconstraints"),
], ids=["none", "edit"])
def test_without_the_rights_nothing_is_changed(
    gsb: Plugin, namespace: Kubectl, rights: tuple[str, ...], words: str
) -> None:
    start(namespace, "deploy")
    user = f"jane-of-{namespace.name}"
    for role in rights:
        namespace("create", "rolebinding", role, f"--clusterrole={role}", f"--user={user}")
    before = shown(namespace, "deploy")
    done = gsb("inject", "deploy/deploy", "--as", user, "--image", "x:1")
    assert done.returncode == 5, done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    assert shown(namespace, "deploy") == before


@pytest.mark.parametrize("words, code, said", [
    (("deploy/none",), 1, "there is no deployment/none"), (("pvc/data",), 2, "not a kind this command works on"),
    ((), 2, "name workloads"), (("deploy/deploy", "--k10-namespace", "nowhere"), 3, "the sidecar image is not known"),
], ids=["absent", "kind", "nothing", "image"])
def test_bad_input(gsb: Plugin, namespace: Kubectl, words: tuple[str, ...], code: int, said: str) -> None:
    namespace.apply(claim("data"), deployment("deploy", {"data": "/data"}))
    done = gsb("inject", *words)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


def test_refusals_name_every_reason(gsb: Plugin, namespace: Kubectl) -> None:
    app = deployment("deploy", {})
    app["spec"]["paused"] = True
    namespace.apply(app)
    done = gsb("inject", "deploy/deploy")
    assert done.returncode == 3
    assert "nothing to back up" in done.stderr and "rollouts are paused" in done.stderr


def test_pod_security_restricted_is_refused(gsb: Plugin, namespace: Kubectl) -> None:
    start(namespace, "deploy")
    namespace("label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce=restricted")
    before = shown(namespace, "deploy")
    done = gsb("inject", "deploy/deploy")
    assert done.returncode == 3 and "enforces the Pod Security level restricted" in done.stderr
    assert shown(namespace, "deploy") == before


def test_a_quota_that_refuses_the_pod_is_told_verbatim_and_undone(
    gsb: Plugin, make_namespace: Callable[..., Kubectl], namespace: Kubectl
) -> None:
    start(namespace, "deploy")
    before = shown(namespace, "deploy")
    namespace("create", "quota", "tight", "--hard=requests.memory=64Mi")
    done = gsb("inject", "deploy/deploy", "--timeout", "8s")
    assert done.returncode == 4, done.stderr
    assert "FailedCreate" in done.stderr and "exceeded quota: tight" in done.stderr
    assert shown(namespace, "deploy") == before
