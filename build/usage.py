"""Writes docs/usage/EXECUTABLE.md from the commands' own help; with --check, says which page is out of date instead."""

from __future__ import annotations

import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "plugins"))
WIDTH = 100


def page(group: click.Group, name: str) -> str:
    """One executable's flags: the shared ones once, then each command, and each command of a command, with its own."""
    context = click.Context(group, info_name=name, max_content_width=WIDTH, terminal_width=WIDTH)
    sections = [f"# `{name}`\n\nWritten by `make docs` from the commands themselves.\n", _help(group, context)]
    return "\n".join(sections + _below(group, context))


def _below(group: click.Group, context: click.Context) -> list[str]:
    sections = []
    for name, command in sorted(group.commands.items()):
        inner = click.Context(command, info_name=name, parent=context, terminal_width=WIDTH)
        sections += [f"## `{inner.command_path}`\n", _help(command, inner)]
        if isinstance(command, click.Group):
            sections += _below(command, inner)
    return sections


def _help(command: click.Command, context: click.Context) -> str:
    return f"```\n{command.get_help(context)}\n```\n"


def main() -> int:
    from kubectl_rwx.main import root as rwx
    from oc_gsb.main import root as gsb

    stale = []
    for group, name in ((rwx, "kubectl-rwx"), (gsb, "oc-gsb")):
        path, text = ROOT / "docs" / "usage" / f"{name}.md", page(group, name)
        if not path.is_file() or path.read_text() != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    if stale and "--check" in sys.argv:
        print(f"out of date, run make docs: {', '.join(stale)}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
