"""The API server goes away for a moment while kubectl rwx waits, and 300 claims in one run.

On a sandbox of its own, because everything else would notice. All commands wait at once, so that one outage serves all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.kubectl import Kubectl
from cluster.manifests import claim, deployment
from cluster.rwx_objects import bind_claims
from cluster.sandboxes import ROOT, OwnSandbox

SERVER = "kube-apiserver"
HOLD = "example.org/held"
WAITS = ("snapshot", "restore", "clone", "wait", "delete", "in-place")
OUTAGE = 3.0
"""Seconds without a server, besides those it takes to stop and to start."""

pytestmark = [
    pytest.mark.xdist_group("server-restart"),
    pytest.mark.skipif(bool(os.environ.get("KUBECONFIG")), reason="KUBECONFIG names a cluster of your own"),
]


@pytest.fixture(scope="module")
def own_sandbox() -> Iterator[OwnSandbox]:
    sandbox = OwnSandbox(name="restart", root=Path(f"/tmp/rwx-restart-{os.getpid()}"))
    try:
        sandbox.run("up", "--without", "openshift", "--without", "kasten")
        yield sandbox
    finally:
        sandbox.run("down")


@pytest.fixture(scope="module")
def cluster_environment(own_sandbox: OwnSandbox) -> dict[str, str]:
    """Of this module's own sandbox instead of the shared one."""
    executables = os.environ.get("PLUGIN_BIN", str(ROOT / ".venv" / "bin"))
    paths = [executables, str(own_sandbox.directory / "bin"), os.environ["PATH"]]
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return {**kept, "NO_COLOR": "1", "KUBECONFIG": str(own_sandbox.directory / "kubeconfig"), "PATH": ":".join(paths)}


@pytest.fixture(scope="module")
def kubectl(cluster_environment: dict[str, str]) -> Kubectl:
    return Kubectl(environment=cluster_environment)


@pytest.fixture(scope="module")
def leaving_namespaces() -> list[str]:
    """They go with the sandbox, and nobody waits for them."""
    return []


@dataclass(frozen=True)
class Ended:
    """How a command ended that was waiting when the server went away; namespace: where it ran."""

    code: int
    stdout: str
    stderr: str
    namespace: Kubectl


class Waiters:
    """One command for each kind of wait, in a namespace of its own, held up until release() or for 20 s."""

    def __init__(self, sandbox: OwnSandbox, kubectl: Kubectl, name: str, *flags: str) -> None:
        self._sandbox, self._flags = sandbox, flags
        kubectl("create", "namespace", name)
        self.namespace = kubectl.within(name)
        self._commands: dict[str, subprocess.Popen[str]] = {}

    def prepare(self) -> None:
        """What the commands need; nothing of class shared can be provisioned when this returns."""
        self.namespace.apply(deployment("web", {"used": "/data"}))
        bind_claims(self.namespace, claim("data", size="16Mi"), claim("used", size="16Mi"),
                    claim("slow", storage_class="slow", size="16Mi"))
        self.namespace("rollout", "status", "deploy/web", "--timeout=90s")
        for source, snapshot in (("data", "good"), ("data", "held"), ("used", "used")):
            self._begin("snapshot", f"pvc/{source}", "--name", snapshot).wait(90)
        self.namespace("patch", "vs/held", "--type=json", "-p", json.dumps(
            [{"op": "add", "path": "/metadata/finalizers/-", "value": HOLD}]
        ))
        self._sandbox.run("stop", "shared-provisioner")

    def begin(self) -> None:
        """All commands, each at its wait when this returns."""
        slow = self._begin("snapshot", "pvc/slow", "--name", "early", "--no-wait")
        assert slow.wait(60) == 0
        self._commands = {
            "snapshot": self._begin("snapshot", "pvc/slow", "--name", "slow", *self._flags),
            "restore": self._begin("restore", "vs/good", *self._flags),
            "clone": self._begin("clone", "pvc/data", "copy", *self._flags),
            "wait": self._begin("wait", "vs/early", *self._flags),
            "delete": self._begin("delete", "vs/held", "--yes", *self._flags),
            "in-place": self._begin("restore", "vs/used", "--in-place", "--yes", *self._flags),
        }
        self._await("snapshot", lambda: self._has("vs/slow"))
        self._await("restore", lambda: self._has("pvc/data-restored"))
        self._await("clone", lambda: self._has("pvc/copy"))
        self._await("delete", lambda: "deletionTimestamp" in self.namespace("get", "vs/held", "-o", "json").stdout)
        phase = ("get", "pvc/used", "-o", "jsonpath={.status.phase}")
        self._await("in-place", lambda: self.namespace(*phase, check=False).stdout == "Pending")

    def release(self) -> None:
        """Ends what holds them up."""
        self._sandbox.run("start", "shared-provisioner")
        self.namespace("patch", "vs/held", "--type=json", "-p", json.dumps(
            [{"op": "remove", "path": f"/metadata/finalizers/{self._finalizers().index(HOLD)}"}]
        ))

    def kill(self) -> None:
        """For a test that fails half way; those that have ended are left alone."""
        for command in self._commands.values():
            command.kill()

    def ends(self) -> dict[str, Ended]:
        found = {}
        for name, command in self._commands.items():
            stdout, stderr = command.communicate(timeout=150)
            found[name] = Ended(command.returncode, stdout, stderr, self.namespace)
        return found

    def _finalizers(self) -> list[str]:
        return list(self.namespace.json("get", "vs/held")["metadata"]["finalizers"])

    def _begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["kubectl-rwx", "-n", self.namespace.name, *arguments], env=self.namespace.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def _has(self, what: str) -> bool:
        return self.namespace("get", what, check=False).returncode == 0

    def _await(self, name: str, begun: Callable[[], bool]) -> None:
        def begun_or_over() -> bool:
            if self._commands[name].poll() is not None:
                raise AssertionError(f"{name} did not wait:\n{self._commands[name].communicate()}")
            return begun()

        self.namespace.wait_until(begun_or_over, f"{name} to wait")


@pytest.fixture(scope="module")
def after_a_restart(own_sandbox: OwnSandbox, kubectl: Kubectl) -> dict[str, Ended]:
    """How each command ended after a server that was away for a moment."""
    waiters = Waiters(own_sandbox, kubectl, "restarted")
    waiters.prepare()
    try:
        waiters.begin()
        own_sandbox.run("stop", SERVER)
        time.sleep(OUTAGE)
        own_sandbox.run("start", SERVER)
        waiters.release()
        return waiters.ends()
    finally:
        waiters.kill()
        own_sandbox.run("start", "shared-provisioner")


@pytest.mark.parametrize("name", WAITS)
def test_the_command_goes_on_when_the_server_is_back(after_a_restart: dict[str, Ended], name: str) -> None:
    ended = after_a_restart[name]
    assert ended.code == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    see = ended.namespace
    if name in ("snapshot", "wait"):
        made = {"snapshot": "slow", "wait": "early"}[name]
        assert see.jsonpath("get", f"vs/{made}", path="{.status.readyToUse}") == "true"
    elif name == "delete":
        assert see("get", "vs/held", check=False).returncode == 1
    else:
        made = {"restore": "data-restored", "clone": "copy", "in-place": "used"}[name]
        assert see.jsonpath("get", f"pvc/{made}", path="{.status.phase}") == "Bound"
    if name == "in-place":
        assert see.jsonpath("get", "pvc/used", path="{.spec.dataSource.name}") == "used"
        assert see.jsonpath("get", "deploy/web", path="{.status.readyReplicas}") == "1"


CLAIMS = 300


def test_three_hundred_claims_are_one_watch_and_little_else(
    kubectl: Kubectl, cluster_environment: dict[str, str], tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Requests as -v shows them; memory and seconds are told, not judged."""
    kubectl("create", "namespace", "many")
    namespace = kubectl.within("many")
    namespace.apply(*(claim(f"c{number:03}", size="1Mi") for number in range(CLAIMS)))
    namespace("wait", "--for=jsonpath={.status.phase}=Bound", "pvc", "--all", "--timeout=180s")
    began = time.monotonic()
    command = ["kubectl-rwx", "-n", "many", "snapshot", "--all", "--name", "many", "--group", "never", "-v"]
    log = tmp_path / "stderr"
    with log.open("w") as errors:
        child = subprocess.Popen(command, env=cluster_environment, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
    seconds, stderr = time.monotonic() - began, log.read_text()
    assert os.waitstatus_to_exitcode(status) == 0, stderr[-3000:]
    ready = namespace.jsonpath("get", "vs", path="{.items[*].status.readyToUse}").split()
    assert ready == ["true"] * CLAIMS
    requests = re.findall(r"^(?:GET|POST|PATCH|PUT|DELETE) https://", stderr, flags=re.MULTILINE)
    lines = [line for line in stderr.splitlines() if "https://" not in line and " -> " not in line]
    progress = [line for line in lines if not line.endswith(" created")]
    figures = {"requests": len(requests), "seconds": round(seconds, 1), "progress lines": len(progress),
               "peak MB": usage.ru_maxrss // 1024}
    record_property("figures", figures)
    print(figures)
    assert len(requests) <= CLAIMS * 1.1 + 30
    assert len(progress) <= 20 + seconds / 2, "\n".join(progress)
