"""Sandboxes of a test's own, beside the one the other tests share: for what would disturb those."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sandbox", *arguments]
        return subprocess.Popen(
            command, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """Both streams of a command of the sandbox's, which must end with this exit code."""
        process = self.begin(*arguments)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == code, errors
        return output + errors
