"""oc gsb verify: what it measures is what kubectl exec shows, and it fails when the sidecar cannot work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.gsb_objects import bounding_sets, pods_of, start, wait_ready
from cluster.kasten_objects import Application
from cluster.kubectl import Kubectl, Plugin

PROOFS = {"chown-on-scratch", "read-closed-file"}


def left_on_scratch(namespace: Kubectl, kind: str) -> str:
    """What is in the folders a proof could have left, in every pod's sidecar."""
    return "".join(namespace.sh(pod["metadata"]["name"], "ls -A /tmp/kopia-repository", container="kanister-sidecar")
                   for pod in pods_of(namespace, kind))


def checks_of(document: dict[str, Any]) -> dict[str, Any]:
    return {item["check"]: item for item in document["items"]}


@pytest.mark.parametrize("kind, volume, path", [
    ("deploy", "data", "/data/data"), ("sts", "store", "/store/var/lib/db"), ("dc", "old", "/old/srv"),
], ids=["deploy", "sts", "dc"])
def test_an_injected_workload(gsb: Plugin, namespace: Kubectl, kind: str, volume: str, path: str) -> None:
    start(namespace, kind, replicas=2 if kind == "deploy" else 1)
    gsb.ok("inject", f"{kind}/{kind}")
    document = gsb.json("verify", f"{kind}/{kind}")
    assert document["kastenVersion"] == namespace.within("kasten-io").jsonpath(
        "get", "configmap", "k10-config", path="{.data.version}") != ""
    checks = checks_of(document)
    ok = {name for name, check in checks.items() if check["verdict"] == "ok"}
    assert set(checks) - ok == {"no-new-privileges", f"read {volume}"} and PROOFS <= ok
    assert checks[f"read {volume}"]["observed"].startswith("not proven here: no file below 1 MiB that is closed to")
    assert "kopia read a 0600 file of user 0; a plain process cannot" in checks["read-closed-file"]["observed"]
    assert left_on_scratch(namespace, kind) == ""
    assert checks["no-new-privileges"]["verdict"] == "warn", "restricted-v2 forbids privilege escalation"
    assert checks["scc"]["observed"].startswith("restricted-v2-gsb, which allows")
    assert checks["scc-granted-to"]["observed"] == "its service account"
    assert f"CapBnd {bounding_sets(namespace, kind)[0]:#x}" in checks["capabilities-bounding"]["observed"]
    assert "kopia stand-in" in checks["kopia-direct"]["observed"]
    assert checks[f"mount {volume}"]["observed"].startswith(path)


def test_a_closed_file_on_the_claim_is_read_only_with_capabilities_that_are_really_there(
    gsb: Plugin, namespace: Kubectl
) -> None:
    """The template goes on asking for all three when one of them is also dropped: only a measurement tells."""
    start(namespace, "deploy")
    gsb.ok("inject", "deploy/deploy")
    Application(namespace).as_root("cd /data; echo secret > closed; chown 4242:4242 closed; chmod 600 closed")
    sidecar = pods_of(namespace, "deploy")[0]["metadata"]["name"]
    words = ("exec", sidecar, "-c", "kanister-sidecar", "--", "cat", "/data/data/closed")
    assert namespace(*words, check=False).returncode, "a plain process cannot"
    checks = checks_of(gsb.json("verify", "deploy/deploy"))
    assert checks["read data"] | {"verdict": "ok", "advice": ""} == checks["read data"]
    assert checks["read data"]["observed"].startswith("kopia read /data/data/closed (0600, user 4242), which a plain")
    drop = [{"op": "add", "path": "/spec/template/spec/containers/1/securityContext/capabilities/drop",
             "value": ["DAC_OVERRIDE"]}]
    namespace("patch", "deploy", "deploy", "--type=json", "-p", json.dumps(drop))
    namespace("rollout", "status", "deploy/deploy", "--timeout=90s")
    wait_ready(namespace, "deploy", 1)
    done = gsb("verify", "deploy/deploy", "-o", "json")
    assert done.returncode == 3
    checks = checks_of(json.loads(done.stdout))
    assert checks["capabilities-requested"]["verdict"] == checks["scc"]["verdict"] == "ok", "what the template claims"
    assert {name for name, check in checks.items() if check["verdict"] == "fail"} == {
        "capabilities-bounding", "kopia-direct", "read data", *PROOFS}
    assert checks["read data"]["observed"] == "kopia cannot start"


def test_a_sidecar_that_lost_its_capabilities(gsb: Plugin, namespace: Kubectl) -> None:
    """The guide's symptom: without the capabilities kopia cannot even start."""
    start(namespace, "deploy")
    gsb.ok("inject", "deploy/deploy")
    drop = {"spec": {"template": {"spec": {"containers": [{"name": "kanister-sidecar", "securityContext": None}]}}}}
    namespace("patch", "deploy", "deploy", "-p", json.dumps(drop))
    namespace("rollout", "status", "deploy/deploy", "--timeout=90s")
    wait_ready(namespace, "deploy", 1)
    assert bounding_sets(namespace, "deploy") == [0]
    done = gsb("verify", "deploy/deploy", "-o", "json")
    assert done.returncode == 3
    checks = checks_of(json.loads(done.stdout))
    assert {name for name, check in checks.items() if check["verdict"] == "fail"} == {
        "scc", "capabilities-requested", "capabilities-bounding", "kopia-direct", "read data", *PROOFS}
    assert "peration not permitted" in checks["kopia-direct"]["observed"]


def test_without_a_sidecar(gsb: Plugin, namespace: Kubectl) -> None:
    start(namespace, "deploy")
    done = gsb("verify", "deploy/deploy")
    assert done.returncode == 3 and "its pod template has none" in done.stdout
    done = gsb("verify", "--all")
    assert (done.returncode, done.stdout) == (0, "") and "has a sidecar" in done.stderr


def test_a_rollout_that_hangs(gsb: Plugin, namespace: Kubectl) -> None:
    start(namespace, "deploy")
    gsb.ok("inject", "deploy/deploy")
    namespace("set", "image", "deploy/deploy", "app=sandbox.local/absent:1")
    namespace.wait_until(lambda: "rrImagePull" in gsb("verify", "deploy/deploy").stdout, "verify to name the reason")
    assert gsb("verify", "deploy/deploy").returncode == 3
