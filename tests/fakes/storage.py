"""Builders of storage objects with valid defaults; what a test is about is what it passes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from plugin_core import names
from plugin_core.model.manifests import Manifest

DRIVER = "one.csi.test"
NAMESPACE = "app"


NOW = datetime.now(timezone.utc).replace(microsecond=0)
"""When the objects of a test run are looked at: tests/unit/conftest.py stops the clock of ages here."""


def timestamp(*, seconds_ago: float = 0) -> str:
    """RFC 3339, as the API server writes it."""
    return (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def claim(
    name: str = "data", *, phase: str = "Bound", size: str = "1Gi", storage_class: str = "one", driver: str = DRIVER,
    modes: tuple[str, ...] = ("ReadWriteMany",), labels: dict[str, str] | None = None, **metadata: Any,
) -> Manifest:
    """A claim; a Bound one has the volume pv-NAME."""
    bound = phase == "Bound"
    annotations = {names.STORAGE_PROVISIONER: driver, **metadata.pop("annotations", {})}
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "labels": labels or {}, "annotations": annotations, **metadata,
        },
        "spec": {
            "accessModes": list(modes), "storageClassName": storage_class, "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": size}}, **({"volumeName": f"pv-{name}"} if bound else {}),
        },
        "status": {"phase": phase, **({"capacity": {"storage": size}} if bound else {})},
    }


def volume(name: str = "pv-data", *, driver: str = DRIVER, source: dict[str, Any] | None = None) -> Manifest:
    """A PersistentVolume; source replaces the CSI one."""
    return {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteMany"], "capacity": {"storage": "1Gi"},
                 **(source or {"csi": {"driver": driver, "volumeHandle": name}})},
    }


def snapshot_class(name: str = "one", *, driver: str = DRIVER, default: bool = False, **annotations: str) -> Manifest:
    marks = {names.DEFAULT_SNAPSHOT_CLASS: "true"} if default else {}
    return {
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "driver": driver,
        "deletionPolicy": "Delete", "metadata": {"name": name, "annotations": {**marks, **annotations}},
    }


def storage_class(name: str = "one", *, driver: str = DRIVER, binding: str = "Immediate") -> Manifest:
    return {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": driver,
        "volumeBindingMode": binding,
    }


def snapshot(
    name: str = "nightly", *, claim: str = "data", ready: bool = True, size: str | None = "1Gi", error: str = "",
    labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, content: str | None = None,
    seconds_ago: float = 60, **metadata: Any,
) -> Manifest:
    """A VolumeSnapshot; content "" means that none is bound."""
    bound = f"content-{name}" if content is None else content
    status: dict[str, Any] = {"readyToUse": ready}
    if bound:
        status["boundVolumeSnapshotContentName"] = bound
    if size:
        status["restoreSize"] = size
    if ready:
        status["creationTime"] = timestamp(seconds_ago=seconds_ago)
    if error:
        status["error"] = {"message": error, "time": timestamp()}
    return {
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "labels": labels or {}, "annotations": annotations or {},
            "creationTimestamp": timestamp(seconds_ago=seconds_ago), **metadata,
        },
        "spec": {"volumeSnapshotClassName": "one", "source": {"persistentVolumeClaimName": claim}},
        "status": status,
    }


def content(name: str = "content-nightly", *, driver: str = DRIVER, handle: str = "h-1", **status: Any) -> Manifest:
    return {
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent", "metadata": {"name": name},
        "spec": {"driver": driver, "sourceVolumeMode": "Filesystem"},
        "status": {**({"snapshotHandle": handle} if handle else {}), **status},
    }


def event(
    kind: str, name: str, *, reason: str, message: str, count: int = 1, seconds_ago: float = 5, type: str = "Warning"
) -> Manifest:
    """An event of an object in the namespace."""
    return {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": f"{name}.{reason}", "namespace": NAMESPACE},
        "involvedObject": {"kind": kind, "name": name, "namespace": NAMESPACE}, "type": type, "reason": reason,
        "message": message, "count": count, "lastTimestamp": timestamp(seconds_ago=seconds_ago),
    }
