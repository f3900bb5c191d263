"""What a connection knows of its server: when it was last heard of, and whether it is back from being away."""

from __future__ import annotations

import time

JUST_BACK = 15.0
"""Seconds after its return in which an API server may refuse what it will allow: it is still reading the roles."""

_interrupted: list[float] = []


def note_interrupt() -> None:
    """Ctrl-C or SIGTERM came: from now on a server that is away is not waited for long. A repeat changes nothing."""
    if not _interrupted:
        _interrupted.append(time.monotonic())


def interrupted_for() -> float | None:
    """Seconds since the interrupt; None when there was none."""
    return time.monotonic() - _interrupted[0] if _interrupted else None


class Contact:
    """Of one connection, shared by its threads. answered: whether the server has answered anything at all so far."""

    def __init__(self) -> None:
        self.answered = False
        self._heard = time.monotonic()
        self._lost = False
        self._back: float | None = None

    def heard(self, status: int) -> None:
        """There was an answer. One of 429 or 5xx shows that something is listening, not that it is well."""
        self.answered = True
        if status == 429 or status >= 500:
            return
        self._heard = time.monotonic()
        if self._lost:
            self._lost, self._back = False, self._heard

    def lost(self) -> None:
        """A connection was refused, or broke off; it matters only once the server has answered."""
        self._lost = self.answered

    @property
    def silence(self) -> float:
        """Seconds since the last proper answer, or since the beginning."""
        return time.monotonic() - self._heard

    @property
    def just_back(self) -> bool:
        """Whether the server answers again since less than JUST_BACK seconds."""
        return self._back is not None and time.monotonic() - self._back < JUST_BACK
