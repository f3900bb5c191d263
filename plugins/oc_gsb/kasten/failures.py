"""The words of a failed action: Kasten nests causes, often as JSON within strings, several levels deep."""

from __future__ import annotations

import json
from typing import Any

from plugin_core.model.manifests import Manifest, part_of

_DEEPEST = 60
_BRANCHES = ("cause", "Err", "err", "error", "errors", "fields", "value")
"""Where an error keeps what caused it; seen in public reports: cause within cause, and lists of sub-phases below
fields (kanisterio/kanister issue 1422)."""

_WORDS = ("message", "Message", "msg")


def error_chain(action: Manifest) -> tuple[str, ...]:
    """Every message from the outermost to the innermost, each once; () when the action has no error."""
    return tuple(dict.fromkeys(words for path in _paths(part_of(action, "status", "error"), 0) for words in path))


def innermost_errors(action: Manifest) -> tuple[str, ...]:
    """What really went wrong: the last message of each branch; () when the action has no error."""
    return tuple(dict.fromkeys(path[-1] for path in _paths(part_of(action, "status", "error"), 0) if path))


def _paths(value: Any, depth: int) -> list[tuple[str, ...]]:
    """Each way from here down, as the messages on it; a way without words is left out."""
    if depth > _DEEPEST or value in (None, ""):
        return []
    if isinstance(value, str):
        return _paths_of_text(value, depth)
    if isinstance(value, list):
        return [path for item in value for path in _paths(item, depth + 1)]
    if not isinstance(value, dict):
        return []
    own = [path for key in _WORDS for path in _paths(value.get(key), depth + 1)]
    below = [path for key in _BRANCHES if isinstance(value.get(key), (dict, list, str)) and _tells(key, value)
             for path in _paths(value[key], depth + 1)]
    head = own[0] if own else ()
    return [(*head, *path) for path in below] if below else ([head] if head else [])


def _tells(key: str, value: Manifest) -> bool:
    """A field's value is plain data (a namespace's name) unless it holds errors itself."""
    return key != "value" or isinstance(value["value"], (dict, list))


def _paths_of_text(text: str, depth: int) -> list[tuple[str, ...]]:
    """Plain words, or JSON, or words with JSON at their end."""
    stripped = text.strip()
    start = min((at for at in (stripped.find("{"), stripped.find("[")) if at >= 0), default=-1)
    if start >= 0:
        try:
            inner = json.loads(stripped[start:])
        except ValueError:
            return [(stripped,)]
        below = _paths(inner, depth + 1)
        words = stripped[:start].rstrip(" :")
        if below:
            return [(words, *path) if words else path for path in below]
    return [(stripped,)] if stripped else []
