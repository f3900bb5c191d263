"""Says so when only the small table of SCC decisions could be checked."""

import pytest

from unit.oc_gsb.scc.cases import BIG_TABLE, SMALL_TABLE, VARIABLE, big_table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if big_table() is None:
        terminalreporter.write_line(
            f"SCC decisions: {BIG_TABLE} not found and {VARIABLE} not set, checked {SMALL_TABLE.name} only", yellow=True
        )
