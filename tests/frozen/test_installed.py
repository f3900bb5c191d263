"""What krew's users get: both plugins found by kubectl, working without Python on the machine."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import version

from cluster.kubectl import Kubectl, Plugin, run
from cluster.manifests import claim, deployment, pod


def test_kubectl_finds_both_plugins(cluster_environment: dict[str, str], kubectl: Kubectl) -> None:
    listed = kubectl("plugin", "list", "--name-only", check=False).stdout.split()
    assert {"kubectl-rwx", "kubectl-gsb"} <= set(listed)
    for plugin in ("rwx", "gsb"):
        assert "Usage:" in run(["kubectl", plugin, "--help"], environment=cluster_environment, check=True).stdout


def test_executables_need_no_python(cluster_environment: dict[str, str], installed: object) -> None:
    bare = {"HOME": "/nonexistent", "PATH": f"{installed}:/usr/bin:/bin"}
    for executable in ("kubectl-rwx", "oc-gsb"):
        done = subprocess.run([executable, "version"], env=bare, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert version("kubectl-rwx") in done.stdout


def test_snapshot_and_restore_through_kubectl(cluster_environment: dict[str, str], namespace: Kubectl) -> None:
    namespace.apply(claim("data"), pod("writer", {"data": "/data"}, command="echo kept > /data/file; sleep infinity"))
    namespace("wait", "--for=condition=Ready", "pod/writer", "--timeout=90s")
    namespace.wait_until(lambda: namespace.sh("writer", "cat /data/file", check=False), "the written file")
    scope = ["-n", namespace.name]
    run(["kubectl", "rwx", "snapshot", "pvc/data", "--name", "frozen", *scope],
        environment=cluster_environment, check=True)
    run(["kubectl", "rwx", "restore", "vs/frozen", "--to", "again", *scope],
        environment=cluster_environment, check=True)
    namespace.apply(pod("reader", {"again": "/data"}))
    namespace("wait", "--for=condition=Ready", "pod/reader", "--timeout=90s")
    assert namespace.sh("reader", "cat /data/file") == "kept\n"
    shown = run(["kubectl", "rwx", "list", "-o", "json", *scope], environment=cluster_environment, check=True)
    assert [item["name"] for item in json.loads(shown.stdout)["items"]] == ["frozen"]
    as_yaml = run(["kubectl", "rwx", "list", "-o", "yaml", *scope], environment=cluster_environment, check=True)
    assert "kind: " in as_yaml.stdout


def test_inject_and_verify_over_the_frozen_websocket(gsb: Plugin, namespace: Kubectl) -> None:
    namespace.apply(claim("data"), deployment("web", {"data": "/data"}))
    namespace("rollout", "status", "deployment/web", "--timeout=90s")
    gsb.ok("inject", "deploy/web")
    verified = gsb("verify", "deploy/web")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    gsb.ok("uninject", "deploy/web")
    names = namespace.jsonpath("get", "deploy/web", path="{.spec.template.spec.containers[*].name}")
    assert names == "app"
