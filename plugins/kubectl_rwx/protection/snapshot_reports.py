"""VolumeSnapshots as rows: what `snapshot` and `list` show, read from the objects alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_rwx.protection.answers import Problem
from plugin_core.model.durations import age_of
from plugin_core.model.kinds import VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of, namespace_of, part_of, uid_of
from plugin_core.model.reports import Column, Item, Report, column
from plugin_core.names import MANAGED_BY_LABEL, RUN_LABEL, RWX, SET_LABEL, SOURCE_DRIVER, SOURCE_SIZE
from plugin_core.storage.consistency import consistency_of
from plugin_core.storage.snapshots import claim_of, content_of, error_of, is_ready

KIND = "SnapshotList"


def describe_snapshot(name: str) -> str:
    """ "volumesnapshot/NAME"."""
    return f"{VOLUME_SNAPSHOT.name.lower()}/{name}"


def snapshot_item(snapshot: Manifest) -> dict[str, Any]:
    """One row; null where the object does not say. The keys are documented in docs/output.md."""
    annotations, labels = annotations_of(snapshot), labels_of(snapshot)
    return {
        "namespace": namespace_of(snapshot),
        "name": name_of(snapshot),
        "uid": uid_of(snapshot) or None,
        "set": labels.get(SET_LABEL),
        "run": labels.get(RUN_LABEL),
        "managed": labels.get(MANAGED_BY_LABEL) == RWX,
        "source": claim_of(snapshot) or None,
        "ready": is_ready(snapshot),
        "restoreSize": part_of(snapshot, "status", "restoreSize"),
        "sourceSize": annotations.get(SOURCE_SIZE),
        "class": part_of(snapshot, "spec", "volumeSnapshotClassName"),
        "driver": annotations.get(SOURCE_DRIVER),
        "content": content_of(snapshot) or part_of(snapshot, "spec", "source", "volumeSnapshotContentName"),
        "consistency": consistency_of(snapshot) or None,
        "createdAt": part_of(snapshot, "metadata", "creationTimestamp"),
        "cutAt": part_of(snapshot, "status", "creationTime"),
        "error": error_of(snapshot) or None,
    }


def snapshot_report(
    snapshots: Iterable[Manifest], *, problems: Sequence[Problem] = (), facts: dict[str, Any] | None = None,
    with_namespace: bool = False, empty: str = "", notes: tuple[str, ...] = (),
) -> Report:
    """The rows, set by set, the oldest set first. problems: what was asked for and is not among the rows."""
    items = _sort_by_set([snapshot_item(snapshot) for snapshot in snapshots])
    return Report(
        kind=KIND, items=tuple(items), columns=_columns(with_namespace), name=_name, empty=empty, notes=notes,
        facts={**(facts or {}), "problems": [problem.item for problem in problems]},
    )


def _sort_by_set(items: Sequence[Item]) -> list[Item]:
    """Sets stay together, in the order of their first snapshot; a snapshot without a set is a set of its own."""
    begun: dict[tuple[str, str], str] = {}
    for item in items:
        created = item["createdAt"] or ""
        begun[_group(item)] = min(begun.get(_group(item), created), created)
    return sorted(items, key=lambda item: (item["namespace"], begun[_group(item)], _group(item), item["name"]))


def _group(item: Item) -> tuple[str, str]:
    return item["namespace"], item["set"] or item["name"]


def _columns(with_namespace: bool) -> tuple[Column, ...]:
    first = (column("NAMESPACE", "namespace"),) if with_namespace else ()
    return (
        *first, column("NAME", "name"), column("SOURCE", "source"), column("READY", "ready"),
        column("RESTORESIZE", "restoreSize"), column("CLASS", "class"), column("CONSISTENCY", "consistency"),
        Column("AGE", lambda item: age_of(item["createdAt"])), column("SET", "set", wide=True),
        column("DRIVER", "driver", wide=True), column("CONTENT", "content", wide=True),
    )


def _name(item: Item) -> str:
    return f"{VOLUME_SNAPSHOT.prefix}/{item['name']}"
