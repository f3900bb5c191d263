"""The error tree and the exit codes, as they are documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plugin_core import errors

DOCS = Path(__file__).parents[3] / "docs" / "exit-codes.md"
CLASSES = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.PluginError)]


def test_the_documented_exit_codes_are_exactly_the_enum():
    rows = re.findall(r"^\| (\d+) \| (\w+) \| .{10,} \|$", DOCS.read_text(), flags=re.MULTILINE)
    assert {name: int(code) for code, name in rows} == {code.name: code.value for code in errors.ExitCode}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_drawn_tree_shows_each_error_with_its_code(kind):
    assert re.search(rf"\b{kind.__name__} +{kind.exit_code.value}\b", errors.__doc__ or "")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_carries_its_message_and_hint(kind):
    error = kind("it is so", hint="do this")
    assert (str(error), error.message, error.hint) == ("it is so", "it is so", "do this")
    assert kind("it is so").hint == ""


def test_every_exit_code_but_success_has_an_error():
    assert {kind.exit_code for kind in CLASSES} == set(errors.ExitCode) - {errors.ExitCode.DONE}
