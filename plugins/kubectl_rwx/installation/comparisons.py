"""Whether an object is as it is wanted, and which of two releases is newer."""

from __future__ import annotations

import copy
from typing import Any

from plugin_core.model.manifests import Manifest

_SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


def holds(there: Any, wanted: Any) -> bool:
    """Whether all of `wanted` is in `there`; what the server added by itself does not count. Lists must be as long."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(
            holds(there.get(key), value) for key, value in wanted.items() if value not in (None, {}, [])
        )
    if isinstance(wanted, list):
        return isinstance(there, list) and len(there) == len(wanted) and all(map(holds, there, wanted))
    return bool(there == wanted)


def same(before: Manifest, after: Manifest) -> bool:
    """Whether two states of one object differ in nothing but what the server counts."""
    return _content(before) == _content(after)


def _content(manifest: Manifest) -> Manifest:
    content = {key: copy.deepcopy(value) for key, value in manifest.items() if key != "status"}
    content["metadata"] = {
        key: value for key, value in content.get("metadata", {}).items() if key not in _SERVERS_OWN and value
    }
    return content


def numbers_of(version: str) -> tuple[int, ...]:
    """(8, 6, 0) of "8.6.0" or "v8.6"; () of what is no version."""
    parts = version.removeprefix("v").partition("-")[0].split(".")
    if not all(part.isdigit() for part in parts):
        return ()
    return (*map(int, parts), 0, 0)[:3]


def is_older(version: str, than: str) -> bool:
    """False when either is not known."""
    one, other = numbers_of(version), numbers_of(than)
    return bool(one and other and one < other)
