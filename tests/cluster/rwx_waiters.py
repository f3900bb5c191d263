"""Every kind of wait that kubectl rwx has, all at once: one command each, held up by processes that stand still."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cluster.kubectl import Kubectl
from cluster.manifests import claim, deployment
from cluster.rwx_writers import GENTLE, HOOK, is_frozen
from cluster.sandboxes import OwnSandbox

HOLD = "example.org/held"
STOPPED = ("shared-provisioner", "fuzzy-snapshotter", "kube-scheduler")
"""Processes that stand still while commands are held up: claims of class shared stay Pending, snapshots of class fuzzy
uncut, new pods without a node."""

RETRYING = ("snapshot-controller", "sized-snapshotter", "sized-provisioner")
"""Processes that go on through an outage, and wait ever longer before they try again: started anew after it."""

CLASSES = {"data": "shared", "uncut": "fuzzy", "frozen": "fuzzy", "scaled": "sized", "stop": "sized",
           "safety": "fuzzy", "delete": "sized", "replace": "shared", "start": "sized"}
"""Claim → class. All but the first two are used by a workload of that name."""

IN_PLACE = ("stop", "safety", "delete", "replace", "start")
"""What an in-place restore waits for: pods to go, a safety snapshot, a claim to go, a claim to be Bound, pods."""

LOOKED = " 0/1 after "
"""What kubectl rwx wait tells once it has seen the one snapshot it waits for."""


TRACED = {"PYTHONFAULTHANDLER": "1"}
"""For a command's environment: aborted, it tells where each of its threads stands."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Command:
    """One that runs. errors: the file with its stderr."""

    process: subprocess.Popen[str]
    errors: Path

    @property
    def told(self) -> str:
        return self.errors.read_text()

    def end(self, *, seconds: float) -> Ended:
        """Waits for it; AssertionError with what it told, and where it stands, when it goes on."""
        try:
            stdout, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            self.process.send_signal(signal.SIGABRT)
            self.process.communicate()
            raise AssertionError(f"{self.process.args} goes on:\n{self.told}") from error
        return Ended(self.process.returncode, stdout, self.told)

    def waits(self, begun: Callable[[], bool]) -> bool:
        """Whether it has begun to, by this sign; AssertionError when it has ended."""
        assert self.process.poll() is None, f"{self.process.args} did not wait:\n{self.told}"
        return begun()


class Waiters:
    """The commands in one namespace; those given up soon have a --timeout of this many seconds. folder: for stderr."""

    def __init__(self, kubectl: Kubectl, name: str, *, timeout: int, folder: Path) -> None:
        self._timeout, self._folder, self._number = timeout, folder, 0
        kubectl("create", "namespace", name)
        self.namespace = kubectl.within(name)
        self._commands: dict[str, Command] = {}
        self._impatient: dict[str, Command] = {}

    def prepare(self) -> None:
        """Workloads at work, a ready snapshot "all-CLAIM" of each, and a snapshot and a claim that cannot go."""
        self.namespace.apply(*(claim(name, storage_class=of, size="16Mi") for name, of in CLASSES.items()))
        self.namespace.apply(*(self._workload(name) for name in list(CLASSES)[2:]))
        for name in list(CLASSES)[2:]:
            self.namespace("rollout", "status", f"deploy/{name}", "--timeout=180s")
        self.run("snapshot", "--all", "--name", "all", "--group", "never")
        self.run("snapshot", "pvc/data", "--name", "held")
        self._hold("vs/held")
        self._hold("pvc/delete")

    def _workload(self, name: str) -> dict[str, Any]:
        manifest = deployment(name, {name: "/data"}, command=GENTLE if name == "frozen" else "sleep infinity")
        template = manifest["spec"]["template"]
        if name in ("scaled", "stop"):
            template["metadata"]["finalizers"] = [HOLD]
        template["spec"]["terminationGracePeriodSeconds"] = 1
        return manifest

    def begin(self) -> None:
        """The patient commands, each at its wait when this returns."""
        self.run("snapshot", "pvc/uncut", "--name", "early", "--no-wait")
        for name in IN_PLACE:
            self._start(f"in-place-{name}", "restore", f"vs/all-{name}", "--in-place", "--yes")
        self._start("scaled", "snapshot", "deploy/scaled", "--quiesce", "scale", "--name", "scaled")
        self._start("restore", "restore", "vs/all-data")
        self._start("clone", "clone", "pvc/data", "copy")
        self._start("delete", "delete", "vs/held", "--yes")
        self._start("wait", "wait", "vs/early")
        self._start("snapshot", "snapshot", "pvc/uncut", "--name", "uncut")
        self._start("frozen", "snapshot", "deploy/frozen", "--name", "frozen", "--hold-until", "ready", *HOOK,
                    "--freeze-timeout", "5m")
        self._await(self._commands, {
            "restore": lambda: self._has("pvc/data-restored"), "clone": lambda: self._has("pvc/copy"),
            "delete": lambda: self._is_going("vs/held"), "scaled": lambda: self._replicas("scaled") == "0",
            "snapshot": lambda: self._has("vs/uncut"), "wait": lambda: LOOKED in self._commands["wait"].told,
            "frozen": lambda: self._has("vs/frozen") and is_frozen(self.namespace, self.pod("frozen")),
            "in-place-stop": lambda: self._replicas("stop") == "0",
            "in-place-safety": lambda: self._step("safety").startswith("safety"),
            "in-place-delete": lambda: self._is_going("pvc/delete"),
            "in-place-replace": lambda: self._phase("replace") == "Pending",
            "in-place-start": lambda: self._replicas("start") == "1" and self._step("start").startswith("start"),
        })

    def begin_impatient(self) -> None:
        """Commands that are given up soon, each at its wait when this returns."""
        for name, arguments in {
            "snapshot": ("snapshot", "pvc/uncut", "--name", "late"),
            "restore": ("restore", "vs/all-data", "--to", "late"),
            "clone": ("clone", "pvc/data", "late-copy"),
            "wait": ("wait", "vs/early"),
        }.items():
            self._impatient[name] = self._open(*arguments, "--timeout", f"{self._timeout}s")
        self._await(self._impatient, {
            "snapshot": lambda: self._has("vs/late"), "restore": lambda: self._has("pvc/late"),
            "clone": lambda: self._has("pvc/late-copy"), "wait": lambda: LOOKED in self._impatient["wait"].told,
        })

    def still_waiting(self) -> dict[str, bool]:
        """Of the patient ones, by name."""
        return {name: command.process.poll() is None for name, command in self._commands.items()}

    def release(self) -> None:
        """Ends what this namespace's objects hold up."""
        for what in ("vs/held", "pvc/delete", *self._pods()):
            if self._has(what):
                self._patch_finalizers(what, lambda there: [one for one in there if one != HOLD])

    def ends(self, *, seconds: float) -> dict[str, Ended]:
        """How each patient one ended; CommandFailed with the namespace's state when one does not."""
        self.namespace.wait_until(lambda: not any(self.still_waiting().values()), "all to end", seconds=seconds)
        return {name: command.end(seconds=seconds) for name, command in self._commands.items()}

    def impatient_ends(self) -> dict[str, Ended]:
        """How each impatient one ended."""
        return {name: command.end(seconds=self._timeout + 90) for name, command in self._impatient.items()}

    def kill(self) -> None:
        """For a test that fails half way; those that have ended are left alone."""
        for command in (*self._commands.values(), *self._impatient.values()):
            command.process.kill()

    def run(self, *arguments: str) -> Ended:
        """One command that must succeed."""
        ended = self._open(*arguments).end(seconds=180)
        assert ended.code == 0, ended.stderr
        return ended

    def pod(self, workload: str) -> str:
        """The name of its one pod."""
        return self.namespace.jsonpath("get", "pods", "-l", f"app={workload}", path="{.items[0].metadata.name}")

    def _pods(self) -> list[str]:
        return self.namespace("get", "pods", "-l", "app in (scaled, stop)", "-o", "name").stdout.split()

    def _start(self, name: str, *arguments: str) -> None:
        self._commands[name] = self._open(*arguments)

    def _open(self, *arguments: str) -> Command:
        self._number += 1
        path = self._folder / f"{self._number}.stderr"
        with path.open("w") as errors:
            return Command(subprocess.Popen(
                ["kubectl-rwx", "-n", self.namespace.name, *arguments], env=self.namespace.environment | TRACED,
                stdout=subprocess.PIPE, stderr=errors, text=True,
            ), path)

    def _await(self, commands: dict[str, Command], waits: dict[str, Callable[[], bool]]) -> None:
        for name, begun in waits.items():
            self.namespace.wait_until(partial(commands[name].waits, begun), f"{name} to wait", seconds=240)

    def _has(self, what: str) -> bool:
        return self.namespace("get", what, check=False).returncode == 0

    def _is_going(self, what: str) -> bool:
        return "deletionTimestamp" in self.namespace("get", what, "-o", "json").stdout

    def _phase(self, name: str) -> str:
        return self.namespace("get", f"pvc/{name}", "-o", "jsonpath={.status.phase}", check=False).stdout

    def _replicas(self, name: str) -> str:
        return self.namespace.jsonpath("get", f"deploy/{name}", path="{.spec.replicas}")

    def _step(self, name: str) -> str:
        """Where the in-place restore of this claim stands; "" before and after it."""
        found = self.namespace.json("get", "configmap", "-l", "kubectl-rwx.io/in-place")["items"]
        return next((one["data"]["step"] for one in found if f'"claim": "{name}"' in one["data"]["journal"]), "")

    def _hold(self, what: str) -> None:
        self._patch_finalizers(what, lambda there: [*there, HOLD])

    def _patch_finalizers(self, what: str, change: Callable[[list[str]], list[str]]) -> None:
        there = self.namespace.json("get", what)["metadata"]
        patch = {"metadata": {"finalizers": change(there.get("finalizers", [])),
                              "resourceVersion": there["resourceVersion"]}}
        self.namespace("patch", what, "--type=merge", "-p", json.dumps(patch))


@contextmanager
def held_up(sandbox: OwnSandbox, waiters: Waiters) -> Iterator[None]:
    """The patient commands are at their waits within the block; after it, everything runs again."""
    for process in STOPPED:
        sandbox.run("stop", process)
    try:
        waiters.begin()
        yield
    finally:
        waiters.kill()
        for process in ("kube-apiserver", *STOPPED, *RETRYING):
            sandbox.run("start", process)
