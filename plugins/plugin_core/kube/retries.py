"""Trying again: which failures pass by themselves, and for how long they are given the chance."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TypeVar

from plugin_core import errors
from plugin_core.kube.contacts import Contact, interrupted_for
from plugin_core.model.durations import Deadline

T = TypeVar("T")

BUDGET = 30.0
"""Seconds one request may go on being tried when no --timeout bounds it."""

AFTER_INTERRUPT = 20.0
"""Seconds a server may be away after Ctrl-C or SIGTERM: what tidies up then is tried once and told. A pod that is
deleted has 30 seconds to end, most often."""

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_TRIES_AT_500 = 4
"""A 500 may be etcd electing a leader, which passes in a second, or a webhook that is broken for good: a user who set
a timeout of ten minutes should not wait ten minutes for the webhook's words."""


def try_again(
    attempt: Callable[[int], T], *, deadline: Deadline | None = None, contact: Contact, repeatable: bool = True,
    pause: Callable[[float], object] = threading.Event().wait,
) -> T:
    """attempt(number) until it answers, fails for good, or time is over; raises its last error.

    The error is marked as outlasted when only the time was to blame.

    Passing failures: 429, 502 to 504, lost connections, 500 a few times, and a 403 of a server that was away just now.
    A server that never answered on this connection is not waited for: a wrong address should be told at once. Nor is
    one whose Retry-After is longer than the time left, or that stays away AFTER_INTERRUPT seconds after an interrupt.
    deadline None: BUDGET seconds from now. pause: sleeps; replaced in tests.

    repeatable: whether the request may be carried out twice. When False, only failures that prove that nothing was
    done (429, 403, no connection) are tried again.
    """
    limit = deadline or Deadline.after(BUDGET)
    number, wait = 0, _FIRST_PAUSE
    while True:
        try:
            return attempt(number)
        except (errors.Unavailable, errors.ConnectionFailed, errors.Forbidden) as error:
            asked = error.retry_after if isinstance(error, errors.Unavailable) else 0.0
            rest = max(wait * random.uniform(0.7, 1.3), asked)
            if not _passes(error, number, contact) or (not repeatable and may_have_acted(error)):
                raise
            if limit.left <= rest or _given_up(contact):
                if not isinstance(error, errors.Forbidden):
                    error.outlasted = True
                raise
        pause(rest)
        number, wait = number + 1, min(wait * 2, _LONGEST_PAUSE)


def _given_up(contact: Contact) -> bool:
    """Whether the server has been away for long enough since the user wanted an end."""
    since = interrupted_for()
    return since is not None and min(since, contact.silence) > AFTER_INTERRUPT


def may_have_acted(error: errors.PluginError) -> bool:
    """Whether the server may have carried out the request that failed with this error."""
    if isinstance(error, errors.ConnectionFailed):
        return error.may_have_acted
    return isinstance(error, errors.Unavailable) and error.status != 429


def _passes(error: errors.PluginError, number: int, contact: Contact) -> bool:
    if isinstance(error, errors.KubeconfigError):
        return False
    if isinstance(error, errors.ConnectionFailed):
        return contact.answered
    if isinstance(error, errors.Forbidden):
        return contact.just_back
    return not (isinstance(error, errors.Unavailable) and error.status == 500 and number + 1 >= _TRIES_AT_500)
