"""Progress on stderr: a live line on a terminal, plain lines elsewhere, nearly nothing with --quiet."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

from plugin_core.model.durations import format_duration
from plugin_core.model.progress import Silence

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PAUSE = 2.0
"""Seconds between two progress lines of one phase; the last one of a count is always shown."""


def make_progress(*, quiet: bool, stream: TextIO | None = None) -> Lines:
    """The progress that fits where stderr goes. Use it as a context manager, so that the terminal is left tidy."""
    chosen = stream or sys.stderr
    if quiet:
        return Quiet(chosen)
    return Live(chosen) if chosen.isatty() else Lines(chosen)


class Lines(Silence):
    """One line a phase, and one when count or reason change, at most one each PAUSE."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text, self._total, self._began, self._said, self._last = "", 0, time.monotonic(), "", 0.0

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *exc: object) -> None:
        self._end()

    def phase(self, text: str, *, total: int = 0) -> None:
        self._text, self._total, self._began, self._said, self._last = text, total, time.monotonic(), "", 0.0
        self._begin()

    def update(self, *, done: int, waiting_for: str = "") -> None:
        now = time.monotonic()
        elapsed = format_duration(int(now - self._began))
        count = f" {done}/{self._total}" if self._total else ""
        said = f"{count}{waiting_for}"
        over = bool(self._total) and done == self._total
        if said != self._said and (over or not self._said or now - self._last >= PAUSE):
            self._said, self._last = said, now
            self._show(done, f"{self._text}:{count} after {elapsed}" + (f": {waiting_for}" if waiting_for else ""))

    def note(self, text: str) -> None:
        self._print(text)

    def warn(self, text: str) -> None:
        self._print(f"warning: {text}")

    def _begin(self) -> None:
        self._print(self._text)

    def _show(self, done: int, line: str) -> None:
        self._print(line)

    def _end(self) -> None:
        pass

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class Quiet(Lines):
    """Warnings only."""

    def phase(self, text: str, *, total: int = 0) -> None:
        pass

    def update(self, *, done: int, waiting_for: str = "") -> None:
        pass

    def note(self, text: str) -> None:
        pass


class Live(Lines):
    """A spinner with phase, count, elapsed time and the reason for waiting; notes scroll above it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self._end()
        self._bar = Bar(
            SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn(),
            TextColumn("{task.fields[reason]}", markup=False, style="dim"),
            console=Console(file=self._stream), transient=True, redirect_stdout=False, redirect_stderr=False,
        )
        self._bar.start()
        self._task = self._bar.add_task(self._text, total=None, reason="")

    def update(self, *, done: int, waiting_for: str = "") -> None:
        if self._bar is not None and self._task is not None:
            count = f" {done}/{self._total}" if self._total else ""
            self._bar.update(self._task, description=f"{self._text}{count}", reason=waiting_for)

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            super()._print(text)
