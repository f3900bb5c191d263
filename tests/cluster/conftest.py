"""End-to-end tests: our executables as a user runs them, on a real cluster, looked at afterwards with kubectl.

The cluster is the one KUBECONFIG names, else the sandbox, which is started when it is not up and left up
(`make sandbox-down` ends it). Every test gets a namespace of its own, which is gone when the test is over.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.kubectl import Kubectl, Plugin

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cluster_environment() -> dict[str, str]:
    """The environment of every command: KUBECONFIG of the cluster, kubectl and our executables on PATH."""
    environment = {**os.environ, "NO_COLOR": "1"}
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


@pytest.fixture
def make_namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[Callable[..., Kubectl]]:
    """make_namespace(labels={...}) → kubectl bound to a new namespace, deleted (and waited for) after the test."""
    made = []

    def make(labels: dict[str, str] | None = None) -> Kubectl:
        name = f"t-{uuid.uuid4().hex[:10]}"
        kubectl("create", "namespace", name)
        made.append(name)
        kubectl("label", "namespace", name, f"tests/case={request.node.name[:60].strip('-_.[]')}".replace("[", "-")
                .replace("]", ""), *(f"{key}={value}" for key, value in (labels or {}).items()))
        bound = kubectl.within(name)
        bound.wait_until(lambda: bound("get", "serviceaccount", "default", check=False).returncode == 0,
                         "the default service account")
        return bound

    yield make
    if made:
        kubectl("delete", "namespace", *made, "--timeout=120s")


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
