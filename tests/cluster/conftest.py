"""End-to-end tests: our executables as a user runs them, on a real cluster, looked at afterwards with kubectl.

The cluster is the one KUBECONFIG names, else the sandbox, which is started when it is not up and left up
(`make sandbox-down` ends it). Every test gets a namespace of its own, which is gone when the session is over.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.namespaces import wait_until_gone

ROOT = Path(__file__).parents[2]
SANDBOX_DRIVER = "shared.csi.sandbox.local"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a cluster of the user's own only the tests run that fit any cluster; the summary says how many did not."""
    if not os.environ.get("KUBECONFIG") or _is_sandbox():
        return
    here = Path(__file__).parent
    kept = [item for item in items if here not in item.path.parents or item.get_closest_marker("any_cluster")]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("KUBECONFIG") and not _is_sandbox():
        terminalreporter.write_line(
            "not the sandbox: only the tests marked any_cluster were run here; `make test` runs all", yellow=True
        )


def _is_sandbox() -> bool:
    asked = subprocess.run(["kubectl", "get", "csidriver", SANDBOX_DRIVER], capture_output=True)
    return asked.returncode == 0


@pytest.fixture(scope="session")
def cluster_environment() -> dict[str, str]:
    """The environment of every command: KUBECONFIG of the cluster, kubectl and our executables on PATH."""
    environment = {**os.environ, "NO_COLOR": "1", "GOGC": "off"}  # kubectl is over before it would have to collect
    environment.pop("PYTHONPATH", None)
    executables = os.environ.get("PLUGIN_BIN", str(ROOT / ".venv" / "bin"))
    if not os.environ.get("KUBECONFIG"):
        environment.update(_sandbox_environment())
    environment["PATH"] = f"{executables}:{environment['PATH']}"
    return environment


def _sandbox_environment() -> dict[str, str]:
    python = {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'plugins'}"}
    up = subprocess.run([sys.executable, "-m", "sandbox", "up"], env=python, capture_output=True, text=True)
    if up.returncode:
        pytest.exit(f"the sandbox did not start; cluster tests cannot run:\n{up.stderr[-3000:]}", returncode=3)
    command = [sys.executable, "-m", "sandbox", "exec", "--", "env", "-0"]
    shown = subprocess.run(command, env=python, capture_output=True, text=True, check=True)
    pairs = dict(line.partition("=")[::2] for line in shown.stdout.split("\0") if line)
    return {key: pairs[key] for key in ("KUBECONFIG", "PATH")}


@pytest.fixture(scope="session")
def kubectl(cluster_environment: dict[str, str]) -> Kubectl:
    """kubectl without a namespace; `kubectl.within(name)` adds one."""
    return Kubectl(environment=cluster_environment)


@pytest.fixture(scope="session")
def leaving_namespaces(kubectl: Kubectl) -> Iterator[list[str]]:
    """Namespaces that are being deleted; the session ends when they are gone, and fails when one stays."""
    names: list[str] = []
    yield names
    if names:
        wait_until_gone(kubectl, names)


@pytest.fixture
def make_namespace(
    kubectl: Kubectl, request: pytest.FixtureRequest, leaving_namespaces: list[str]
) -> Iterator[Callable[..., Kubectl]]:
    """make_namespace(labels={...}) → kubectl bound to a new namespace, whose deletion begins when the test is over."""
    made: list[str] = []
    case = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:60].strip("-")

    def make(labels: dict[str, str] | None = None) -> Kubectl:
        name = f"t-{uuid.uuid4().hex[:10]}"
        metadata = {"name": name, "labels": {"tests/case": case, **(labels or {})}}
        kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
        made.append(name)
        bound = kubectl.within(name)
        bound.wait_until(lambda: bound("get", "serviceaccount", "default", check=False).returncode == 0,
                         "the default service account")
        return bound

    yield make
    if made:
        kubectl("delete", "namespace", *made, "--wait=false")
        leaving_namespaces += made


@pytest.fixture
def namespace(make_namespace: Callable[..., Kubectl]) -> Kubectl:
    """kubectl bound to a namespace of this test's own; `namespace.name` is its name."""
    return make_namespace()


@pytest.fixture
def rwx(cluster_environment: dict[str, str], namespace: Kubectl) -> Plugin:
    """Runs kubectl-rwx in the test's namespace."""
    return Plugin(executable="kubectl-rwx", namespace=namespace.name, environment=cluster_environment)


@pytest.fixture
def gsb(cluster_environment: dict[str, str], namespace: Kubectl) -> Plugin:
    """Runs oc-gsb in the test's namespace."""
    return Plugin(executable="oc-gsb", namespace=namespace.name, environment=cluster_environment)
