"""Everything about a set or a snapshot that can be read: content, handle, source, restores made from it, events.

What may not be read is said to be unknown; nothing here guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubectl_rwx.diagnosis.events import Event, own_events, read_events
from kubectl_rwx.protection.answers import Answer, sum_up
from kubectl_rwx.protection.claim_selection import read_named
from kubectl_rwx.protection.rights import require_rights
from kubectl_rwx.protection.snapshot_reports import describe_snapshot, snapshot_item
from kubectl_rwx.protection.snapshot_selection import Chosen, find_snapshots
from kubectl_rwx.protection.snapshot_users import claims_by_snapshot
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import age_of
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of, uid_of
from plugin_core.model.reports import Column, Item, Report, Section, column
from plugin_core.storage.snapshots import content_of

KIND = "SnapshotDescriptionList"
UNKNOWN = "<not readable>"
_OURS = names.RUN_LABEL.partition("/")[0]
MEANINGS = {
    "quiesced": "every writer was stopped or frozen while it was cut",
    "crash": "of one moment, as after a power failure; nothing was quiesced",
    "fuzzy": "copied file by file while it may have been written to: not of one moment",
}


def describe_snapshots(cluster: Cluster, chosen: Chosen) -> Answer:
    """A row for each snapshot, and all there is to say about each below; a handful of requests for any number."""
    namespace = cluster.namespace
    require_rights(cluster, [chosen.right], namespace=namespace)
    snapshots, problems = find_snapshots(cluster, chosen)
    contents, claims = _contents(cluster, snapshots), _claims(cluster, namespace)
    events = _events(cluster, namespace, snapshots)
    items = tuple(_describe(snapshot, contents, claims, events) for snapshot in snapshots)
    facts = {"set": chosen.set_name or None, "problems": [problem.item for problem in problems]}
    report = Report(
        kind=KIND, items=items, columns=_COLUMNS, facts=facts, empty="",
        name=lambda item: f"{VOLUME_SNAPSHOT.prefix}/{item['name']}",
        sections=(Section(key="", title="", items=items, lines=_lines),),
    )
    return Answer(report, sum_up(problems, done=len(items), undone="snapshots were not described"))


def _contents(cluster: Cluster, snapshots: Sequence[Manifest]) -> dict[str, Manifest] | None:
    wanted = [content_of(snapshot) for snapshot in snapshots if content_of(snapshot)]
    try:
        return read_named(cluster, VOLUME_SNAPSHOT_CONTENT, wanted)
    except errors.Forbidden:
        return None


def _claims(cluster: Cluster, namespace: str) -> list[Manifest] | None:
    """Claims of all namespaces where that is allowed, since a snapshot may have been restored elsewhere."""
    for where in (None, namespace):
        try:
            return cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=where).items
        except errors.Forbidden:
            continue
    return None


def _events(cluster: Cluster, namespace: str, snapshots: Sequence[Manifest]) -> dict[str, list[Event]] | None:
    only = name_of(snapshots[0]) if len(snapshots) == 1 else ""
    try:
        return read_events(cluster, VOLUME_SNAPSHOT, namespace=namespace, name=only)
    except errors.Forbidden:
        return None


def _describe(
    snapshot: Manifest, contents: dict[str, Manifest] | None, claims: list[Manifest] | None,
    events: dict[str, list[Event]] | None,
) -> dict[str, Any]:
    item, annotations = snapshot_item(snapshot), annotations_of(snapshot)
    content = (contents or {}).get(content_of(snapshot), {})
    own = own_events((events or {}).get(name_of(snapshot), []), snapshot)
    return {
        **item,
        "driver": item["driver"] or part_of(content, "spec", "driver"),
        "handle": UNKNOWN if contents is None else part_of(content, "status", "snapshotHandle"),
        "deletionPolicy": UNKNOWN if contents is None else part_of(content, "spec", "deletionPolicy"),
        "sourceVolumeMode": annotations.get(names.SOURCE_VOLUME_MODE) or part_of(content, "spec", "sourceVolumeMode"),
        "sourceAccessModes": [mode for mode in annotations.get(names.SOURCE_ACCESS_MODES, "").split(",") if mode],
        "sourceClass": annotations.get(names.SOURCE_STORAGE_CLASS),
        "sourceState": _source_state(snapshot, claims),
        "restores": UNKNOWN if claims is None else _restores(snapshot, claims),
        "annotations": {key: value for key, value in annotations.items() if key.startswith(_OURS)},
        "finalizers": part_of(snapshot, "metadata", "finalizers") or [],
        "events": UNKNOWN if events is None else [event.describe() for event in own],
    }


def _source_state(snapshot: Manifest, claims: list[Manifest] | None) -> str:
    wanted = part_of(snapshot, "spec", "source", "persistentVolumeClaimName")
    if not wanted:
        return "none: made from a pre-provisioned content"
    if claims is None:
        return UNKNOWN
    namespace = snapshot["metadata"].get("namespace")
    found = next((claim for claim in claims if name_of(claim) == wanted
                  and claim["metadata"].get("namespace") == namespace), None)
    if found is None:
        return "gone"
    cut, created = item_time(snapshot), str(part_of(found, "metadata", "creationTimestamp") or "")
    newer = ", made anew since" if cut and created > cut else ""
    return f"{part_of(found, 'status', 'phase') or 'Pending'}{newer}"


def item_time(snapshot: Manifest) -> str:
    """When it was asked for, RFC 3339."""
    return str(part_of(snapshot, "metadata", "creationTimestamp") or "")


def _restores(snapshot: Manifest, claims: Sequence[Manifest]) -> list[dict[str, Any]]:
    """Claims that say they came from this very snapshot, or whose dataSource in its namespace names it."""
    namespace = snapshot["metadata"].get("namespace")
    here = [claim for claim in claims if claim["metadata"].get("namespace") == namespace]
    named = {uid_of(claim) for claim in claims_by_snapshot(here).get(name_of(snapshot), [])
             if names.RESTORED_FROM_UID not in annotations_of(claim)
             and str(part_of(claim, "metadata", "creationTimestamp") or "") >= item_time(snapshot)}
    return [
        {"namespace": claim["metadata"].get("namespace"), "name": name_of(claim),
         "phase": part_of(claim, "status", "phase") or "Pending",
         "createdAt": part_of(claim, "metadata", "creationTimestamp")}
        for claim in claims
        if uid_of(claim) in named or annotations_of(claim).get(names.RESTORED_FROM_UID) == uid_of(snapshot)
    ]


def _lines(item: Item) -> tuple[str, ...]:
    consistency = str(item["consistency"] or "not known: made by others")
    restores = item["restores"]
    told = {
        "set": item["set"], "run": item["run"], "cut": _moment(item["cutAt"]), "ready": str(item["ready"]).lower(),
        "error": item["error"],
        "consistency": f"{consistency} ({MEANINGS[consistency]})" if consistency in MEANINGS else consistency,
        "source": f"pvc/{item['source']} ({item['sourceState']})" if item["source"] else item["sourceState"],
        "source size": item["sourceSize"], "restore size": item["restoreSize"],
        "source class": item["sourceClass"], "access modes": ", ".join(item["sourceAccessModes"]),
        "volumeMode": item["sourceVolumeMode"], "driver": item["driver"], "class": item["class"],
        "content": item["content"], "handle": item["handle"], "deletion policy": item["deletionPolicy"],
        "finalizers": ", ".join(item["finalizers"]),
        "restored to": restores if restores == UNKNOWN else ", ".join(
            f"pvc/{one['name']} in {one['namespace']} ({one['phase']}, {age_of(one['createdAt'])} ago)"
            for one in restores) or "nothing",
    }
    lines = [f"{key + ':':<17}{value}" for key, value in told.items() if value not in (None, "")]
    events = item["events"] if isinstance(item["events"], list) else [item["events"]]
    return (describe_snapshot(item["name"]), *lines, *(f"{'event:':<17}{event}" for event in events))


def _moment(stamp: str | None) -> str:
    return f"{stamp} ({age_of(stamp)} ago)" if stamp else "not yet"


_COLUMNS = (
    column("NAME", "name"), column("SOURCE", "source"), column("READY", "ready"), column("CONSISTENCY", "consistency"),
    column("RESTORESIZE", "restoreSize"), Column("AGE", lambda item: age_of(item["createdAt"])),
)
