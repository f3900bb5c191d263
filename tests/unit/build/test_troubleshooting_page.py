"""docs/troubleshooting.md keeps up: every exit code has a section, every quoted message is one we write."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from plugin_core.errors import ExitCode
from unit.build.scripts import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
CODES = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE, flags=re.MULTILINE)


def literal(node: ast.expr) -> str:
    """A string as the user reads it, with … for what is filled in; neighbouring literals are one already."""
    if isinstance(node, ast.JoinedStr):
        return "".join(value.value if isinstance(value, ast.Constant) else "…" for value in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def literals() -> Iterator[str]:
    for path in (ROOT / "plugins").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from (literal(node) for node in ast.walk(tree) if isinstance(node, (ast.Constant, ast.JoinedStr)))


@pytest.mark.parametrize("code", list(ExitCode), ids=lambda code: code.name)
def test_each_exit_code_has_a_section_and_a_row_for_scripts(code: ExitCode) -> None:
    assert f"\n## {code.value}: {code.name}\n" in PAGE
    assert re.search(rf"^\| {code.value} \| {code.name} \| .+ \|$", CODES, flags=re.MULTILINE)


def test_no_section_is_about_a_code_that_does_not_exist() -> None:
    sections = re.findall(r"^## (\d+): (\w+)$", PAGE, flags=re.MULTILINE)
    assert sections == [(str(code.value), code.name) for code in ExitCode]


def test_each_quoted_message_is_one_the_plugins_write() -> None:
    known = "\n".join(literals())
    assert len(QUOTED) > 30
    assert [message for message in QUOTED if message not in known] == []
