"""The command line: help is cheap, and what cannot be meant is told before any cluster is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from oc_gsb.main import root
from plugin_core.errors import UsageError


@pytest.mark.parametrize("command", ["inject", "uninject", "verify", "version"])
def test_help_loads_no_client(command: str) -> None:
    script = (
        "import sys; from oc_gsb.main import root; "
        f"root.main(['{command}', '--help'], prog_name='oc-gsb', standalone_mode=False); "
        "loaded = {'kubernetes', 'rich', 'yaml', 'oc_gsb.sidecar', 'oc_gsb.scc'} & set(sys.modules); "
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


@pytest.mark.parametrize(("arguments", "words"), [
    (["inject"], "name workloads"),
    (["inject", "pvc/data"], '"pvc" is not a kind'),
    (["inject", "ds/agent"], '"ds" is not a kind'),
    (["uninject", "deploy/a", "--all"], "only one of"),
    (["verify", "deploy/a", "-l", "app=x"], "only one of"),
    (["inject", "deploy/a", "--cpu", "much"], "--cpu: "),
])
def test_usage_errors(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(root, arguments)
    assert isinstance(result.exception, UsageError)
    assert words in result.exception.message


def test_version() -> None:
    assert CliRunner().invoke(root, ["version", "--client", "-o", "name"]).output.startswith("oc-gsb/")
