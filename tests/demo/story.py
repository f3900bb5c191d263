"""How the demo tells: a command is shown, run, its output shown, and what it must have done is checked."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

SECONDS = 120


class Story:
    """Runs commands in one environment and one namespace; fails loudly at the first that does not do its work."""

    def __init__(self, *, environment: dict[str, str], namespace: str) -> None:
        self._environment = environment
        self.namespace = namespace

    def chapter(self, text: str) -> None:
        print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)

    def say(self, text: str) -> None:
        print(f"   {text}", flush=True)

    def run(self, command: str, *, expect: int = 0) -> str:
        """Shows and runs one command line, then shows what it printed; returns its stdout."""
        print(f"\n$ {command}", flush=True)
        done = subprocess.run(shlex.split(command), env=self._environment, stdout=subprocess.PIPE, text=True)
        print(done.stdout, end="", flush=True)
        if done.returncode != expect:
            self.fail(f"that exited with {done.returncode}, not {expect}")
        return done.stdout

    def quietly(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """kubectl behind the scenes: what a reader would not want to see."""
        argv = ["kubectl", "-n", self.namespace, *arguments]
        done = subprocess.run(argv, env=self._environment, input=stdin, capture_output=True, text=True)
        if check and done.returncode:
            self.fail(f"{shlex.join(argv)}: {done.stderr}")
        return done.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        for manifest in manifests:
            self.say(f"apply {manifest['kind']} {manifest['metadata']['name']}")
        self.quietly("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))

    def wait(self, what: str, condition: Callable[[], Any]) -> Any:
        """The first true value of condition; the demo fails when there is none."""
        limit = time.monotonic() + SECONDS
        while time.monotonic() < limit:
            value = condition()
            if value:
                return value
            time.sleep(0.3)
        self.fail(f"waited {SECONDS} s in vain for {what}\n{self.quietly('get', 'all,pvc,events', check=False)}")

    def must(self, true: bool, what: str) -> None:
        """A fact the demo stands on, shown when it holds and fatal when it does not."""
        if not true:
            self.fail(f"not so: {what}")
        self.say(f"✔ {what}")

    def fail(self, text: str) -> NoReturn:
        print(f"\nTHE DEMO FAILED: {text}", file=sys.stderr, flush=True)
        raise SystemExit(1)


def fresh_namespace(story: Story) -> None:
    """The story's namespace, empty: an earlier demo's is deleted first."""
    name = story.namespace
    story.quietly("delete", "namespace", name, "--ignore-not-found", "--timeout=120s")
    story.quietly("create", "namespace", name)
    story.wait("the service account", lambda: story.quietly("get", "serviceaccount", "default", check=False))


def demo_environment(executables: str) -> dict[str, str]:
    """KUBECONFIG's cluster when that is set, else the sandbox, started when needed; our executables on PATH."""
    environment = dict(os.environ)
    if not environment.get("KUBECONFIG"):
        sandbox = [sys.executable, "-m", "sandbox"]
        if subprocess.run([*sandbox, "up"]).returncode:
            raise SystemExit("the sandbox did not start; name a cluster of your own: make demo KUBECONFIG=FILE")
        shown = subprocess.run([*sandbox, "exec", "--", "env", "-0"], stdout=subprocess.PIPE, text=True, check=True)
        pairs = dict(line.partition("=")[::2] for line in shown.stdout.split("\0") if line)
        environment.update({key: pairs[key] for key in ("KUBECONFIG", "PATH")})
    environment["PATH"] = f"{executables}:{environment['PATH']}"
    environment.pop("PYTHONPATH", None)
    return environment
