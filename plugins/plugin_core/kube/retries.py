"""Trying again: which failures pass by themselves, and for how long they are given the chance."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TypeVar

from plugin_core import errors
from plugin_core.model.durations import Deadline

T = TypeVar("T")

BUDGET = 30.0
"""Seconds one request may go on being tried when no --timeout bounds it."""

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0


def try_again(
    attempt: Callable[[int], T], *, deadline: Deadline | None = None, answered_before: Callable[[], bool],
    pause: Callable[[float], object] = threading.Event().wait,
) -> T:
    """attempt(number) until it answers, fails for good, or time is over; raises its last error.

    Passing failures: 429, 5xx, and lost connections. A server that never answered on this connection is not waited for:
    a wrong address should be told at once. deadline None: BUDGET seconds from now. pause: sleeps; replaced in tests.
    """
    limit = deadline or Deadline.after(BUDGET)
    number, wait = 0, _FIRST_PAUSE
    while True:
        try:
            return attempt(number)
        except (errors.Unavailable, errors.ConnectionFailed) as error:
            hopeless = isinstance(error, errors.ConnectionFailed) and not answered_before()
            if hopeless or isinstance(error, errors.KubeconfigError) or limit.left <= wait:
                raise
        pause(wait * random.uniform(0.7, 1.3))
        number, wait = number + 1, min(wait * 2, _LONGEST_PAUSE)
