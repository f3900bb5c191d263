"""The sandbox starts whatever was killed before, leaves nothing behind, and lets others be.

On sandboxes of its own beside the one the other tests use, so it is skipped on a cluster of the user's own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.sandboxes import SOURCES, OwnSandbox
from sandbox import machine

BARE = ("--without", "csi", "--without", "openshift", "--without", "kasten")
POD = """
apiVersion: v1
kind: Pod
metadata: {name: probe}
spec:
  nodeName: node-b
  containers:
  - {name: tools, image: "sandbox.local/tools:1", command: [sleep, "100000"]}
"""
MOUNTED_CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteMany], storageClassName: shared, resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: probe}
spec:
  nodeName: node-a
  containers:
  - name: tools
    image: sandbox.local/tools:1
    command: [sleep, "100000"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("KUBECONFIG")), reason="KUBECONFIG names a cluster of your own"
)


class Sandbox(OwnSandbox):
    """Looked at from outside, too."""

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        command = [sys.executable, "-m", "sandbox", "exec", "--", "kubectl", *arguments]
        done = subprocess.run(
            command, env=self.environment, input=stdin, text=True, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_pod(self, manifest: str = POD) -> None:
        self.kubectl("apply", "-f", "-", stdin=manifest)
        self.kubectl("wait", "--for=condition=Ready", "pod/probe", "--timeout=30s")

    def recorded_pids(self) -> list[int]:
        records = (path.read_text().split() for path in (self.directory / "processes").glob("*"))
        return [int(words[0]) for words in records if words]

    def traces(self) -> list[str]:
        """Everything on this machine that names the sandbox's folder, and the folder."""
        found = [str(self.directory)] if self.directory.exists() else []
        needle = str(self.directory)
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    texts = [(entry / name).read_bytes() for name in ("cmdline", "mountinfo")]
                except OSError:
                    continue
                words = [word for text in texts for word in text.decode(errors="replace").split("\0")]
                found += [f"process {entry.name}: {word}" for word in words if needle in word]
        register = Path("/run/rwx-sandbox.json")
        found += [f"in {register}"] if register.exists() and needle in register.read_text() else []
        return found


def pod_things() -> set[Path]:
    """What pods leave on the machine: their ends of network cables, and cgroups."""
    return {*Path("/sys/class/net").glob("veth*"), *Path("/sys/fs/cgroup").glob("*/k8s.io/*/")}


def wait_until(condition: Callable[[], bool], what: str, timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {timeout:.0f} s"
        time.sleep(0.01)


@pytest.fixture
def make_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Sandbox]]:
    """Sandboxes in a state folder of the test's own, taken down after it."""
    root = Path(f"/tmp/rwx-life-{os.getpid()}")
    made: list[Sandbox] = []

    def make(name: str) -> Sandbox:
        made.append(Sandbox(name=name, root=root))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.run("down")
    assert not root.exists()


def test_two_side_by_side_and_one_goes_without_a_trace(make_sandbox: Callable[[str], Sandbox]) -> None:
    first, second = make_sandbox("first"), make_sandbox("second")
    for starting in [first.begin("up"), second.begin("up", *BARE)]:
        _, errors = starting.communicate(timeout=120)
        assert starting.returncode == 0, errors
    second.run_pod()
    before = pod_things()
    first.run_pod(MOUNTED_CLAIM)
    first.kubectl("exec", "probe", "--", "sh", "-c", "echo kept > /data/file && test -s /data/file")
    added = pod_things() - before
    assert added

    first.run("down")

    assert first.traces() == []
    assert not added & pod_things()
    second.run("status")
    assert second.kubectl("exec", "probe", "--", "echo", "still here") == "still here\n"
    assert "is up already" in second.run("up", *BARE)
    assert "was not up" in first.run("down")


def test_up_after_everything_was_killed(make_sandbox: Callable[[str], Sandbox]) -> None:
    sandbox = make_sandbox("killed")
    sandbox.run("up", *BARE)
    sandbox.run_pod()
    for pid in sandbox.recorded_pids():
        os.kill(pid, signal.SIGKILL)
    sandbox.run("status", code=1)

    sandbox.run("up", *BARE)

    sandbox.run_pod()
    sandbox.run("status")
    running = subprocess.run(
        ["pgrep", "--full", f"{sandbox.directory}.*shim|shim.*{sandbox.directory}"],
        text=True,
        capture_output=True,
    ).stdout.split()
    assert len(running) <= 1, "only the new pod's shim: the old pod went with the old sandbox"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_up_ended_half_way(make_sandbox: Callable[[str], Sandbox], how: signal.Signals) -> None:
    sandbox = make_sandbox("halfway")
    starting = sandbox.begin("up", *BARE)
    wait_until(lambda: (sandbox.directory / "processes/kube-apiserver").exists(), "the API server's start")
    starting.send_signal(how)
    _, errors = starting.communicate(timeout=30)
    assert "Traceback" not in errors

    if how == signal.SIGINT:
        assert starting.returncode == 130
        assert sandbox.traces() == []
    else:
        assert sandbox.traces()
        sandbox.run("up", *BARE)
        nodes = json.loads(sandbox.kubectl("get", "nodes", "-o", "json"))["items"]
        assert [node["metadata"]["name"] for node in nodes] == ["node-a", "node-b"]


@pytest.mark.parametrize(
    "arguments", [("env",), ("exec", "--", "true"), ("status",)], ids=lambda words: words[0]
)
def test_not_up_is_a_sentence(make_sandbox: Callable[[str], Sandbox], arguments: tuple[str, ...]) -> None:
    shown = make_sandbox("absent").run(*arguments, code=1)
    assert "is not up" in shown and "Traceback" not in shown


def test_without_root_it_says_so() -> None:
    script = (
        "import os, sys; os.geteuid = lambda: 1000; sys.argv = ['sandbox', 'up'];"
        "from sandbox import __main__ as command; command.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **SOURCES, "SANDBOX_NAME": "rootless"},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 2
    assert "needs root" in done.stderr and "make cluster" in done.stderr and "Traceback" not in done.stderr


def test_last_one_out_puts_the_machine_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forwarding, mount_point, register = tmp_path / "ip_forward", tmp_path / "kubelet", tmp_path / "register"
    forwarding.write_text("0\n")
    monkeypatch.setattr(machine, "REGISTER", register)
    monkeypatch.setattr(machine, "MOUNT_POINTS", (str(mount_point),))
    monkeypatch.setattr(machine, "_FORWARDING", forwarding)
    monkeypatch.setattr(machine, "cgroup_folders", lambda name: [])
    first, second, forgotten = (tmp_path / name for name in ("first", "second", "forgotten"))
    for sandbox in (first, second, forgotten):
        sandbox.mkdir()
        machine.enter(sandbox)
    ports = [machine.take_port(sandbox) for sandbox in (first, second)]
    forwarding.write_text("1\n")
    forgotten.rmdir()

    machine.leave(first)
    assert len(set(ports)) == 2 and mount_point.exists() and forwarding.read_text() == "1\n"
    machine.leave(second)
    assert not mount_point.exists() and not register.exists() and forwarding.read_text() == "0\n"
    machine.leave(second)
