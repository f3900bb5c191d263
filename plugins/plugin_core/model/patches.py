"""JSON merge patches (RFC 7386) between two versions of one object."""

from __future__ import annotations

import copy
from typing import Any

from plugin_core.model.manifests import Manifest


def merge_patch(before: Manifest, after: Manifest) -> Manifest:
    """The smallest merge patch that turns before into after; {} when they are equal.

    Lists are replaced whole. A value that is null in `after` cannot be said in a merge patch and counts as absent.
    """
    patch: Manifest = {key: None for key in before if after.get(key) is None and before[key] is not None}
    for key, value in after.items():
        old = before.get(key)
        if value is None or value == old:
            continue
        if isinstance(value, dict) and isinstance(old, dict):
            inner = merge_patch(old, value)
            if inner:
                patch[key] = inner
        else:
            patch[key] = value
    return patch


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """What a server makes of target under a merge patch; neither argument is changed, nor shared with the result."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    there = target if isinstance(target, dict) else {}
    result = {key: value if key in patch else copy.deepcopy(value) for key, value in there.items()}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply_merge_patch(result.get(key), value)
    return result
