"""What keeps an object from going away although its deletion was asked for. Every line is an observation."""

from __future__ import annotations

from kubectl_rwx.diagnosis.deletions import MEANINGS
from kubectl_rwx.diagnosis.events import own_events, read_events
from kubectl_rwx.protection.snapshot_users import read_uses
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.storage.snapshots import content_of


def explain_hold(cluster: Cluster, snapshot: Manifest) -> list[str]:
    """Finalizers with their meaning, claims being restored, the content's error, and the last events."""
    namespace, name = namespace_of(snapshot), name_of(snapshot)
    lines = [
        f"finalizer {finalizer}: {MEANINGS.get(finalizer, 'its owner has not let go')}"
        for finalizer in part_of(snapshot, "metadata", "finalizers") or ()
    ]
    try:
        use = read_uses(cluster, namespace=namespace).get(name)
        lines += [use] if use else []
    except errors.PluginError as error:
        lines.append(f"claims could not be read: {error.message}")
    if content_of(snapshot):
        lines += _say_content(cluster, content_of(snapshot))
    try:
        events = own_events(
            read_events(cluster, VOLUME_SNAPSHOT, namespace=namespace, name=name).get(name, []), snapshot
        )
    except errors.PluginError as error:
        return [*lines, f"events could not be read: {error.message}"]
    return lines + [f"event {event.describe()}" for event in events[-2:]]


def _say_content(cluster: Cluster, name: str) -> list[str]:
    try:
        content = cluster.get(VOLUME_SNAPSHOT_CONTENT, name)
    except errors.NotFound:
        return []
    except errors.PluginError as error:
        return [f"volumesnapshotcontent/{name} could not be read: {error.message}"]
    said = part_of(content, "status", "error", "message")
    return [f"volumesnapshotcontent/{name}: {said}"] if said else [f"volumesnapshotcontent/{name} is still there"]
