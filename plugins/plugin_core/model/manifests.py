"""Kubernetes objects as plain dicts, and how to read them without stumbling over what is absent."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]
"""One object as the API server sends it: JSON decoded, nothing typed, nothing lost."""


def name_of(manifest: Manifest) -> str:
    """metadata.name; "" when the object has none yet (generateName)."""
    return str(manifest.get("metadata", {}).get("name", ""))


def namespace_of(manifest: Manifest) -> str:
    """metadata.namespace; "" for a cluster-scoped object."""
    return str(manifest.get("metadata", {}).get("namespace", ""))


def uid_of(manifest: Manifest) -> str:
    """metadata.uid; "" before the server has seen the object."""
    return str(manifest.get("metadata", {}).get("uid", ""))


def labels_of(manifest: Manifest) -> dict[str, str]:
    """metadata.labels; empty when absent or null."""
    return manifest.get("metadata", {}).get("labels") or {}


def annotations_of(manifest: Manifest) -> dict[str, str]:
    """metadata.annotations; empty when absent or null."""
    return manifest.get("metadata", {}).get("annotations") or {}


def part_of(manifest: Manifest, *path: str) -> Any:
    """The value below path, e.g. part_of(pvc, "status", "phase"); None when any step is absent or null."""
    value: Any = manifest
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def is_terminating(manifest: Manifest) -> bool:
    """Whether deletion was asked for (the object may live on until its finalizers are done)."""
    return bool(part_of(manifest, "metadata", "deletionTimestamp"))
