"""build/usage.py: the flag pages leave no command and no flag out."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from kubectl_rwx.main import root as rwx
from oc_gsb.main import root as gsb
from unit.build.scripts import ROOT, load


def leaves(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


def section(text: str, heading: str) -> str:
    assert f"\n## {heading}\n" in text, f"{heading} has no section"
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize(("group", "name", "typed"), [(rwx, "kubectl-rwx", "kubectl rwx"), (gsb, "oc-gsb", "oc gsb")])
def test_each_command_has_a_section_with_its_own_flags(group: click.Group, name: str, typed: str) -> None:
    text = load("usage").page(group, name)
    shared = {option for flag in group.params for option in flag.opts} | {"--help"}
    commands = [(path, command) for path, command in leaves(group, (typed,)) if not command.hidden]
    assert len(commands) > 15
    for path, command in commands:
        body = section(text, f"`{' '.join(path)}`")
        own = [option for flag in command.params if isinstance(flag, click.Option) and not flag.hidden
               for option in flag.opts if option.startswith("--") and option not in shared]
        for option in own:
            assert option in body, f"{' '.join(path)} lacks {option}"
        assert "--kubeconfig" not in body, "shared flags stand once, at the top"
    assert "--kubeconfig FILE" in section(text, "Flags of every command")


def test_a_pipe_in_a_flag_does_not_end_its_table_cell() -> None:
    text = load("usage").page(rwx, "kubectl-rwx")
    rows = [line for line in text.splitlines() if line.startswith("| <code>")]
    assert any("&#124;" in row for row in rows)
    assert {row.count("|") for row in rows} == {3}


def test_the_pages_exist_under_the_names_that_other_pages_link_to() -> None:
    assert {path.name for path in (ROOT / "docs" / "usage").iterdir()} == {"kubectl-rwx.md", "oc-gsb.md"}
