"""The steps of a run as rows of the verdict table: which there are, in which order, and which ability each proves."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from kubectl_rwx.readiness.verification import comparisons
from plugin_core import errors
from plugin_core.kube.waiting import Phase
from plugin_core.model.checks import Check, Verdict

PROVISION, WRITE, NODES, CROSS_READ = "provision", "write", "second pod", "cross-read"
SNAPSHOT, RESTORE, SOURCE_KEPT, ISOLATED = "snapshot", "restore", "source kept", "restore isolated"
CLONE, CLONE_DATA, CLONE_ISOLATED = "clone", "clone data", "clone isolated"
EXPAND = "expand"
CLEANUP, RECORD = "cleanup", "record"

_SHARING = (PROVISION, WRITE, NODES, CROSS_READ)
_RESTORING = (
    RESTORE, comparisons.CONTENT, comparisons.OWNERSHIP, comparisons.MODE, comparisons.TIME, comparisons.LINKS,
    comparisons.EMPTY, SOURCE_KEPT, ISOLATED,
)
_CLONING = (CLONE, CLONE_DATA, CLONE_ISOLATED)

STEPS = (*_SHARING, SNAPSHOT, *_RESTORING, *_CLONING, EXPAND)
"""Every row of a whole run, in order; cleanup and record follow."""

ABILITIES = {
    "rwx": _SHARING, "snapshot": (SNAPSHOT, *_RESTORING), "restore": _RESTORING, "clone": _CLONING,
    "expansion": (EXPAND,),
}
"""What each recorded ability rests on: a snapshot that cannot be restored from is none."""


@dataclass(frozen=True)
class Row:
    """seconds: how long the step took; None for a row that is a comparison only."""

    check: Check
    seconds: float | None = None


class Halted(Exception):
    """The run cannot go on: the step's row says why. timed_out: --timeout was over.

    open_because: why the run says nothing about the class; "" when it does.
    """

    def __init__(self, *, timed_out: bool = False, open_because: str = "") -> None:
        super().__init__()
        self.timed_out = timed_out
        self.open_because = "time was over before there was a result" if timed_out else open_because


class Hindered(Exception):
    """A pod cannot run for a reason of its own: the step fails, and nothing is said about the class."""

    def __init__(self, observed: str, advice: str) -> None:
        super().__init__(observed)
        self.observed, self.advice = observed, advice


class Ledger:
    """The rows of a run as they come to be."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(
        self, name: str, verdict: Verdict, observed: str, advice: str = "", *, seconds: float | None = None
    ) -> None:
        self.rows.append(Row(Check(name, verdict, observed, advice), seconds))

    def extend(self, checks: Sequence[Check]) -> None:
        self.rows += [Row(check) for check in checks]

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Times what happens inside; a refusal of the API server becomes the step's row, and the run is over."""
        step = Step(self, name)
        try:
            yield step
        except errors.TimedOut as error:
            step.fail(error.message, error.hint)
            raise Halted(timed_out=True) from error
        except Hindered as hindered:
            step.fail(hindered.observed, hindered.advice)
            raise Halted(open_because="a pod could not run, which tells nothing of the storage") from hindered
        except errors.ApiFailure as error:
            step.fail(error.message, error.hint)
            raise Halted(open_because="the run was disturbed, which tells nothing of the storage") from error

    def verdict_of(self, name: str) -> Verdict | None:
        """None: there is no such row yet."""
        return next((row.check.verdict for row in self.rows if row.check.name == name), None)

    def complete(self, *, clone: bool, expand: bool) -> None:
        """Adds a skipped row for each step not reached, and puts all in order. clone, expand: wanted at all."""
        unwanted = {name: "not wanted (--no-clone)" for name in _CLONING if not clone}
        unwanted |= {} if expand else {EXPAND: "not asked for (--expand)"}
        for name in STEPS:
            if self.verdict_of(name) is None:
                self.add(name, Verdict.SKIP, unwanted.get(name, "not reached"))
        self.rows.sort(key=lambda row: STEPS.index(row.check.name))


class Step:
    """One timed step."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger, self._name, self._began = ledger, name, time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._began, 2)

    def ok(self, observed: str) -> None:
        self._ledger.add(self._name, Verdict.OK, observed, seconds=self.seconds)

    def warn(self, observed: str, advice: str = "") -> None:
        self._ledger.add(self._name, Verdict.WARN, observed, advice, seconds=self.seconds)

    def fail(self, observed: str, advice: str = "") -> None:
        self._ledger.add(self._name, Verdict.FAIL, observed, advice, seconds=self.seconds)

    def skip(self, observed: str, advice: str = "") -> None:
        self._ledger.add(self._name, Verdict.SKIP, observed, advice, seconds=self.seconds)

    def halt(self, phase: Phase, reason: str, *, timeout: str, advice: str = "") -> Halted:
        """The failed row of a wait that ended badly, and the exception to raise."""
        over = phase is Phase.WAITING
        self.fail(f"not ready after {timeout} (--timeout): {reason}" if over else reason, advice)
        return Halted(timed_out=over)
