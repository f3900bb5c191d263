"""Runs: followed to their end, and every way they fail, made to happen on the Kasten stand-in."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.kasten_objects import (
    K10,
    POLICY_KIND,
    PROFILE,
    RUNS,
    Application,
    activate,
    make_token,
    own_profile,
    set_operator,
    tidy,
)
from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment

pytestmark = pytest.mark.xdist_group("kasten")


@pytest.fixture
def application(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> Iterator[Application]:
    activate(kubectl, gsb)
    installed = Application(namespace)
    installed.install()
    gsb.ok("inject", "deploy/web")
    yield installed
    tidy(kubectl, namespace.name)


def answer_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def test_states_attempts_and_error_shapes(application: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
                                          ) -> None:
    """One policy, several runs: an attempt that fails first, a state nobody knows, and an error as plain words."""
    kasten, name = kubectl.within(K10), f"{namespace.name}-gsb"
    gsb.ok("policy", "create", "--no-export")
    kasten("annotate", POLICY_KIND, name, "sandbox.rwx/fault-first-attempt=disk was busy",
           "sandbox.rwx/fault-state=Quarantined")
    done = gsb("policy", "run", name)
    assert done.returncode == 0, done.stderr
    assert "AttemptFailed: disk was busy" in done.stderr
    assert "Quarantined (a state oc-gsb does not know)" in done.stderr

    kasten("annotate", POLICY_KIND, name, "sandbox.rwx/fault-first-attempt-", "sandbox.rwx/fault-state-")
    namespace("patch", "deployment", "web", "--type=json", "-p", json.dumps(
        [{"op": "replace", "path": "/spec/template/spec/containers/1/name", "value": "renamed"}]))
    namespace("rollout", "status", "deployment/web", "--timeout=60s")
    for shape in ("string", "object", "nested"):
        kasten("annotate", POLICY_KIND, name, "--overwrite", f"sandbox.rwx/error-shape={shape}")
        failed = gsb("policy", "run", name, "--force", "-o", "json")
        assert failed.returncode == 1
        assert "Container kanister-sidecar not found in pod web-" in failed.stderr
        backup = next(one for one in answer_of(failed)["items"] if one["kind"] == "BackupAction")
        assert backup["message"].endswith("not found in pod " + backup["message"].rsplit(" ", 1)[1])
        if shape != "string":
            assert len(backup["errorChain"]) >= 3


def test_preflight_refuses_what_would_fail(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> None:
    activate(kubectl, gsb)
    namespace.apply(claim("data"), deployment("web", {"data": "/data"}))
    done = gsb("backup")
    assert done.returncode == 3 and "no workload of the namespace has a sidecar" in done.stderr
    assert "oc gsb inject" in done.stderr
    assert not kubectl.within(K10).json("get", RUNS, "-o", "json") or namespace.name not in kubectl(
        "get", RUNS, "-n", K10, "-o", "name").stdout
    named = gsb("backup", "deploy/web")
    assert named.returncode == 3 and "deployment/web: sidecar: its pod template has none" in named.stderr
    forced = gsb("backup", "--force")
    assert forced.returncode == 1 and "is not annotated for generic backup" in forced.stderr
    tidy(kubectl, namespace.name)


def test_token_missing_or_of_another_cluster(application: Application, kubectl: Kubectl, gsb: Plugin) -> None:
    set_operator(kubectl, gsb, {"token": None, "overridepubkey": None})
    try:
        refused = gsb("backup", "--no-export")
        assert refused.returncode == 3 and "kasten: token: GSB is not active" in refused.stderr
        forced = gsb("backup", "--no-export", "--force")
        assert forced.returncode == 1 and "no activation token is set (stand-in)" in forced.stderr
        set_operator(kubectl, gsb, {"token": "standin.another-cluster.0"})
        foreign = gsb("backup", "--no-export")
        assert foreign.returncode == 1 and "not valid for this cluster (stand-in)" in foreign.stderr
    finally:
        set_operator(kubectl, gsb, {"token": make_token(kubectl)})


def test_policy_without_location_profile(application: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
                                         ) -> None:
    name = f"{namespace.name}-gsb"
    gsb.ok("policy", "create", "--no-export")
    kubectl.within(K10)("patch", POLICY_KIND, name, "--type=merge", "-p",
                        json.dumps({"spec": {"actions": [{"action": "backup"}]}}))
    refused = gsb("policy", "run", name)
    assert refused.returncode == 3 and "has no location profile for its backup" in refused.stderr
    forced = gsb("policy", "run", name, "--force")
    assert forced.returncode == 1
    assert "a location profile is required to perform Kanister operations (stand-in)" in forced.stderr


def test_sidecar_without_capabilities(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> None:
    """Put in by hand, with the mark, without the capabilities: the kernel refuses to start kopia."""
    activate(kubectl, gsb)
    workload = deployment("web", {"data": "/data"})
    spec = workload["spec"]["template"]["spec"]
    spec["volumes"].append({"name": "kopia-repo-volume", "emptyDir": {}})
    mounts = [{"name": "data", "mountPath": "/data/data"},
              {"name": "kopia-repo-volume", "mountPath": "/tmp/kopia-repository"}]
    spec["containers"].append({**spec["containers"][0], "name": "kanister-sidecar", "volumeMounts": mounts,
                               "image": "sandbox.local/kanister-tools:1"})
    workload["metadata"]["annotations"] = {"k10.kasten.io/forcegenericbackup": "true"}
    namespace.apply(claim("data"), workload)
    namespace("rollout", "status", "deployment/web", "--timeout=90s")
    refused = gsb("backup", "--no-export")
    assert refused.returncode == 3 and "capabilities-bounding: CapBnd 0x0" in refused.stderr
    forced = gsb("backup", "--no-export", "--force")
    assert forced.returncode == 1 and "operation not permitted" in forced.stderr
    tidy(kubectl, namespace.name)


def test_export_that_fails_leaves_a_local_restore_point(
    application: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
) -> None:
    fault = {"sandbox.rwx/fault-export": "bucket is full"}
    with own_profile(kubectl, f"full-{namespace.name}", **fault) as full:
        done = gsb("backup", "--profile", PROFILE, "--export-profile", full)
        assert done.returncode == 6
        assert "the backup is done, its export failed" in done.stderr and "bucket is full" in done.stderr
        points = gsb.json("restorepoints")["items"]
        assert [one["type"] for one in points] == ["local"] and points[0]["name"] in done.stderr


def test_progress_timeout_follow_and_cancel(application: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
                                            ) -> None:
    with own_profile(kubectl, f"slow-{namespace.name}", **{"sandbox.rwx/seconds-per-volume": "240"}) as slow:
        name = f"{namespace.name}-gsb"
        backup = ("backup", "--profile", slow, "--no-export", "--timeout", "15s")
        late = gsb(*backup)
        assert late.returncode == 4
        assert "was not over within 15s (--timeout)" in late.stderr
        assert "the same command follows it again" in late.stderr
        namespace.wait_until(lambda: "pvc/data " in gsb(*backup).stderr, "volumes to be shown while they are copied")
        run = kubectl("get", RUNS, "-n", K10, "-o", "name").stdout
        runs = [line for line in run.splitlines() if namespace.name in line]
        assert len(runs) == 1
        argv = [gsb.executable, "-n", namespace.name, "policy", "run", name]
        again = subprocess.Popen(argv, env=gsb.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert any("is under way; following it" in line for line in again.stderr or ())
        again.send_signal(signal.SIGINT)
        _, said = again.communicate(timeout=60)
        assert again.returncode == 130
        assert "goes on in Kasten" in said and f"oc gsb policy cancel {runs[0].split('/')[1]}" in said
        cancelled = gsb("policy", "cancel", name)
        assert cancelled.returncode == 0, cancelled.stderr
        assert "Cancelled" in cancelled.stdout
        over = gsb("policy", "cancel", runs[0].split("/")[1])
        assert over.returncode == 0 and "is over already: Cancelled" in over.stderr
        assert gsb.json("policy", "status", name)["runs"][0]["state"] == "Cancelled"
        nothing = gsb("policy", "cancel", "nothing-here")
        assert nothing.returncode == 1 and "there is no run action nothing-here" in nothing.stderr


def test_version_known_to_be_bad_is_said(application: Application, kubectl: Kubectl, gsb: Plugin) -> None:
    kasten = kubectl.within(K10)
    version = kasten.json("get", "configmap", "k10-config")["data"]["version"]
    kasten("patch", "configmap", "k10-config", "--type=merge", "-p", '{"data": {"version": "9.0.0"}}')
    try:
        done = gsb("backup", "--dry-run=server")
        assert done.returncode == 0 and "Kasten 9.0.0 is known to be bad for GSB" in done.stdout
        assert "fixed in 9.0.1" in gsb("token", "status").stderr
    finally:
        kasten("patch", "configmap", "k10-config", "--type=merge", "-p", json.dumps({"data": {"version": version}}))


def test_aggregated_api_down_is_not_nothing(application: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
                                            ) -> None:
    kasten = kubectl.within(K10)
    gsb.ok("policy", "create")
    kasten("scale", "deployment/aggregatedapis-svc", "--replicas=0")
    try:
        kasten.wait_until(lambda: kasten("get", RUNS, check=False).returncode, "the API being down")
        for arguments in (["restorepoints"], ["policy", "run", f"{namespace.name}-gsb"]):
            done = gsb(*arguments)
            assert done.returncode == 1, done.stderr
            assert "Kasten's aggregated API does not answer" in done.stderr
            assert "says nothing about what there is" in done.stderr and "aggregatedapis-svc" in done.stderr
        unknown = gsb("token", "set", "--token-file", "-", stdin=make_token(kubectl))
        assert unknown.returncode == 3 and "whether actions are running is not known" in unknown.stderr
    finally:
        kasten("scale", "deployment/aggregatedapis-svc", "--replicas=1")
        kasten.wait_until(lambda: kasten("get", RUNS, check=False).returncode == 0, "the API being back")
