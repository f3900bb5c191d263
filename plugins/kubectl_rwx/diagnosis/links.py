"""The links of a chain, each with what was observed and where; and which of them is the first that is broken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class State(str, Enum):
    """broken: seen to be so. suspect: nothing moves and it is this link's turn; inferred, not proven.

    waiting: its turn, and not for long yet, or for something that nobody need mend. unseen: it may not be read.
    """

    OK = "ok"
    BROKEN = "broken"
    SUSPECT = "suspect"
    WAITING = "waiting"
    UNSEEN = "not seen"


@dataclass(frozen=True)
class Link:
    """source: the object and field, lease or event that was read. code: stable, for scripts; "" for a sound link.

    matters: what follows from it. command: what mends it or leads on; "" when there is none.
    """

    name: str
    state: State
    observed: str
    source: str
    code: str = ""
    matters: str = ""
    command: str = ""

    @property
    def item(self) -> dict[str, Any]:
        """Its form in JSON."""
        return {
            "link": self.name, "state": self.state.value, "code": self.code or None, "observed": self.observed,
            "source": self.source, "matters": self.matters or None, "command": self.command or None,
        }


class Verdict(str, Enum):
    """The states, for a whole object. unknown: it is not ready, and nothing that may be seen says why."""

    HEALTHY = "healthy"
    BROKEN = "broken"
    SUSPECT = "suspect"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Chain:
    """One object. ready: it is what it should be by its own status. state: that status in words.

    events: the latest words about it, oldest first.
    """

    kind: str
    namespace: str
    name: str
    ready: bool
    state: str
    links: tuple[Link, ...]
    events: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """ "volumesnapshot/nightly"."""
        return f"{self.kind.lower()}/{self.name}"

    @property
    def first(self) -> Link | None:
        """The first broken link; without one the first suspect, else the first that is waited for.

        A ready object has broken links at most: whoever is suspect has nothing to do for it any more.
        """
        states = (State.BROKEN,) if self.ready else (State.BROKEN, State.SUSPECT, State.WAITING)
        return next((link for state in states for link in self.links if link.state is state), None)

    @property
    def verdict(self) -> Verdict:
        if self.first is not None:
            return Verdict(self.first.state.value)
        return Verdict.HEALTHY if self.ready else Verdict.UNKNOWN

    @property
    def unseen(self) -> tuple[Link, ...]:
        return tuple(link for link in self.links if link.state is State.UNSEEN)


def sound(name: str, observed: str, source: str) -> Link:
    return Link(name, State.OK, observed, source)


def unseen(name: str, what: str, words: str) -> Link:
    """what: the request that was refused, "list csinodes.storage.k8s.io"; words: the server's."""
    return Link(name, State.UNSEEN, words, what)
