"""What is so with snapshots and claims that did not become ready. Every line is an observation, none is a conclusion.

The order is the chain's: claim, class, snapshot-controller (content), driver and its sidecar (handle), errors, events.
A part that may not be read says so instead of hiding the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubectl_rwx.diagnosis.events import Event, own_events, read_events
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import seconds_since
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME_CLAIM,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.storage.snapshots import claim_of, content_of, error_of

SHOWN = 3
"""Objects described in full; the others of the same set mostly say the same."""

EVENTS_SHOWN = 3
SILENCE = 10.0
"""Seconds after which a snapshot without content and without events means that nobody answers."""


def explain_snapshots(
    cluster: Cluster, snapshots: Sequence[Manifest], *, namespace: str
) -> dict[str, list[str]]:
    """Lines about each of the first SHOWN snapshots, by name."""
    only = name_of(snapshots[0]) if len(snapshots) == 1 else ""
    events, unread = _read_events(cluster, VOLUME_SNAPSHOT, namespace=namespace, name=only)
    explained = {}
    for snapshot in snapshots[:SHOWN]:
        own = own_events(events.get(name_of(snapshot), []), snapshot)
        explained[name_of(snapshot)] = _explain_snapshot(cluster, snapshot, own, namespace=namespace) + unread
    return explained


def explain_claims(cluster: Cluster, claims: Sequence[Manifest], *, namespace: str) -> dict[str, list[str]]:
    """The same for claims that are not Bound."""
    only = name_of(claims[0]) if len(claims) == 1 else ""
    events, unread = _read_events(cluster, PERSISTENT_VOLUME_CLAIM, namespace=namespace, name=only)
    explained = {}
    for claim in claims[:SHOWN]:
        own = _event_lines(own_events(events.get(name_of(claim), []), claim))
        storage_class = part_of(claim, "spec", "storageClassName") or "<none>"
        heading = f"{part_of(claim, 'status', 'phase') or 'Pending'}, StorageClass {storage_class}"
        explained[name_of(claim)] = [heading, *(own or unread or ["it has no events"])]
    return explained


def _explain_snapshot(cluster: Cluster, snapshot: Manifest, events: list[Event], *, namespace: str) -> list[str]:
    lines: list[str] = []
    if claim_of(snapshot):
        _observe(lines, cluster, PERSISTENT_VOLUME_CLAIM, claim_of(snapshot), _say_claim, namespace=namespace)
    wanted = part_of(snapshot, "spec", "volumeSnapshotClassName")
    if wanted:
        _observe(lines, cluster, VOLUME_SNAPSHOT_CLASS, str(wanted), lambda found: [])
    content = content_of(snapshot)
    if content:
        _observe(lines, cluster, VOLUME_SNAPSHOT_CONTENT, content, _say_content)
    elif not events and seconds_since(part_of(snapshot, "metadata", "creationTimestamp")) >= SILENCE:
        lines.append("no content is bound and there are no events: the snapshot-controller has not answered")
    else:
        lines.append("no content is bound")
    if error_of(snapshot) and not any(error_of(snapshot) in line for line in lines):
        lines.append(f"status.error: {error_of(snapshot)}")
    return lines + _event_lines([event for event in events if event.message != error_of(snapshot)])


def _say_claim(claim: Manifest) -> list[str]:
    phase = part_of(claim, "status", "phase") or "Pending"
    return [] if phase == "Bound" else [f"its claim is {phase}"]


def _say_content(content: Manifest) -> list[str]:
    driver = part_of(content, "spec", "driver")
    lines = []
    if not part_of(content, "status", "snapshotHandle"):
        lines.append(f"content {name_of(content)} has no snapshotHandle: driver {driver}, or its csi-snapshotter "
                     "sidecar, has not given one")
    elif part_of(content, "status", "readyToUse") is not True:
        lines.append(f"content {name_of(content)} has a snapshotHandle, driver {driver} has not said that it is ready")
    words = " ".join(str(part_of(content, "status", "error", "message") or "").split())
    return lines + ([f"status.error of the content: {words}"] if words else [])


def _event_lines(events: Sequence[Event]) -> list[str]:
    """The latest events in the order of time, each kind of words once; warnings push out the others."""
    latest = {(event.reason, event.message): event for event in events}
    chosen = sorted(latest.values(), key=lambda event: (event.warning, event.last))[-EVENTS_SHOWN:]
    return [f"event {event.describe()}" for event in sorted(chosen, key=lambda event: event.last)]


def _observe(
    lines: list[str], cluster: Cluster, kind: Kind, name: str, say: Callable[[Manifest], list[str]], *,
    namespace: str | None = None,
) -> None:
    """Adds what there is to say about one object of the chain, its absence included."""
    what = f"{kind.name.lower()}/{name}"
    try:
        lines.extend(say(cluster.get(kind, name, namespace=namespace)))
    except errors.NotFound:
        lines.append(f"{what} does not exist")
    except errors.PluginError as error:
        lines.append(f"{what} could not be read: {error.message}")


def _read_events(
    cluster: Cluster, kind: Kind, *, namespace: str, name: str
) -> tuple[dict[str, list[Event]], list[str]]:
    """The events by object, and a line that says so when they could not be read."""
    try:
        return read_events(cluster, kind, namespace=namespace, name=name), []
    except errors.PluginError as error:
        return {}, [f"events could not be read: {error.message}"]
