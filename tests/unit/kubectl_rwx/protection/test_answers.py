"""Many problems become one error with the right exit code."""

from __future__ import annotations

import pytest

from kubectl_rwx.protection.answers import SHOWN, Problem, sum_up
from plugin_core import errors
from plugin_core.errors import ExitCode

ABSENT = Problem("claim/a", errors.NotFound("it does not exist", hint="look"))
UNREADY = Problem("claim/b", errors.NotReady("it is lost"))


@pytest.mark.parametrize(("problems", "done", "code"), [
    ([ABSENT], 0, ExitCode.FAILED),
    ([UNREADY], 0, ExitCode.NOT_READY),
    ([UNREADY, UNREADY], 0, ExitCode.NOT_READY),
    ([ABSENT, UNREADY], 0, ExitCode.FAILED),
    ([UNREADY], 1, ExitCode.PARTLY_DONE),
])
def test_exit_code(problems: list[Problem], done: int, code: ExitCode) -> None:
    error = sum_up(problems, done=done, undone="claims were not done")
    assert error is not None
    assert error.exit_code == code


def test_no_problem_is_no_error() -> None:
    assert sum_up([], done=0, undone="") is None


def test_each_problem_and_each_hint_is_told_once() -> None:
    error = sum_up([ABSENT, ABSENT, UNREADY], done=2, undone="claims were not done")
    assert error is not None
    assert error.message.splitlines() == [
        "3 of 5 claims were not done:", "  claim/a: it does not exist", "  claim/a: it does not exist",
        "  claim/b: it is lost",
    ]
    assert error.hint == "look"


def test_hundreds_are_counted() -> None:
    error = sum_up([ABSENT] * (SHOWN + 7), done=0, undone="claims were not done")
    assert error is not None
    assert error.message.splitlines()[-1] == "  and 7 more (all of them with -o json)"
