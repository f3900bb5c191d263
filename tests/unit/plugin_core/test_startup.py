"""What starting an executable may load: help and completion must be quick, so no client, no YAML and no rich."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import kubectl_rwx.main
import oc_gsb.main
import plugin_core

HEAVY = ("kubernetes", "urllib3", "websocket", "yaml", "rich", "requests", "ssl", "asyncio")
SCRIPT = """
import importlib, sys
main = importlib.import_module(sys.argv[1])
sys.argv = sys.argv[1:]
try:
    main.main()
except SystemExit as stop:
    code = stop.code
loaded = sorted(name for name in sys.modules if name.split(".")[0] in {heavy!r})
print("loaded:", *loaded)
sys.exit(code)
"""


def lines():
    """Every command of both executables, with nested groups."""
    def below(command, words):
        yield words
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                yield from below(inner, [*words, name])

    for module in (kubectl_rwx.main, oc_gsb.main):
        for words in below(module.root, []):
            yield pytest.param(module.__name__, words, id=" ".join([module.__name__, *words]))


@pytest.mark.parametrize("module, words", list(lines()))
def test_help_loads_nothing_heavy(module, words):
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{heavy!r}", repr(HEAVY)), module, *words, "--help"],
        capture_output=True, text=True, timeout=20,
        env={**os.environ, "PYTHONPATH": str(Path(plugin_core.__file__).parents[1])},
    )
    assert ran.returncode == 0, ran.stderr
    assert "Usage: " in ran.stdout
    assert ran.stdout.splitlines()[-1] == "loaded:"
