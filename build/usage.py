"""Writes docs/usage/EXECUTABLE.md from the commands' own help; with --check, says which page is out of date instead."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "plugins"))
CALLED_AS = {"kubectl-rwx": "kubectl rwx", "oc-gsb": "oc gsb"}
SHARED = "Flags of every command"


def page(group: click.Group, name: str) -> str:
    """One executable's commands: an overview, the flags that all of them take once, then each command with its own."""
    called_as = CALLED_AS[name]
    context = click.Context(group, info_name=called_as, **group.context_settings)
    commands = list(commands_below(group, context))
    overview = [f"| [`{path}`](#{path.replace(' ', '-')}) | {_cell(_first_sentence(command))} |"
                for path, command, _ in commands]
    lines = [
        f"# `{called_as}`: every command and flag", "",
        f"Written by `make docs` from the commands themselves; `{called_as} COMMAND --help` says the same.", "",
        "| command | what it does |", "| --- | --- |", *overview,
        "", f"## {SHARED}", "", "They may stand before or after the command.", "",
        *_flags(group, context, leave_out=set()),
    ]
    shared = {tuple(flag.opts) for flag in group.get_params(context)}
    for path, command, inner in commands:
        lines += ["", f"## `{path}`", "", *_prose(command)]
        if not isinstance(command, click.Group):
            usage = " ".join([path, *command.collect_usage_pieces(inner)])
            lines += ["```", usage, "```", "", *_examples(command), *_flags(command, inner, leave_out=shared)]
    return "\n".join(lines).rstrip() + "\n"


def commands_below(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command in order, each followed by its own commands: path as it is typed, command, context."""
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        yield inner.command_path, command, inner
        if isinstance(command, click.Group):
            yield from commands_below(command, inner)


def _paragraphs(command: click.Command) -> list[str]:
    return inspect.cleandoc(command.help or "").split("\f")[0].strip().split("\n\n")


def _first_sentence(command: click.Command) -> str:
    return " ".join(_paragraphs(command)[0].split())


def _prose(command: click.Command) -> list[str]:
    return [line for paragraph in _paragraphs(command) if not paragraph.startswith("\b")
            for line in (escape(" ".join(paragraph.split()), quote=False), "")]


def _examples(command: click.Command) -> list[str]:
    """What click leaves unwrapped (after a line with a backspace): a title, and lines of a shell."""
    lines: list[str] = []
    for paragraph in _paragraphs(command):
        if paragraph.startswith("\b"):
            title, *shell = paragraph.removeprefix("\b").strip().splitlines()
            lines += [title, "", "```", *inspect.cleandoc("\n" + "\n".join(shell)).splitlines(), "```", ""]
    return lines


def _flags(command: click.Command, context: click.Context, *, leave_out: set[tuple[str, ...]]) -> list[str]:
    records = [flag.get_help_record(context) for flag in command.get_params(context)
               if isinstance(flag, click.Option) and tuple(flag.opts) not in leave_out]
    rows = [f"| <code>{_cell(spelling)}</code> | {_cell(meaning)} |" for spelling, meaning in filter(None, records)]
    return ["| flag | meaning |", "| --- | --- |", *rows] if rows else []


def _cell(text: str) -> str:
    """Text as it stands in a table cell: a pipe would end it."""
    return escape(text, quote=False).replace("|", "&#124;").replace("*", "&#42;").replace("_", "&#95;")


def main() -> int:
    from kubectl_rwx.main import root as rwx
    from oc_gsb.main import root as gsb

    stale = []
    for group, name in ((rwx, "kubectl-rwx"), (gsb, "oc-gsb")):
        path, text = ROOT / "docs" / "usage" / f"{name}.md", page(group, name)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"out of date, run make docs: {', '.join(stale)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
