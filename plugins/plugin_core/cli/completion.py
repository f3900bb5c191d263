"""What may stand at the cursor: answers the shells' scripts, and kubectl's own completion of plugins.

The protocol is the one kubectl speaks with `kubectl_complete-NAME` (kubectl's pkg/cmd/plugin/plugin_completion.go): the
words after the plugin's name as arguments, the unfinished one last; a candidate and its description, parted by a tab,
on each line of stdout; `:NUMBER` on the last line says what the shell may do besides. Whatever goes wrong, a
shell that waits for a Tab gets nothing, in silence, and within limit() seconds.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import NoReturn

import click
from click.shell_completion import CompletionItem, ShellComplete

from plugin_core.names import COMPLETION_SECONDS

COMMAND = "__complete"
FILES, NO_SPACE, NO_FILES = 0, 2, 4
"""Of cobra's ShellCompDirective (spf13/cobra completions.go) what we use."""

Source = Callable[[click.Context, str], Sequence[str]]
"""The candidates of a parameter, given the context of the words before and the unfinished word."""
Sources = Mapping[str, Source]
"""By "COMMAND PARAMETER", such as "restore targets", or by PARAMETER for every command that has it."""


def file_names(context: click.Context, unfinished: str) -> Sequence[str]:
    """A Source: the shell's own completion of files."""
    return ()


def limit() -> float:
    """Seconds for everything, a credential plugin's too: 1, or what the user's environment says."""
    try:
        return max(float(os.environ.get(COMPLETION_SECONDS, "")), 0.1)
    except ValueError:
        return 1.0


class _TimeIsUp(BaseException):
    """Not an Exception: whoever catches those on the way must not swallow it."""


def answer(group: click.Group, words: Sequence[str], *, name: str, sources: Sources) -> None:
    """Prints the candidates for the last of `words` ("" when nothing is typed yet) and the directive."""
    _be_quiet()
    items = candidates(group, words, name=name, sources=sources)
    shown = [item for item in items if item.type == "plain"]
    lines = [f"{item.value}\t{_first_line(item.help)}" if item.help else str(item.value) for item in shown]
    sys.stdout.write("\n".join([*lines, f":{_directive(items)}", ""]))


def candidates(
    group: click.Group, words: Sequence[str], *, name: str, sources: Sources
) -> list[CompletionItem[str]]:
    """What fits the last word, with click's own knowledge of commands, flags and choices.

    Raises what `sources` raise when the cluster is asked in vain.
    """
    _plant(group, (), sources)
    before, unfinished = list(words[:-1]), words[-1] if words else ""
    return ShellComplete(group, {}, name, "").get_completions(before, unfinished)


def source_of(path: Sequence[str], parameter: click.Parameter, sources: Sources) -> Source | None:
    """The one for this very command, else the one for the parameter's name; None: nothing is known."""
    return sources.get(f"{' '.join(path)} {parameter.name}".strip(), sources.get(str(parameter.name)))


def _plant(command: click.Command, path: tuple[str, ...], sources: Sources) -> None:
    for parameter in command.params:
        source = source_of(path, parameter, sources)
        if source:
            parameter.shell_complete = _items_of(source)  # type: ignore[assignment]
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            _plant(below, (*path, name), sources)


def _items_of(source: Source) -> Callable[[click.Context, str], list[CompletionItem[str]]]:
    def items(context: click.Context, unfinished: str) -> list[CompletionItem[str]]:
        if source is file_names:
            return [CompletionItem(unfinished, type="file")]
        return [CompletionItem(value) for value in sorted(source(context, unfinished)) if value.startswith(unfinished)]

    return items


def _directive(items: Sequence[CompletionItem[str]]) -> int:
    if any(item.type in ("file", "dir") for item in items):
        return FILES
    unfinished = bool(items) and all(str(item.value).endswith("/") for item in items)
    return NO_FILES + (NO_SPACE if unfinished else 0)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].replace("\t", " ")


def _be_quiet() -> None:
    """No word on stderr, no question on stdin (credential plugins inherit both), and an end when time is up."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 2)
    sys.excepthook = lambda *about: None
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, limit())


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise _TimeIsUp
