"""The answer of `check`: a matrix of classes, the chain they hang on, and the findings. Schema: docs/schemas/."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubectl_rwx.diagnosis.leases import Life
from kubectl_rwx.diagnosis.snapshot_controllers import Controller
from kubectl_rwx.readiness.class_checks import ClassCheck, Verdict, is_default_class, next_step, registered_nodes
from kubectl_rwx.readiness.findings import Finding, finding_lines
from kubectl_rwx.readiness.observations import SNAPSHOT_KINDS, Observations
from kubectl_rwx.readiness.snapshot_class_lints import is_kasten_class, is_velero_class
from plugin_core.model.kinds import STORAGE_CLASS
from plugin_core.model.manifests import annotations_of, name_of, part_of
from plugin_core.model.quantities import format_quantity
from plugin_core.model.reports import Column, Item, Report, Section, column
from plugin_core.storage.snapshot_classes import driver_of_class, is_default
from plugin_core.storage.verdicts import Ability, Level

KIND = "StorageCheck"
_APPROVED = "api-approved.kubernetes.io"
"""Annotation on a CRD: the pull request that last changed the API, which tells CRDs of different releases apart."""


def check_report(
    seen: Observations, controller: Controller, checks: Sequence[ClassCheck], findings: Sequence[Finding], *,
    drivers: Sequence[str],
) -> Report:
    """Classes with the best verdict first. drivers: those spoken about."""
    usable = [check for check in checks if check.verdict is Verdict.USABLE]
    items = [_class_item(check, usable=usable) for check in checks]
    best = usable[0] if usable else None
    facts = {
        "usable": bool(best), "level": best.level.value if best else None, "best": best.name if best else None,
        "server": seen.server, "controller": _controller_item(controller),
        "unseen": [{"request": refusal.request, "words": refusal.words} for refusal in seen.unseen],
    }
    return Report(
        kind=KIND, items=tuple(items), columns=_COLUMNS, name=lambda item: f"{STORAGE_CLASS.prefix}/{item['name']}",
        facts=facts, empty="No StorageClasses found.", notes=_notes(usable),
        sections=(
            Section(key="", title="WHY", items=tuple(items), lines=_class_lines),
            Section(key="chain", title="CHAIN", items=tuple(_chain(seen, controller, drivers)), columns=_CHAIN_COLUMNS),
            Section(key="snapshotClasses", title="SNAPSHOT CLASSES", items=tuple(_snapshot_classes(seen, drivers)),
                    columns=_SNAPSHOT_CLASS_COLUMNS),
            Section(key="findings", title="FINDINGS", items=tuple(finding.item for finding in findings),
                    lines=finding_lines),
        ),
    )


def _notes(usable: Sequence[ClassCheck]) -> tuple[str, ...]:
    if not usable:
        return ()
    told = ", ".join(f"{check.name} ({_sureness(check.level)})" for check in usable)
    return (f"shared and with snapshots: {told}",)


def _sureness(level: Level) -> str:
    return "known, not proven" if level is Level.KNOWN else level.value


def _class_item(check: ClassCheck, *, usable: Sequence[ClassCheck]) -> Item:
    manifest, driver, recorded, profile = check.manifest, check.driver, check.verification, check.profile
    return {
        "name": check.name,
        "provisioner": check.provisioner,
        "default": is_default_class(manifest),
        "verdict": check.verdict.value,
        "level": check.level.value,
        "rwx": _ability(check.rwx),
        "snapshot": _ability(check.snapshot),
        "clone": _ability(check.clone),
        "expansion": check.expansion,
        "binding": str(manifest.get("volumeBindingMode") or "Immediate"),
        "reclaimPolicy": str(manifest.get("reclaimPolicy") or "Delete"),
        "snapshotClass": check.snapshot_class or None,
        "pointInTime": check.point_in_time.value,
        "minimumSize": format_quantity(driver.minimum_size) if driver and driver.minimum_size else None,
        "driver": {"name": driver.name, "source": driver.source} if driver else None,
        "storageProfile": {
            "lists": list(profile.modes), "shared": profile.shared, "cloneStrategy": profile.clone_strategy or None,
            "source": "spec" if profile.by_spec else "CDI",
        } if profile else None,
        "registeredOn": list(check.registered_on) if check.registered_on is not None else None,
        "reasons": list(check.reasons),
        "caveats": list(check.caveats),
        "next": next_step(check, usable=usable),
        "verification": {
            "date": recorded.date, "result": recorded.result, "accessMode": recorded.access_mode,
            "stale": check.stale or None,
        } if recorded else None,
    }


def _ability(ability: Ability) -> dict[str, str]:
    return {"level": ability.level.value, "text": ability.cell, "reason": ability.reason}


def _class_lines(item: Item) -> tuple[str, ...]:
    """Why the verdict is what it is, in a few lines."""
    sure = {"usable": f" ({_sureness(Level(item['level']))})"}.get(item["verdict"], "")
    lines = [f"{item['name']}: {item['verdict']}{sure}"]
    if item["verdict"] != Verdict.REJECTED.value:
        lines += [f"{name}: {item[key]['reason']}" for name, key in (("RWX", "rwx"), ("snapshots", "snapshot"))
                  if Level(item[key]["level"]).positive]
    lines += [*item["reasons"], *(f"caveat: {caveat}" for caveat in item["caveats"]), f"next: {item['next']}"]
    return tuple(lines)


def _chain(seen: Observations, controller: Controller, drivers: Sequence[str]) -> list[Item]:
    """Server, API, CRDs, controller, drivers, classes: each link with its state."""
    links = [
        _link("server", "ok", seen.server),
        _link("snapshot API", "ok" if seen.api_served else "fail",
              f"served: {', '.join(seen.snapshot_versions)}" if seen.snapshot_versions else "not served"),
        _definitions_link(seen),
        _controller_link(controller),
    ]
    return links + [_driver_link(seen, driver) for driver in drivers]


def _controller_link(controller: Controller) -> Item:
    state = {Life.RUNNING: "ok", Life.STOPPED: "fail", Life.UNSEEN: "warn"}[controller.life]
    version = f", {controller.version}" if controller.version else ""
    return _link("snapshot-controller", state, f"{controller.life.value}: {controller.observed}{version}")


def _definitions_link(seen: Observations) -> Item:
    if seen.definitions is None:
        return _link("snapshot CRDs", "unseen", "may not be read")
    definitions = seen.definitions.values()
    stored = {version for item in definitions for version in part_of(item, "status", "storedVersions") or ()}
    approved = {annotations_of(item).get(_APPROVED, "").rpartition("/")[2] for item in definitions} - {""}
    told = f"{len(definitions)} of {len(SNAPSHOT_KINDS)}"
    told += f", stored as {', '.join(sorted(stored))}" if stored else ""
    told += f", approved in external-snapshotter {', '.join(sorted(approved))}" if approved else ""
    return _link("snapshot CRDs", "ok" if len(definitions) == len(SNAPSHOT_KINDS) else "fail", told)


def _driver_link(seen: Observations, driver: str) -> Item:
    link = f"driver {driver}"
    nodes = registered_nodes(seen.nodes, driver)
    if nodes is None or seen.drivers is None:
        return _link(link, "unseen", "CSIDrivers or CSINodes may not be read")
    announced = any(name_of(item) == driver for item in seen.drivers)
    told = f"{'a' if announced else 'no'} CSIDriver object, on {len(nodes)} of {len(seen.nodes or ())} nodes"
    classes = [name_of(item) for item in seen.snapshot_classes or () if driver_of_class(item) == driver]
    if seen.snapshot_classes is not None:
        told += f"; VolumeSnapshotClass{'es' if len(classes) > 1 else ''}: {', '.join(classes) or 'none'}"
    if not nodes:
        return _link(link, "fail", told)
    return _link(link, "ok" if classes and len(nodes) == len(seen.nodes or ()) else "warn", told)


def _link(link: str, state: str, observed: str) -> Item:
    return {"link": link, "state": state, "observed": observed}


def _snapshot_classes(seen: Observations, drivers: Sequence[str]) -> list[Item]:
    return [
        {
            "name": name_of(item), "driver": driver_of_class(item), "default": is_default(item),
            "deletionPolicy": str(item.get("deletionPolicy", "")), "kasten": is_kasten_class(item),
            "velero": is_velero_class(item),
        }
        for item in seen.snapshot_classes or () if driver_of_class(item) in drivers
    ]


def _controller_item(controller: Controller) -> dict[str, Any]:
    return {
        "life": controller.life.value, "observed": controller.observed, "version": controller.version or None,
        "where": controller.where or None,
    }


def _text(title: str, key: str) -> Column:
    return Column(title, lambda item: str(item[key]["text"]))


_COLUMNS = (
    column("CLASS", "name"), column("PROVISIONER", "provisioner"), _text("RWX", "rwx"), _text("SNAPSHOT", "snapshot"),
    _text("CLONE", "clone"), column("EXPAND", "expansion"), column("BINDING", "binding"), column("VERDICT", "verdict"),
    column("DEFAULT", "default", wide=True), column("POINT-IN-TIME", "pointInTime", wide=True),
    column("SNAPSHOTCLASS", "snapshotClass", wide=True), column("MINIMUM", "minimumSize", wide=True),
)
_CHAIN_COLUMNS = (column("LINK", "link"), column("STATE", "state"), column("OBSERVED", "observed"))
_SNAPSHOT_CLASS_COLUMNS = (
    column("NAME", "name"), column("DRIVER", "driver"), column("DEFAULT", "default"),
    column("DELETION", "deletionPolicy"), column("KASTEN", "kasten"), column("VELERO", "velero"),
)
