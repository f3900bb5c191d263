"""Kubernetes events of the objects a command waits for, in the words of whoever recorded them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import age_of
from plugin_core.model.kinds import EVENT, Kind
from plugin_core.model.manifests import Manifest, part_of, uid_of

EVENTS_SHOWN = 3


@dataclass(frozen=True)
class Event:
    """One kind of event of one object; last: RFC 3339, when it was seen last; uid: of the object."""

    type: str
    reason: str
    message: str
    count: int
    last: str
    uid: str

    @property
    def warning(self) -> bool:
        return self.type == "Warning"

    def describe(self, *, now: datetime | None = None) -> str:
        """ "12s ago, 3 times: ProvisioningFailed: the words"."""
        times = f", {self.count} times" if self.count > 1 else ""
        return f"{age_of(self.last or None, now=now)} ago{times}: {self.reason}: {self.message}"


def read_events(
    cluster: Cluster, kind: Kind, *, namespace: str | None, name: str = ""
) -> dict[str, list[Event]]:
    """Events of all objects of a kind by object name, the latest last.

    namespace None: of all namespaces. name: only of that object.
    """
    fields = f"involvedObject.kind={kind.name}" + (f",involvedObject.name={name}" if name else "")
    listing = cluster.list_all(EVENT, namespace=namespace, fields=fields)
    found: dict[str, list[Event]] = defaultdict(list)
    for manifest in listing.items:
        found[str(part_of(manifest, "involvedObject", "name") or "")].append(_event(manifest))
    return {key: sorted(events, key=lambda event: event.last) for key, events in found.items()}


def own_events(events: Sequence[Event], manifest: Manifest) -> list[Event]:
    """Only the events of this very object, not of an earlier one with its name."""
    return [event for event in events if not event.uid or event.uid == uid_of(manifest)]


def latest(events: Sequence[Event]) -> tuple[str, ...]:
    """The latest in the order of time, each kind of words once; warnings push out the others."""
    once = {(event.reason, event.message): event for event in events}
    chosen = sorted(once.values(), key=lambda event: (event.warning, event.last))[-EVENTS_SHOWN:]
    return tuple(event.describe() for event in sorted(chosen, key=lambda event: event.last))


def _event(manifest: Manifest) -> Event:
    last = (
        part_of(manifest, "series", "lastObservedTime") or manifest.get("lastTimestamp") or manifest.get("eventTime")
        or part_of(manifest, "metadata", "creationTimestamp") or ""
    )
    return Event(
        type=str(manifest.get("type") or ""), reason=str(manifest.get("reason") or ""),
        message=" ".join(str(manifest.get("message") or "").split()),
        count=int(part_of(manifest, "series", "count") or manifest.get("count") or 1), last=str(last),
        uid=str(part_of(manifest, "involvedObject", "uid") or ""),
    )
