"""The command line: help is cheap, and what cannot be meant is told before any cluster is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from kubectl_rwx.main import root
from plugin_core.errors import UsageError


@pytest.mark.parametrize("command", [
    "snapshot", "restore", "clone", "list", "describe", "wait", "delete", "prune", "cleanup", "version",
])
def test_help_loads_no_client(command: str) -> None:
    script = (
        "import sys; from kubectl_rwx.main import root; "
        f"root.main(['{command}', '--help'], prog_name='kubectl-rwx', standalone_mode=False); "
        "heavy = {'kubernetes', 'rich', 'yaml', 'plugin_core.kube.live', 'kubectl_rwx.protection.snapshots'}; "
        "loaded = heavy & set(sys.modules); "
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


@pytest.mark.parametrize(("arguments", "words"), [
    (["snapshot"], "say what to snapshot"),
    (["snapshot", "svc/web"], '"svc" is not a kind'),
    (["snapshot", "pvc/a", "--all"], "exclude each other"),
    (["snapshot", "pvc/a", "-l", "app=x"], "exclude each other"),
    (["restore", "pvc/a"], '"pvc" is not a kind'),
    (["restore", "vs/a", "vs/b", "--to", "x"], "--to names one claim"),
    (["restore", "vs/a", "--access-mode", "RW"], '"RW" is not an access mode'),
    (["restore", "vs/a", "--in-place", "--to", "x"], "--in-place replaces the sources"),
    (["restore", "vs/a", "--rollback"], "--rollback goes back"),
    (["restore", "vs/a", "--to-namespace", "A_b"], "cannot be the name of a namespace"),
    (["clone", "vs/a", "b"], '"vs" is not a kind'),
    (["clone", "pvc/a", "a"], "own name"),
    (["prune"], "say what to keep"),
    (["wait", "vs/a", "pvc/b"], "not both"),
    (["delete", "pvc/a"], '"pvc" is not a kind'),
    (["snapshot", "pvc/a", "--keep-last", "2", "--no-wait"], "waits until the new snapshot is ready"),
])
def test_usage_errors(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(root, arguments)
    assert isinstance(result.exception, UsageError)
    assert words in result.exception.message


def test_version() -> None:
    shown = CliRunner().invoke(root, ["version", "--client", "-o", "name"]).output
    assert shown.startswith("kubectl-rwx/")
