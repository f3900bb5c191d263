"""Ctrl-C neither vanishes in a finalizer nor leaves a lock behind, wherever it comes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from plugin_core import errors
from plugin_core.cli.interrupts import may_get_lost

PROGRAM = str(Path(__file__).with_name("program.py"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(errors.__file__).parents[1])}


def frame_in(*calls: tuple[str, str]) -> FrameType:
    """The innermost frame of (package, function) calling one another, outermost first."""
    inner: Any = sys._getframe
    for package, function in reversed(calls):
        space: dict[str, Any] = {"__name__": package, "inner": inner}
        exec(f"def {function}(): return inner()", space)
        inner = space[function]
    found = inner()
    assert isinstance(found, FrameType)
    return found


@pytest.mark.parametrize(("calls", "lost"), [
    ((("plugin_core.kube.waiting", "follow"),), False),
    ((("plugin_core.kube.waiting", "close"),), False),
    ((("json.decoder", "decode"),), False),
    ((("plugin_core.kube.waiting", "follow"), ("urllib3.response", "close")), True),
    ((("plugin_core.kube.transport", "send"), ("urllib3.connectionpool", "_get_conn"), ("queue", "get"),
      ("threading", "__enter__")), True),
    ((("plugin_core.kube.transport", "send"), ("http.client", "getresponse"), ("ssl", "read")), False),
    ((("plugin_core.kube.waiting", "pause"), ("threading", "wait")), False),
    # a websocket's close() drops whatever is raised within
    ((("plugin_core.kube.streams", "execute"), ("websocket._core", "close"), ("ssl", "read")), True),
])
def test_where_it_would_get_lost(calls: Any, lost: bool) -> None:
    assert may_get_lost(frame_in(*calls)) is lost


def test_outside_of_python_it_is_raised() -> None:
    assert not may_get_lost(None)


def test_a_server_that_is_given_up_because_of_it_is_no_timeout() -> None:
    ran = subprocess.run([sys.executable, PROGRAM, "away"], capture_output=True, text=True, env=ENVIRONMENT, timeout=20)
    assert (ran.returncode, ran.stderr) == (130, "error: not waited for any longer\n  try: do this\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_at_any_moment(number: int) -> None:
    """The program does nothing but what loses one Ctrl-C in ten when that is raised at once."""
    running = [subprocess.Popen([sys.executable, PROGRAM, "churn"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=ENVIRONMENT) for _ in range(8)]
    for process in running:
        assert process.stdout and process.stdout.readline() == "up\n"
    for process in running:
        time.sleep(random.random() / 100)
        process.send_signal(number)
    for process in running:
        stdout, stderr = process.communicate(timeout=30)
        assert (process.returncode, stdout) == (130, "the queue is free\n"), stderr
