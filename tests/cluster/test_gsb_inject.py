"""oc gsb inject on real pods, under SCC admission."""

from __future__ import annotations

import json
import signal
import subprocess
import time

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

OURS = "app.kubernetes.io/managed-by=oc-gsb"
BROKEN = "sandbox.local/absent:1"
UNTRIED = ("--image", BROKEN, "--no-image-check")


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
    done = gsb("inject", f"{kind}/{kind}", *UNTRIED, "--timeout", "25s", "-o", "json")
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
    failed = gsb("inject", "deploy/single", *UNTRIED, "--timeout", "10s")
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
    process = started(gsb, "inject", f"{kind}/{kind}", *UNTRIED)
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


def test_an_image_that_cannot_be_pulled_is_refused_before_anything_is_changed(gsb: Plugin, namespace: Kubectl) -> None:
    start(namespace, "deploy")
    before, generation = shown(namespace, "deploy"), version_of(namespace, "deploy")
    done = gsb("inject", "deploy/deploy", "--image", BROKEN)
    assert done.returncode == 3, done.stderr
    assert "its image does not start" in done.stderr and "ErrImagePull" in done.stderr
    assert (shown(namespace, "deploy"), version_of(namespace, "deploy")) == (before, generation)
    left = namespace.json("get", "rolebindings,pods", "-l", OURS)["items"]
    assert not left or "deletionTimestamp" in left[0]["metadata"] and "not seen to be gone after" in done.stderr, left
    assert len(left) <= 1


def test_quota_and_limit_range_are_told_with_numbers_and_all_at_once(gsb: Plugin, namespace: Kubectl) -> None:
    start(namespace, "deploy", replicas=2)
    before, generation = shown(namespace, "deploy"), version_of(namespace, "deploy")
    namespace("create", "quota", "tight", "--hard=requests.memory=256Mi,limits.memory=1Gi")
    namespace.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [
        {"type": "Container", "max": {"memory": "200Mi"}, "maxLimitRequestRatio": {"memory": "100"}}]}})
    used = "{.status.used.requests\\.memory}"
    namespace.wait_until(lambda: namespace.jsonpath("get", "quota", "tight", path=used) == "32Mi", "the quota's count")
    done = gsb("inject", "deploy/deploy", "--env", "A=b", "--pull-secret", "none", "--ca-configmap", "nil")
    assert done.returncode == 3, done.stderr
    for words in ("ResourceQuota tight: 528Mi more requests.memory is needed (256Mi a sidecar for 2 pods, 16Mi for the "
                  "pod that a rolling update adds), and 224Mi of 256Mi are left",
                  "LimitRange small: the sidecar may ask for memory 200Mi at most", "there is no Secret none",
                  "there is no ConfigMap nil"):
        assert words in done.stderr, done.stderr
    assert (shown(namespace, "deploy"), version_of(namespace, "deploy")) == (before, generation)
    enough = ("--memory", "64Mi", "--memory-limit", "128Mi")
    assert gsb.json("inject", "deploy/deploy", *enough)["items"][0]["result"] == "injected"


@pytest.mark.parametrize("mark, who", [
    ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:x/deploy"}}, "Argo CD application shop"),
    ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "Flux Kustomization apps"),
], ids=["argo", "flux"])
def test_what_git_keeps_is_refused_with_the_way_by_render(
    gsb: Plugin, namespace: Kubectl, mark: dict[str, dict[str, str]], who: str
) -> None:
    start(namespace, "deploy")
    namespace("patch", "deploy", "deploy", "--type=merge", "-p", json.dumps({"metadata": mark}))
    before = shown(namespace, "deploy")
    done = gsb("inject", "deploy/deploy")
    assert done.returncode == 3 and who in done.stderr and "oc gsb render deployment/deploy" in done.stderr
    assert shown(namespace, "deploy") == before
    forced = gsb("inject", "deploy/deploy", "--force")
    assert forced.returncode == 0 and f"warning: deployment/deploy: {who}" in forced.stderr
    gsb.ok("uninject", "deploy/deploy")
    assert shown(namespace, "deploy") == before


def test_every_flag_is_in_the_pod_and_gone_afterwards(gsb: Plugin, namespace: Kubectl) -> None:
    app = deployment("deploy", {"data": "/data"})
    app["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "own"}]
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
              "stringData": {".dockerconfigjson": json.dumps({"auths": {}})}}
    namespace.apply(*({**secret, "metadata": {"name": name}} for name in ("own", "extra")), claim("data"), app,
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"},
                     "data": {"custom-ca-bundle.pem": "not a real certificate"}})
    wait_ready(namespace, "deploy", 1)
    before = shown(namespace, "deploy")
    flags = ("--env", "HTTPS_PROXY=proxy:3128", "--env", "EMPTY=", "--pull-secret", "own", "--pull-secret", "extra",
             "--cache-size", "500Mi", "--ca-configmap", "ca", "--memory-limit", "1Gi")
    assert gsb.json("inject", "deploy/deploy", *flags)["items"][0]["result"] == "injected"
    pod = pods_of(namespace, "deploy")[0]
    assert [one["name"] for one in pod["spec"]["imagePullSecrets"]] == ["own", "extra"]
    assert next(one for one in pod["spec"]["volumes"] if one["name"] == "kopia-cache-volume")["emptyDir"] == {
        "sizeLimit": "500Mi"}
    name = pod["metadata"]["name"]
    shell = "echo $HTTPS_PROXY; cat /etc/ssl/certs/custom-ca-bundle.pem"
    assert namespace.sh(name, shell, container="kanister-sidecar") == "proxy:3128\nnot a real certificate"
    assert gsb.json("inject", "deploy/deploy", *flags)["items"][0]["message"] == ""
    assert "it was injected with" in gsb.json("inject", "deploy/deploy", "--env", "A=b")["items"][0]["message"]
    gsb.ok("uninject", "deploy/deploy")
    assert shown(namespace, "deploy") == before


def test_one_failure_keeps_nobody_from_theirs(gsb: Plugin, namespace: Kubectl) -> None:
    paused = deployment("paused", {"data": "/data"})
    paused["spec"]["paused"] = True
    start(namespace, "deploy", "sts")
    namespace.apply(paused)
    done = gsb("inject", "--all", "-o", "json")
    assert done.returncode == 6, done.stderr
    assert {item["name"]: item["result"] for item in json.loads(done.stdout)["items"]} == {
        "deploy": "injected", "sts": "injected", "paused": "refused"}


def test_ctrl_c_with_several_in_flight(gsb: Plugin, namespace: Kubectl) -> None:
    names = [f"web-{number}" for number in range(5)]
    namespace.apply(claim("data"), *(deployment(name, {"data": "/data"}) for name in names))
    for name in names:
        wait_ready(namespace, name, 1)
    before = {name: shown(namespace, "deploy", name) for name in names}
    process = started(gsb, "inject", "--all", "--parallel", "3", *UNTRIED)
    containers = "{.items[*].spec.template.spec.containers[*].name}"
    namespace.wait_until(lambda: namespace.jsonpath("get", "deploy", path=containers).count("kanister") == 3,
                         "three patches")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 130, output
    assert output.count("  rolled back  ") == 3 and output.count("  not started  ") == 2, output
    assert {name: shown(namespace, "deploy", name) for name in names} == before
    assert namespace("get", "rolebindings", "-l", OURS, "-o", "name").stdout == ""


def test_a_sidecar_of_k10tools_is_taken_over_and_taken_out_exactly(gsb: Plugin, namespace: Kubectl) -> None:
    start(namespace, "deploy")
    before = shown(namespace, "deploy")
    volumes = {"kopia-cache-volume": "/tmp/kopia-cache", "kopia-log-volume": "/tmp/kopia-log",
               "kopia-repo-volume": "/tmp/kopia-repository"}
    mounts = [{"name": name, "mountPath": path} for name, path in volumes.items()]
    sidecar = {"name": "kanister-sidecar", "image": "sandbox.local/kanister-tools:1", "command": ["bash", "-c"],
               "args": ["tail -f /dev/null"], "imagePullPolicy": "IfNotPresent",
               "volumeMounts": [*mounts, {"name": "data", "mountPath": "/data/data"}]}
    namespace("patch", "deploy", "deploy", "--type=strategic", "-p", json.dumps({
        "metadata": {"annotations": {"k10.kasten.io/forcegenericbackup": "true"}},
        "spec": {"template": {"spec": {"containers": [sidecar],
                                       "volumes": [{"name": name, "emptyDir": {}} for name in volumes]}}}}))
    namespace("rollout", "status", "deploy/deploy", "--timeout=90s")
    done = gsb("inject", "deploy/deploy", "-o", "json")
    assert done.returncode == 0 and "another tool put in" in done.stderr, done.stderr
    assert json.loads(done.stdout)["items"][0]["scc"] == COPY
    assert all(found & NEEDED == NEEDED for found in bounding_sets(namespace, "deploy"))
    gsb.ok("uninject", "deploy/deploy")
    after = shown(namespace, "deploy")
    assert json.loads(after["spec"]) == json.loads(before["spec"]) and after["annotations"] == before["annotations"]
