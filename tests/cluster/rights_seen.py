"""Which rights a command used, by the requests that -v shows, and which ones Roles grant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

Right = tuple[str, str, str, str]
"""verb, API group, resource (with /subresource), namespace ("" for none)."""

_VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}
_FREE = {"selfsubjectaccessreviews"}
"""What every authenticated user may do; so is discovery, whose paths name no resource."""


def used_rights(log: str) -> set[Right]:
    """Of the requests in the stderr of a run with -v; an exec needs create, or get with older servers."""
    found: set[Right] = set()
    for method, url in re.findall(r"^(GET|POST|PATCH|PUT|DELETE) https?://[^/]+(/\S+)$", log, re.MULTILINE):
        right = _right(method, url)
        if right is not None:
            found.add(right)
    for namespace in re.findall(r"^exec /api/v1/namespaces/([^/]+)/pods/", log, re.MULTILINE):
        found |= {("create", "", "pods/exec", namespace), ("get", "", "pods/exec", namespace)}
    return found


def _right(method: str, url: str) -> Right | None:
    parts = urlsplit(url)
    words = [word for word in parts.path.split("/") if word]
    group, words = ("", words[2:]) if words[0] == "api" else (words[1], words[3:])
    namespace = ""
    if words and words[0] == "namespaces" and len(words) > 1:
        namespace = words[1]
        words = words[2:] or ["namespaces", namespace]
    if not words or words[0] in _FREE:
        return None
    resource = "/".join([words[0], *words[2:]])
    watched = parse_qs(parts.query).get("watch", [""])[0] in ("1", "true")
    reading = "watch" if watched else "get" if len(words) > 1 else "list"
    return _VERBS.get(method, reading), group, resource, namespace


def granted_rights(roles: Iterable[dict[str, Any]]) -> set[Right]:
    """`use` is left out: it is checked inside of other requests."""
    return {(verb, group, resource, role["metadata"].get("namespace", ""))
            for role in roles for rule in role["rules"] for group in rule["apiGroups"]
            for resource in rule["resources"] for verb in rule["verbs"] if verb != "use"}


def never_used(granted: set[Right], used: set[Right]) -> set[Right]:
    """Rights no request needed; one for all namespaces is used by a request in any of them."""
    anywhere = {(*right[:3], "") for right in used}
    return {right for right in granted if right not in used and not (right[3] == "" and right in anywhere)}
