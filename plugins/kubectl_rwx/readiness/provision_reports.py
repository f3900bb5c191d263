"""A provisioned claim as a row, and what to do with it."""

from __future__ import annotations

from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.model.reports import Column, Item, Report, column

KIND = "Provisioning"


def provision_report(claim: Manifest, chosen: Item, *, change: str, dry_run: str) -> Report:
    """chosen: the row of `check` about its class. dry_run: the suffix of a dry run, "" otherwise."""
    phase = str(part_of(claim, "status", "phase") or "Pending")
    item = {
        "namespace": namespace_of(claim), "name": name_of(claim), "change": change, "phase": phase,
        "request": part_of(claim, "spec", "resources", "requests", "storage"),
        "capacity": part_of(claim, "status", "capacity", "storage"), "class": chosen["name"],
        "level": chosen["level"], "snapshotClass": chosen["snapshotClass"] or None,
        "waitsForConsumer": phase == "Pending" and chosen["binding"] == "WaitForFirstConsumer",
        "volume": part_of(claim, "spec", "volumeName"), "volumes": volumes_of(claim),
    }
    return Report(
        kind=KIND, items=(item,), columns=_COLUMNS, empty="", notes=_notes(item, chosen, dry_run=dry_run),
        name=lambda one: f"{PERSISTENT_VOLUME_CLAIM.prefix}/{one['name']}",
    )


def volumes_of(claim: Manifest) -> list[Manifest]:
    """What a pod's `volumes` says to use the claim."""
    return [{"name": "backup", "persistentVolumeClaim": {"claimName": name_of(claim)}}]


def _notes(item: Item, chosen: Item, *, dry_run: str) -> tuple[str, ...]:
    name, namespace = item["name"], item["namespace"]
    if dry_run:
        return (f"persistentvolumeclaim/{name} would be {item['change']}{dry_run}",)
    notes = [
        f"to mount it, in each pod: volumes: [{{name: backup, persistentVolumeClaim: {{claimName: {name}}}}}], and "
        "volumeMounts: [{name: backup, mountPath: /backup}]",
        f"Kasten protects it with its namespace {namespace}: a policy there snapshots it with VolumeSnapshotClass "
        f"{item['snapshotClass'] or '<none>'} (it needs the annotation k10.kasten.io/is-snapshot-class: \"true\") and "
        "exports it",
    ]
    if item["waitsForConsumer"]:
        notes.insert(0, "it is bound when the first pod uses it (WaitForFirstConsumer); --bind makes it real now")
    if item["level"] != "proven":
        notes.append(f"the class is {item['level']}, not proven: kubectl rwx verify {chosen['name']}")
    return tuple(notes)


_COLUMNS = (
    column("NAME", "name"), column("CHANGE", "change"),
    Column("STATUS", lambda item: "WaitsForConsumer" if item["waitsForConsumer"] else str(item["phase"])),
    Column("SIZE", lambda item: str(item["capacity"] or item["request"])), column("CLASS", "class"),
    column("LEVEL", "level"), column("SNAPSHOT CLASS", "snapshotClass"), column("VOLUME", "volume", wide=True),
)
