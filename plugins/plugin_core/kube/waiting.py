"""The one way to wait: a watch over all objects at once, resumed after drops and expiry, with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.contacts import interrupted_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import Kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of

_SHORT_WATCH = 0.5
"""Seconds; a watch that ended sooner was cut off."""

TICK = 2.0
"""Seconds after which follow() yields though nothing changed, so that callers can look at the clock."""

View = dict[tuple[str, str], Manifest]
"""What is there now, by (namespace, name)."""


def follow(
    cluster: Cluster, kind: Kind, *, deadline: Deadline, namespace: str | None = None, labels: str = "",
    fields: str = "", tick: float = TICK,
) -> Iterator[View]:
    """The current objects, again and again: at once, after each change, every `tick` seconds; ends at the deadline.

    The same dict is yielded each time. Lost events cannot be missed: after a 410 the list is read anew. Where listing
    is allowed and watching is not, the list is read every tick instead. A server that is away is waited for; raises
    ServerAway when it is so until the deadline.
    """
    try:
        yield from _follow(
            cluster, kind, deadline=deadline, namespace=namespace, labels=labels, fields=fields, tick=tick
        )
    except (errors.ConnectionFailed, errors.Unavailable) as error:
        raise as_timeout(error, deadline=deadline) from error


def as_timeout(error: errors.PluginError, *, deadline: Deadline, seen: str = "") -> errors.PluginError:
    """ServerAway for a request of a wait that was tried again until the deadline; any other error as it is.

    seen: what was observed before, in words. A command that knows how to go on puts its own hint on it.
    """
    if isinstance(error, errors.ServerAway):
        words = error.message
    elif isinstance(error, (errors.ConnectionFailed, errors.Unavailable)) and error.outlasted:
        # by the clock: an interrupt may end a deadline before its time
        given_up = interrupted_for() is not None and time.monotonic() < deadline.at
        words = error.message + ("\nand it was not waited for any longer after the interrupt" if given_up else
                                 f"\nuntil the time for it, {format_duration(deadline.seconds)}, was over")
    else:
        return error
    return errors.ServerAway(
        words + (f"; last seen of {seen}" if seen else ""),
        hint="when the server answers again, the same command with a longer --timeout",
    )


def _follow(
    cluster: Cluster, kind: Kind, *, deadline: Deadline, namespace: str | None, labels: str, fields: str, tick: float
) -> Iterator[View]:
    bounded = cluster.within(deadline)
    rest = _Rest()
    while not deadline.passed:
        listing = bounded.list_all(kind, namespace=namespace, labels=labels, fields=fields)
        view: View = {(namespace_of(item), name_of(item)): item for item in listing.items}
        version = listing.resource_version
        yield view
        try:
            while not deadline.passed:
                seconds, began, event = min(tick, max(1.0, deadline.left)), time.monotonic(), None
                events = bounded.watch(
                    kind, resource_version=version, seconds=seconds, namespace=namespace, labels=labels, fields=fields
                )
                for event in events:
                    version = part_of(event.manifest, "metadata", "resourceVersion") or version
                    if event.type == "BOOKMARK":
                        continue
                    key = (namespace_of(event.manifest), name_of(event.manifest))
                    if event.type == "DELETED":
                        view.pop(key, None)
                    else:
                        view[key] = event.manifest
                    yield view
                    if deadline.passed:
                        return
                yield view
                rest.after(_SHORT_WATCH if event else time.monotonic() - began, deadline=deadline)
        except errors.Expired:
            rest.after(0.0, deadline=deadline)
        except errors.Forbidden:
            pause(min(tick, deadline.left))


class _Rest:
    """Keeps a server (or a proxy) that ends each watch at once from being asked a thousand times a second."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def after(self, lasted: float, *, deadline: Deadline) -> None:
        """The first short watch without events costs nothing, as drops happen; more in a row wait ever longer."""
        if lasted >= _SHORT_WATCH:
            self._seconds = 0.0
            return
        pause(min(self._seconds, deadline.left))
        self._seconds = min(max(0.1, self._seconds * 2), TICK)


def pause(seconds: float) -> None:
    """Waits without an event to wait for; only for polls that no watch can replace."""
    threading.Event().wait(seconds)


class Phase(str, Enum):
    """waiting may still become ready; failed never will."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Readiness:
    """A verdict on one object. reason: the observed fact, in the server's words where there are some."""

    phase: Phase
    reason: str = ""


@dataclass
class Outcome:
    """Where one awaited object stands. manifest: last seen; None when it was never there or is gone."""

    readiness: Readiness = field(default_factory=lambda: Readiness(Phase.WAITING, "not there yet"))
    manifest: Manifest | None = None

    @property
    def phase(self) -> Phase:
        return self.readiness.phase


Judge = Callable[[Manifest | None], Readiness]
"""Verdict on an object as last seen; None: it is not there."""


def wait_for(
    cluster: Cluster, kind: Kind, names: Iterable[str], *, namespace: str, judge: Judge, deadline: Deadline,
    labels: str = "", notify: Callable[[dict[str, Outcome]], None] | None = None,
) -> dict[str, Outcome]:
    """Waits until each named object is ready or failed, or the deadline has passed; what is not over stays `waiting`.

    One watch serves all names; labels narrows it. notify gets the outcomes after each look. No names: {} at once.
    Raises ServerAway, with the state last seen, when the server does not answer at the deadline.
    """
    outcomes = {name: Outcome() for name in names}
    if not outcomes:
        return outcomes
    fields = f"metadata.name={next(iter(outcomes))}" if len(outcomes) == 1 else ""
    looked = False
    try:
        for view in follow(cluster, kind, deadline=deadline, namespace=namespace, labels=labels, fields=fields):
            for name, outcome in outcomes.items():
                outcome.manifest = view.get((namespace, name))
                outcome.readiness = judge(outcome.manifest)
            looked = True
            if notify:
                notify(outcomes)
            if all(outcome.phase is not Phase.WAITING for outcome in outcomes.values()):
                break
    except (errors.ConnectionFailed, errors.Unavailable, errors.ServerAway) as error:
        raise as_timeout(error, deadline=deadline, seen=_first_waiting(outcomes) if looked else "") from error
    return outcomes


def _first_waiting(outcomes: dict[str, Outcome]) -> str:
    """One that is not over, with its state, and how many others there are."""
    waiting = [(name, outcome) for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING]
    if not waiting:
        return ""
    name, outcome = waiting[0]
    state = outcome.readiness.reason or ("there" if outcome.manifest else "not there")
    return f"{name}: {state}" + (f" (and {len(waiting) - 1} more)" if len(waiting) > 1 else "")
