"""One sandbox's folder: where everything it writes lives, and the facts needed to find it again after any
crash.

``${SANDBOX_STATE:-~/.local/state/rwx-sandbox}/<name>/``; removed whole by ``down``. Beside it lies
``<name>.lock``, held while ``up`` or ``down`` is at work.
"""

import fcntl
import json
import os
import re
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

from sandbox.errors import SandboxError
from sandbox.progress import say

NODES = ("node-a", "node-b")
LONGEST_STATE_DIR = 62
"""Unix socket paths end at 107 bytes, and the longest of ours adds 44 to the folder."""
HIDDEN_FROM_NODES = ("/run", "/var/run", "/var/lib/kubelet", "/var/lib/cni", "/var/log/containers")
"""Folders the nodes have versions of their own of (see ``nodes``): no place for ours."""


def state_root() -> Path:
    """The folder of all of this user's sandboxes."""
    chosen = os.environ.get("SANDBOX_STATE")
    return Path(chosen).absolute() if chosen else Path.home() / ".local/state/rwx-sandbox"


@dataclass(frozen=True)
class State:
    """Paths and recorded facts of one sandbox; safe to use from several threads."""

    name: str
    directory: Path
    _guard: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    @classmethod
    def of(cls, name: str) -> "State":
        """The sandbox of this name, whether it exists or not."""
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?", name):
            raise SandboxError(
                f"{name!r} cannot name a sandbox: up to 20 lowercase letters, digits and dashes."
            )
        directory = state_root() / name
        if len(os.fsencode(directory)) > LONGEST_STATE_DIR:
            raise SandboxError(
                f"{directory} is too long a path for unix sockets below it.",
                hint=f"Set SANDBOX_STATE to a folder that keeps it within {LONGEST_STATE_DIR} characters.",
            )
        if any(directory.is_relative_to(hidden) for hidden in HIDDEN_FROM_NODES):
            raise SandboxError(
                f"{directory} would not be visible to the nodes.", hint="Set SANDBOX_STATE elsewhere."
            )
        return cls(name=name, directory=directory)

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def bin(self) -> Path:
        """What goes on a user's PATH."""
        return self.directory / "bin"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def records(self) -> Path:
        """One file per process ever started, written by the process itself before it becomes what it is."""
        return self.directory / "processes"

    def node(self, node: str) -> Path:
        return self.directory / node

    def containerd_socket(self, node: str) -> Path:
        return self.node(node) / "containerd.sock"

    def exists(self) -> bool:
        return self.directory.exists()

    def create(self) -> None:
        """Make the empty folder."""
        for folder in (self.directory, self.logs, self.records, self.bin):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def fact(self, key: str) -> Any:
        """A recorded fact, or None."""
        return self._facts().get(key)

    def record(self, key: str, value: Any) -> None:
        """Record a fact durably before acting on it."""
        with self._guard:
            facts = {**self._facts(), key: value}
            unfinished = self.directory / ".facts.unfinished"
            unfinished.write_text(json.dumps(facts, indent=1))
            unfinished.rename(self.directory / "facts.json")

    def _facts(self) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads((self.directory / "facts.json").read_text())
        except FileNotFoundError:
            return {}
        return facts

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only ``up`` or ``down`` of this sandbox; the lock file goes with the sandbox's folder."""
        path = self.directory.with_name(f"{self.name}.lock")
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock = path.open("w")
            except FileNotFoundError:  # another sandbox, the last one, took the folder with it just now
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"another command is starting or stopping the sandbox {self.name!r}: waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                break
            lock.close()
        try:
            yield
        finally:
            if not self.exists():
                path.unlink()
                with suppress(OSError):  # other sandboxes are in it
                    path.parent.rmdir()
            lock.close()
