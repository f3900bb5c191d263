"""Restored claims as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_rwx.protection.answers import Problem
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of, namespace_of, part_of, uid_of
from plugin_core.model.reports import Column, Item, Report, column
from plugin_core.names import RESTORED_FROM, RUN_LABEL
from plugin_core.storage.claims import ACCESS_MODES

KIND = "RestoreList"


@dataclass(frozen=True)
class Restored:
    """A claim as last seen. source: the claim that was snapshotted, "" when not known. change: created or unchanged."""

    claim: Manifest
    source: str
    change: str
    waits_for_consumer: bool


def restore_report(
    restored: Sequence[Restored], *, problems: Sequence[Problem] = (), notes: tuple[str, ...] = ()
) -> Report:
    """One row for each claim, by name. problems: what was asked for and is not among the rows."""
    items = sorted((_item(one) for one in restored), key=lambda item: item["name"])
    return Report(
        kind=KIND, items=tuple(items), columns=_COLUMNS, name=_name, empty="", notes=notes,
        facts={"problems": [problem.item for problem in problems]},
    )


def _item(restored: Restored) -> dict[str, Any]:
    claim = restored.claim
    return {
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim) or None,
        "run": labels_of(claim).get(RUN_LABEL),
        "change": restored.change,
        "phase": part_of(claim, "status", "phase") or "Pending",
        "waitsForConsumer": restored.waits_for_consumer,
        "snapshot": annotations_of(claim).get(RESTORED_FROM),
        "source": restored.source or None,
        "request": part_of(claim, "spec", "resources", "requests", "storage"),
        "capacity": part_of(claim, "status", "capacity", "storage"),
        "class": part_of(claim, "spec", "storageClassName"),
        "accessModes": part_of(claim, "spec", "accessModes") or [],
        "volumeMode": part_of(claim, "spec", "volumeMode"),
        "volume": part_of(claim, "spec", "volumeName"),
        "createdAt": part_of(claim, "metadata", "creationTimestamp"),
    }


def _short_modes(item: Item) -> str:
    return ",".join(ACCESS_MODES.get(mode, mode) for mode in item["accessModes"])


def _status(item: Item) -> str:
    return "WaitsForConsumer" if item["waitsForConsumer"] and item["phase"] == "Pending" else str(item["phase"])


def _name(item: Item) -> str:
    return f"{PERSISTENT_VOLUME_CLAIM.prefix}/{item['name']}"


_COLUMNS = (
    column("NAME", "name"), column("SNAPSHOT", "snapshot"), column("CHANGE", "change"), Column("STATUS", _status),
    Column("SIZE", lambda item: item["capacity"] or item["request"]), column("CLASS", "class"),
    Column("ACCESS MODES", _short_modes), column("SOURCE", "source", wide=True),
    column("VOLUMEMODE", "volumeMode", wide=True), column("VOLUME", "volume", wide=True),
)
