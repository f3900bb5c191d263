"""Findings about VolumeSnapshotClasses and their drivers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from kubectl_rwx.readiness.class_checks import ClassCheck
from kubectl_rwx.readiness.findings import Finding, Severity
from kubectl_rwx.readiness.observations import Observations
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of
from plugin_core.names import (
    DEFAULT_SNAPSHOT_CLASS,
    KASTEN_SNAPSHOT_CLASS,
    MISSPELT_DEFAULT_SNAPSHOT_CLASS,
    VELERO_SNAPSHOT_CLASS,
)
from plugin_core.storage.drivers import Known
from plugin_core.storage.snapshot_classes import driver_of_class, is_default


def lint_snapshot_classes(
    seen: Observations, checks: Sequence[ClassCheck], *, drivers: Sequence[str]
) -> Iterator[Finding]:
    """drivers: those spoken about; the classes of others are left alone."""
    classes = [item for item in seen.snapshot_classes or () if driver_of_class(item) in drivers]
    for item in classes:
        yield from _lint_spelling(item)
        yield from _lint_driver_of(item, seen)
        yield from _lint_deletion_policy(item)
    for driver in drivers:
        own = [item for item in classes if driver_of_class(item) == driver]
        users = [check for check in checks if check.provisioner == driver]
        if seen.snapshot_classes is not None and seen.api_served:
            yield from _lint_absence(driver, own, users)
        yield from _lint_defaults(driver, own)
        yield from _lint_marks(driver, own, seen)
        yield from _lint_nfs_shares(own, users)


def is_kasten_class(snapshot_class: Manifest) -> bool:
    return annotations_of(snapshot_class).get(KASTEN_SNAPSHOT_CLASS) == "true"


def is_velero_class(snapshot_class: Manifest) -> bool:
    return labels_of(snapshot_class).get(VELERO_SNAPSHOT_CLASS) == "true"


def _subject(snapshot_class: Manifest) -> str:
    return f"volumesnapshotclass/{name_of(snapshot_class)}"


def _annotate(snapshot_class: Manifest, *changes: str) -> str:
    return f"kubectl annotate volumesnapshotclass {name_of(snapshot_class)} {' '.join(changes)}"


def _lint_spelling(item: Manifest) -> Iterator[Finding]:
    value = annotations_of(item).get(MISSPELT_DEFAULT_SNAPSHOT_CLASS)
    if value is None:
        return
    changes = [f"{MISSPELT_DEFAULT_SNAPSHOT_CLASS}-"]
    if value == "true" and not is_default(item):
        changes.append(f"{DEFAULT_SNAPSHOT_CLASS}=true")
    yield Finding(
        Severity.WARN, "default-misspelt", _subject(item), f"annotation {MISSPELT_DEFAULT_SNAPSHOT_CLASS}: {value}",
        f"nobody reads it; the snapshot-controller reads {DEFAULT_SNAPSHOT_CLASS}"
        + ("" if is_default(item) else ", so the class is not the default it was meant to be"),
        _annotate(item, *changes),
    )


def _lint_driver_of(item: Manifest, seen: Observations) -> Iterator[Finding]:
    driver = driver_of_class(item)
    if seen.drivers is None or seen.nodes is None:
        return
    if any(name_of(known) == driver for known in seen.drivers):
        return
    if any(entry.get("name") == driver for node in seen.nodes for entry in node.get("spec", {}).get("drivers") or ()):
        return
    yield Finding(
        Severity.WARN, "class-without-driver", _subject(item),
        f"its driver {driver} is not installed: no CSIDriver, on no node",
        "snapshots of this class are never made: the name may be misspelt, or the driver is gone (a class that "
        "snapshots still name must stay until they are deleted)", "kubectl get csidrivers,csinodes",
    )


def _lint_deletion_policy(item: Manifest) -> Iterator[Finding]:
    if item.get("deletionPolicy") == "Retain":
        yield Finding(
            Severity.NOTE, "deletion-policy-retain", _subject(item), "deletionPolicy: Retain",
            "deleting a VolumeSnapshot leaves its content and the snapshot on the storage, to be removed by hand",
        )


def _lint_absence(driver: str, own: Sequence[Manifest], users: Sequence[ClassCheck]) -> Iterator[Finding]:
    entry = users[0].driver if users else None
    if own or not users or (entry and (not entry.csi or entry.snapshots is Known.NO)):
        return
    manifest = {
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass",
        "metadata": {"name": users[0].name, "annotations": {DEFAULT_SNAPSHOT_CLASS: "true"}},
        "driver": driver, "deletionPolicy": "Delete",
    }
    names, several = ", ".join(check.name for check in users), "es" if len(users) > 1 else ""
    needs = "if the driver makes snapshots, create a class (some drivers need secrets among its parameters)"
    yield Finding(
        Severity.FAIL if entry and entry.snapshots is Known.YES else Severity.WARN, "no-snapshot-class",
        f"driver/{driver}", f"StorageClass{several} {names}: no VolumeSnapshotClass",
        f"its volumes cannot be snapshotted; {needs}", f"echo '{json.dumps(manifest)}' | kubectl create -f -",
    )


def _lint_defaults(driver: str, own: Sequence[Manifest]) -> Iterator[Finding]:
    defaults = [item for item in own if is_default(item)]
    if len(defaults) > 1:
        names = ", ".join(name_of(item) for item in defaults)
        yield Finding(
            Severity.FAIL, "several-defaults", f"driver/{driver}",
            f"{len(defaults)} default VolumeSnapshotClasses: {names}",
            f'a VolumeSnapshot that names no class fails: "{len(defaults)} default snapshot classes were found"',
            _annotate(defaults[-1], f"{DEFAULT_SNAPSHOT_CLASS}-"),
        )
    if own and not defaults:
        yield Finding(
            Severity.WARN, "no-default", f"driver/{driver}",
            f"none of its VolumeSnapshotClasses is the default: {', '.join(name_of(item) for item in own)}",
            "a VolumeSnapshot that names no class fails"
            + ("" if len(own) == 1 else "; kubectl rwx snapshot needs --class to choose one"),
            _annotate(own[0], f"{DEFAULT_SNAPSHOT_CLASS}=true"),
        )


def _lint_marks(driver: str, own: Sequence[Manifest], seen: Observations) -> Iterator[Finding]:
    """Kasten and Velero pick the class that carries their mark; only spoken of where the product is installed."""
    for product, marked, mend in (
        ("kasten", [item for item in own if is_kasten_class(item)], f"annotate {{}} {KASTEN_SNAPSHOT_CLASS}"),
        ("velero", [item for item in own if is_velero_class(item)], f"label {{}} {VELERO_SNAPSHOT_CLASS}"),
    ):
        if product not in seen.backup_products or not own:
            continue
        name = product.capitalize()
        if not marked:
            command = "kubectl " + mend.format(f"volumesnapshotclass {name_of(own[0])}") + "=true"
            yield Finding(
                Severity.WARN, f"{product}-mark-absent", f"driver/{driver}",
                f"{name} is installed, and no VolumeSnapshotClass of this driver carries its mark",
                f"{name} then makes no CSI snapshots of this driver's volumes", command,
            )
        elif len(marked) > 1:
            command = "kubectl " + mend.format(f"volumesnapshotclass {name_of(marked[-1])}") + "-"
            yield Finding(
                Severity.WARN, f"{product}-mark-twice", f"driver/{driver}",
                f"marked for {name}: {', '.join(name_of(item) for item in marked)}",
                f"which one {name} takes is not said anywhere", command,
            )


def _lint_nfs_shares(own: Sequence[Manifest], users: Sequence[ClassCheck]) -> Iterator[Finding]:
    """csi-driver-nfs issue 1130: a class for snapshots that names another server or share than the volume's."""
    for item in own:
        if driver_of_class(item) != "nfs.csi.k8s.io":
            continue
        given = item.get("parameters") or {}
        for check in users:
            wanted = check.manifest.get("parameters") or {}
            other = [key for key in ("server", "share") if given.get(key) and given[key] != wanted.get(key)]
            if other:
                told = ", ".join(f"{key} {given[key]} instead of {wanted.get(key)}" for key in other)
                yield Finding(
                    Severity.WARN, "nfs-share-differs", _subject(item), f"{told}, as StorageClass {check.name} has it",
                    "csi-driver-nfs 4.11 and newer failed such snapshots until June 2026 (issue 1130), and the archive "
                    "lies on another share",
                    f"kubectl get volumesnapshotclass {name_of(item)} -o yaml",
                )
