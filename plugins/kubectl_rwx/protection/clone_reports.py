"""A cloned claim as a row."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.protection.answers import Problem
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest, labels_of, name_of, namespace_of, part_of, uid_of
from plugin_core.model.reports import Column, Report, column
from plugin_core.names import RUN_LABEL
from plugin_core.storage.claims import ACCESS_MODES

KIND = "CloneList"


def clone_report(
    claim: Manifest, *, source: str, change: str, idle: bool, problems: Sequence[Problem], notes: tuple[str, ...]
) -> Report:
    """change: created or unchanged. idle: it waits for its first consumer."""
    item = {
        "namespace": namespace_of(claim), "name": name_of(claim), "uid": uid_of(claim) or None,
        "run": labels_of(claim).get(RUN_LABEL), "change": change, "source": source,
        "phase": part_of(claim, "status", "phase") or "Pending", "waitsForConsumer": idle,
        "request": part_of(claim, "spec", "resources", "requests", "storage"),
        "capacity": part_of(claim, "status", "capacity", "storage"),
        "class": part_of(claim, "spec", "storageClassName"),
        "accessModes": part_of(claim, "spec", "accessModes") or [], "volumeMode": part_of(claim, "spec", "volumeMode"),
        "volume": part_of(claim, "spec", "volumeName"),
        "createdAt": part_of(claim, "metadata", "creationTimestamp"),
    }
    return Report(
        kind=KIND, items=(item,), columns=_COLUMNS, empty="", notes=notes,
        name=lambda one: f"{PERSISTENT_VOLUME_CLAIM.prefix}/{one['name']}",
        facts={"problems": [problem.item for problem in problems]},
    )


_COLUMNS = (
    column("NAME", "name"), column("SOURCE", "source"), column("CHANGE", "change"),
    Column("STATUS", lambda item: "WaitsForConsumer" if item["waitsForConsumer"] else str(item["phase"])),
    Column("SIZE", lambda item: item["capacity"] or item["request"]), column("CLASS", "class"),
    Column("ACCESS MODES", lambda item: ",".join(ACCESS_MODES.get(mode, mode) for mode in item["accessModes"])),
    column("VOLUMEMODE", "volumeMode", wide=True), column("VOLUME", "volume", wide=True),
)
