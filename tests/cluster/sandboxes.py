"""Sandboxes of a test's own, beside the one the other tests share: for what would disturb those."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster.kubectl import Kubectl

ROOT = Path(__file__).parents[2]
SOURCES = {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'plugins'}"}


@dataclass(frozen=True)
class OwnSandbox:
    """One sandbox, driven as a user drives it. root: the state folder it lies in."""

    name: str
    root: Path

    @property
    def directory(self) -> Path:
        return self.root / self.name

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **SOURCES, "SANDBOX_STATE": str(self.root), "SANDBOX_NAME": self.name}

    @property
    def client_environment(self) -> dict[str, str]:
        """Of kubectl and our executables: this sandbox's KUBECONFIG, and both on PATH."""
        executables = os.environ.get("PLUGIN_BIN", str(ROOT / ".venv" / "bin"))
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return {**kept, "NO_COLOR": "1", "KUBECONFIG": str(self.directory / "kubeconfig"),
                "PATH": ":".join([executables, str(self.directory / "bin"), os.environ["PATH"]])}

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sandbox", *arguments]
        return subprocess.Popen(
            command, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=_heed_ctrl_c,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """Both streams of a command of the sandbox's, which must end with this exit code."""
        process = self.begin(*arguments)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == code, errors
        return output + errors


def _heed_ctrl_c() -> None:
    """Tests that were started in the background ignore it, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def own_sandbox_up(name: str, *arguments: str) -> Iterator[OwnSandbox]:
    """A sandbox of this process's own, brought up with these arguments and taken down again, whatever happens."""
    sandbox = OwnSandbox(name=name, root=Path(f"/tmp/rwx-{name}-{os.getpid()}"))
    try:
        sandbox.run("up", *arguments)
        yield sandbox
    finally:
        sandbox.run("down")


def fixtures_of_own_sandbox(name: str, *arguments: str) -> tuple[Any, Any, Any, Any]:
    """For a module: own_sandbox, and those of conftest.py that shall be of it: cluster_environment, kubectl,
    leaving_namespaces."""

    @pytest.fixture(scope="module")
    def own_sandbox() -> Iterator[OwnSandbox]:
        with own_sandbox_up(name, *arguments) as sandbox:
            yield sandbox

    @pytest.fixture(scope="module")
    def cluster_environment(own_sandbox: OwnSandbox) -> dict[str, str]:
        return own_sandbox.client_environment

    @pytest.fixture(scope="module")
    def kubectl(cluster_environment: dict[str, str]) -> Kubectl:
        return Kubectl(environment=cluster_environment)

    @pytest.fixture(scope="module")
    def leaving_namespaces() -> list[str]:
        """They go with the sandbox, and nobody waits for them."""
        return []

    return own_sandbox, cluster_environment, kubectl, leaving_namespaces
