"""docs/ reads as it was meant, on the site too, whose Markdown is pickier than others: nested code needs four blanks.

And what the pages tell people to type exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import markdown
import pytest
from mkdocs.config import load_config

from kubectl_rwx.main import root as rwx
from oc_gsb.main import root as gsb
from unit.build.scripts import ROOT

PAGES = sorted((ROOT / "docs").rglob("*.md"))
ROOTS = {"rwx": rwx, "gsb": gsb}
LEFT_OVER = re.compile(r"(?m)\$ (?:oc|kubectl) |```|\[[^\]\n]+\]\([^)\n]+\)|\*\*|\| --- |^\d+\. |^- ")
TYPED = re.compile(r"(?:kubectl|oc)[ -](rwx|gsb) ([a-z][a-z ./-]*)")


@lru_cache(maxsize=None)
def settings() -> tuple[list[str], dict[str, Any]]:
    config = load_config(str(ROOT / "mkdocs.yml"))
    return list(config["markdown_extensions"]), dict(config["mdx_configs"])


def prose(path: Path) -> str:
    """The page as HTML without its code."""
    extensions, options = settings()
    html = markdown.markdown(path.read_text(encoding="utf-8"), extensions=extensions, extension_configs=options)
    return re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.DOTALL)


def command_at(words: list[str], group: click.Group) -> click.Command | None:
    """The command that words begin with; None when there is none."""
    command = group.commands.get(words[0]) if words else None
    if isinstance(command, click.Group) and len(words) > 1 and words[1] in command.commands:
        return command.commands[words[1]]
    return command


def typed_commands(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """What stands in code spans, and in shell lines of code blocks: line, plugin, words after it."""
    spans = re.findall(r"`([^`\n]+)`", text)
    blocks = re.findall(r"^\s*(?:\$ )?((?:kubectl rwx|oc gsb) .*)$", text, flags=re.MULTILINE)
    for line in (*spans, *blocks):
        found = TYPED.match(line)
        if found:
            yield line, found[1], found[2].split()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_nothing_is_left_of_the_markup(path: Path) -> None:
    left = [match for match in LEFT_OVER.finditer(prose(path))]
    assert [match.string[max(0, match.start() - 60):match.end() + 60] for match in left] == []


@pytest.mark.parametrize("path", [*PAGES, ROOT / "README.md"], ids=lambda path: path.stem)
def test_each_command_on_a_page_exists_and_its_long_flags_too(path: Path) -> None:
    wrong = []
    for line, plugin, words in typed_commands(path.read_text(encoding="utf-8")):
        command = command_at(words, ROOTS[plugin])
        if command is None:
            wrong.append(line)
            continue
        flags = (*command.params, *ROOTS[plugin].params)
        known = {"--help", *(option for flag in flags for option in (*flag.opts, *flag.secondary_opts))}
        ours = re.split(r" -- | \| |;|&&|#|\$\(", line)[0]
        wrong += [f"{line}: {flag}" for flag in re.findall(r"(?<=\s)--[a-z0-9-]+", ours) if flag not in known]
    assert wrong == []


def test_enough_commands_are_found_for_that_to_mean_something() -> None:
    found = [words for path in PAGES for _, _, words in typed_commands(path.read_text(encoding="utf-8"))]
    assert len(found) > 200
