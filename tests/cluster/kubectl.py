"""kubectl and our executables as subprocesses, with failures that show what was run and what it said."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from fakes.published_schemas import check_published

SECONDS = 90
"""How long a condition may take; generous, because the machine is shared, and never asserted on."""


FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Between two looks; each starts a kubectl, and the tests are bound by the processor."""


class CommandFailed(AssertionError):
    pass


def run(argv: list[str], *, environment: dict[str, str], check: bool, stdin: str | None = None,
        timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end. check: raise CommandFailed with both streams when it exits non-zero."""
    done = subprocess.run(argv, env=environment, input=stdin, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise CommandFailed(f"{' '.join(argv)} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


@dataclass(frozen=True)
class Kubectl:
    """Call it with kubectl's arguments. name: the namespace it is bound to; "" when it is not."""

    environment: dict[str, str] = field(repr=False)
    name: str = ""

    def within(self, namespace: str) -> Kubectl:
        return replace(self, name=namespace)

    def __call__(self, *args: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        scope = ["-n", self.name] if self.name else []
        return run(["kubectl", *scope, *args], environment=self.environment, check=check, stdin=stdin)

    def apply(self, *manifests: dict[str, Any]) -> None:
        """kubectl apply of manifests given as dicts."""
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        self("apply", "-f", "-", stdin=document)

    def json(self, *args: str) -> Any:
        """What `kubectl ARGS -o json` shows, decoded."""
        return json.loads(self(*args, "-o", "json").stdout)

    def jsonpath(self, *args: str, path: str) -> str:
        """What `kubectl ARGS -o jsonpath=PATH` shows."""
        return self(*args, "-o", f"jsonpath={path}").stdout

    def sh(self, pod: str, script: str, *, container: str = "", check: bool = True) -> str:
        """stdout of a shell script in a pod (or deploy/NAME)."""
        chosen = ["-c", container] if container else []
        return self("exec", pod, *chosen, "--", "sh", "-c", script, check=check).stdout

    def wait_until(self, condition: Callable[[], Any], what: str, *, seconds: float = SECONDS) -> Any:
        """The first true value of condition; CommandFailed with the namespace's state when it stays false."""
        deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE)
        state = self("get", "all,pvc,events", "-o", "wide", check=False).stdout
        raise CommandFailed(f"waited {seconds:.0f} s in vain for {what}\n{state}")


@dataclass(frozen=True)
class Plugin:
    """One of our executables in one namespace. Call it with its arguments; the exit code is the caller's to judge.

    Every answer with -o json is held against its published schema, whatever the test looks at.
    """

    executable: str
    namespace: str
    environment: dict[str, str] = field(repr=False)

    def __call__(self, *args: str, stdin: str | None = None, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        argv = [self.executable, "-n", self.namespace, *args]
        done = run(argv, environment=self.environment, check=False, stdin=stdin, timeout=timeout)
        check_published(args, done.stdout)
        return done

    def ok(self, *args: str, timeout: float = 300) -> str:
        """stdout of a run that must succeed."""
        argv = [self.executable, "-n", self.namespace, *args]
        shown = run(argv, environment=self.environment, check=True, timeout=timeout).stdout
        check_published(args, shown)
        return shown

    def json(self, *args: str) -> Any:
        """The decoded answer of a run with -o json that must succeed."""
        return json.loads(self.ok(*args, "-o", "json"))
