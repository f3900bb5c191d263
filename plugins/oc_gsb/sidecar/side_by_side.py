"""Many workloads at once: so many at a time, each told about, and all brought to an end when the user interrupts.

Whatever writes runs in a thread while the main one only waits. A signal reaches the main thread alone, so it can never
land between a write and the note of what was written: it asks the others to stop, and each does so where that is safe.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.model.durations import Deadline
from plugin_core.model.progress import Progress, Silence

T = TypeVar("T")

PARALLEL, MOST = 5, 16
"""Workloads at a time: the default, and the largest that the connection pool serves with a watch and a request each."""

_BREATH = 0.5
"""Seconds; a wait without limit hears no Ctrl-C on Windows."""

_SHOWN, _WORDS = 2, 100
"""Workloads and letters of each that the common line has room for; the answer has the whole of it."""


class Stop:
    """Whether the user has asked for the end."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        self._asked.set()

    def code_of(self, error: errors.PluginError) -> ExitCode:
        """What a failure counts as: after an interrupt it is told as that, whatever failed of what was left to do."""
        return ExitCode.INTERRUPTED if self.asked else error.exit_code

    def deadline(self, seconds: float) -> Deadline:
        """A deadline that is also over once the user asked: every wait looks at its deadline."""
        plain = Deadline.after(seconds)
        return _Stoppable(plain.at, plain.seconds, self)


@dataclass(frozen=True)
class _Stoppable(Deadline):
    stop: Stop = field(default_factory=Stop)

    @property
    def left(self) -> float:
        return 0.0 if self.stop.asked else super().left


def run_side_by_side(jobs: Sequence[Callable[[], T]], *, parallel: int, stop: Stop) -> list[T | None]:
    """What each job returned, in order; None for one whose turn had not come when the user asked for the end.

    Returns when every job that began is over. What a job raises is raised here, but not before that. Ctrl-C sets stop.
    """
    driver = _Driver(jobs, parallel, stop)
    try:
        driver.start()
        driver.wait()
    except KeyboardInterrupt:
        stop.ask()
        driver.wait()
    results = [future.result() for future in driver.futures]
    return results + [None] * (len(jobs) - len(results))


class _Driver(Generic[T]):
    """Hands out the jobs in a thread, so that a signal cannot interrupt that either."""

    def __init__(self, jobs: Sequence[Callable[[], T]], parallel: int, stop: Stop) -> None:
        self._jobs, self._stop, self._over = jobs, stop, threading.Event()
        self._threads = max(1, min(parallel, len(jobs)))
        self._thread = threading.Thread(target=self._hand_out, name="side-by-side")
        self.futures: list[Future[T | None]] = []

    def start(self) -> None:
        self._thread.start()

    def _hand_out(self) -> None:
        with ThreadPoolExecutor(max_workers=self._threads) as pool:
            self.futures = [pool.submit(self._unless_stopped, job) for job in self._jobs]
        self._over.set()

    def wait(self) -> None:
        """Until all is over; at once when the thread never began."""
        while not self._over.wait(_BREATH) and self._thread.is_alive():
            pass

    def _unless_stopped(self, job: Callable[[], T]) -> T | None:
        return None if self._stop.asked else job()


class Voices:
    """One Progress for many workloads. With a single one it is passed through as it is."""

    def __init__(self, progress: Progress, *, what: str, total: int) -> None:
        self._progress, self._lock, self._total = progress, threading.Lock(), total
        self._states: dict[str, str] = {}
        self._over = 0
        if total > 1:
            progress.phase(what, total=total)

    def of(self, name: str) -> Progress:
        """What the workload of this name is told about with."""
        return self._progress if self._total <= 1 else _Voice(name, self)

    def over(self, name: str) -> None:
        """This one's turn is over."""
        if self._total > 1:
            with self._lock:
                self._states.pop(name, None)
                self._over += 1
                self._update()

    def say(self, name: str, state: str) -> None:
        """Where it stands now."""
        with self._lock:
            self._states[name] = state if len(state) <= _WORDS else f"{state[:_WORDS]}…"
            self._update()

    def note(self, text: str) -> None:
        with self._lock:
            self._progress.note(text)

    def warn(self, text: str) -> None:
        with self._lock:
            self._progress.warn(text)

    def _update(self) -> None:
        shown = [f"{name}: {state}" for name, state in list(self._states.items())[:_SHOWN]]
        more = len(self._states) - len(shown)
        self._progress.update(done=self._over, waiting_for="; ".join([*shown, *([f"{more} more"] if more else [])]))


class _Voice(Silence):
    """One workload's part: its phases are lines of their own, its count goes into the common line."""

    def __init__(self, name: str, voices: Voices) -> None:
        self._name, self._voices, self._total = name, voices, 0

    def phase(self, text: str, *, total: int = 0) -> None:
        self._total = total
        self._voices.note(text)

    def update(self, *, done: int, waiting_for: str = "") -> None:
        count = f"{done}/{self._total} pods" if self._total else ""
        self._voices.say(self._name, ", ".join(one for one in (count, waiting_for) if one))

    def note(self, text: str) -> None:
        self._voices.note(text)

    def warn(self, text: str) -> None:
        self._voices.warn(text)
