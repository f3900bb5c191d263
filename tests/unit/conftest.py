"""What holds for every unit test: ages do not grow, and a missing table of SCC decisions is said."""

import signal
from collections.abc import Iterator
from datetime import datetime, tzinfo

import pytest

from fakes.storage import NOW
from plugin_core.model import durations
from unit.oc_gsb.scc.cases import BIG_TABLE, SMALL_TABLE, VARIABLE, big_table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if big_table() is None:
        terminalreporter.write_line(
            f"SCC decisions: {BIG_TABLE} not found and {VARIABLE} not set, checked {SMALL_TABLE.name} only", yellow=True
        )


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class _StoppedClock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return NOW


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ages are measured from when the objects were made, however slow the machine is."""
    monkeypatch.setattr(durations, "datetime", _StoppedClock)
