from __future__ import annotations

import signal
import threading
from functools import partial

import pytest

from fakes.progress import Recorder
from oc_gsb.sidecar import side_by_side
from oc_gsb.sidecar.side_by_side import Stop, Voices, run_side_by_side
from plugin_core import errors
from plugin_core.errors import ExitCode


def test_results_come_in_order_and_no_more_run_at_once_than_asked() -> None:
    lock, now, most = threading.Lock(), [0], [0]
    both = threading.Barrier(2)

    def job(number: int) -> int:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        if number < 2:
            both.wait(timeout=10)
        with lock:
            now[0] -= 1
        return number

    assert run_side_by_side([partial(job, one) for one in range(9)], parallel=2, stop=Stop()) == list(range(9))
    assert most == [2]
    assert run_side_by_side([], parallel=3, stop=Stop()) == []


def test_the_end_may_come_at_any_moment_of_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "_BREATH", 0.0)
    for number in range(300):
        assert run_side_by_side([lambda: number], parallel=1, stop=Stop()) == [number]


def test_a_failure_is_raised_when_all_are_over() -> None:
    over: list[int] = []

    def job(number: int) -> None:
        if number == 0:
            raise ValueError("a mistake")
        over.append(number)

    with pytest.raises(ValueError, match="a mistake"):
        run_side_by_side([partial(job, one) for one in range(4)], parallel=1, stop=Stop())
    assert over == [1, 2, 3]


def test_an_interrupt_lets_those_in_flight_end_and_starts_no_other() -> None:
    stop, began = Stop(), threading.Event()

    def job(number: int) -> str:
        if not began.is_set():
            began.set()
            signal.raise_signal(signal.SIGINT)
        deadline = stop.deadline(30)
        while not deadline.passed:
            threading.Event().wait(0.01)
        return f"{number} rolled back"

    assert run_side_by_side([partial(job, one) for one in range(3)], parallel=1, stop=stop) == [
        "0 rolled back", None, None]
    assert stop.asked


def test_a_stop_ends_every_deadline_made_of_it() -> None:
    stop = Stop()
    deadline = stop.deadline(100)
    assert not deadline.passed and deadline.left > 90 and deadline.seconds == 100
    stop.ask()
    assert deadline.passed and deadline.left == 0.0


def test_what_fails_after_an_interrupt_counts_as_interrupted() -> None:
    stop, error = Stop(), errors.ServerAway("the server does not answer")
    assert stop.code_of(error) is ExitCode.TIMEOUT
    stop.ask()
    assert stop.code_of(error) is ExitCode.INTERRUPTED


def test_a_single_workload_is_told_about_directly() -> None:
    progress = Recorder()
    assert Voices(progress, what="all", total=1).of("deployment/web") is progress


def test_many_share_one_line() -> None:
    progress = Recorder()
    voices = Voices(progress, what="injecting 3 workloads", total=3)
    one, two, three = (voices.of(name) for name in ("one", "two", "three"))
    one.phase("injecting one", total=2)
    one.update(done=1, waiting_for="1 of 2 new pods are available")
    two.update(done=0, waiting_for="held")
    three.update(done=0, waiting_for="slow")
    voices.over("one")
    one.warn("careful")
    assert progress.phases[0] == "injecting 3 workloads" and progress.notes == ["injecting one"]
    assert progress.warnings == ["careful"]
    assert progress.reasons[-2:] == [
        "one: 1/2 pods, 1 of 2 new pods are available; two: held; 1 more", "two: held; three: slow"]
