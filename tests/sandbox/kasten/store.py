"""The aggregated API's objects: in memory, each also a JSON file."""

import copy
import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.kasten.kinds import KINDS, Kind

Manifest = dict[str, Any]
_SUFFIX = 8


class Refused(Exception):
    """An answer outside 2xx: the HTTP status, the Status reason, and the words."""

    def __init__(self, status: int, reason: str, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.name = status, reason, message, name


class Store:
    """Safe to use from several threads. Objects handed out are copies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.RLock()
        self._objects: dict[tuple[str, str, str], Manifest] = {}
        self._version = int(time.time())
        for kind in KINDS:
            for path in sorted((folder / kind.plural).glob("*.json")):
                item = json.loads(path.read_text())
                self._objects[kind.plural, item["metadata"].get("namespace", ""), item["metadata"]["name"]] = item

    def create(self, kind: Kind, given: Manifest, *, namespace: str, keep: bool = True) -> Manifest:
        """The object as stored. keep False (a dry run, or a kind that is not stored): as it would be."""
        item = copy.deepcopy(given)
        item.update(apiVersion=kind.api_version, kind=kind.name)
        metadata = item.setdefault("metadata", {})
        if not metadata.get("name"):
            if not metadata.get("generateName"):
                raise Refused(422, "Invalid", f"{kind.name} is invalid: metadata.name: Required value")
            metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:_SUFFIX]
        if kind.namespaced:
            metadata["namespace"] = namespace
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self._guard:
            key = (kind.plural, namespace if kind.namespaced else "", metadata["name"])
            if key in self._objects:
                words = f'{kind.plural}.{kind.group} "{metadata["name"]}" already exists'
                raise Refused(409, "AlreadyExists", words)
            if keep:
                self._put(key, item)
            return copy.deepcopy(item)

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Manifest:
        with self._guard:
            item = self._objects.get((kind.plural, namespace, name))
            if item is None:
                raise Refused(404, "NotFound", f'{kind.plural}.{kind.group} "{name}" not found', name=name)
            return copy.deepcopy(item)

    def listed(self, kind: Kind, *, namespace: str = "", matches: Callable[[Manifest], bool] = lambda item: True
               ) -> tuple[list[Manifest], int]:
        """The objects of one namespace ("" for all), and the version they were read at."""
        with self._guard:
            found = [copy.deepcopy(item) for (plural, where, _), item in sorted(self._objects.items())
                     if plural == kind.plural and namespace in ("", where) and matches(item)]
            return found, self._version

    def change(self, kind: Kind, name: str, edit: Callable[[Manifest], None], *, namespace: str = "") -> Manifest:
        """For the stand-in itself: the API offers no update. A deleted object stays deleted."""
        with self._guard:
            key = (kind.plural, namespace, name)
            if key not in self._objects:
                raise Refused(404, "NotFound", f'{kind.plural}.{kind.group} "{name}" not found', name=name)
            item = copy.deepcopy(self._objects[key])
            edit(item)
            self._put(key, item)
            return copy.deepcopy(item)

    def delete(self, kind: Kind, name: str, *, namespace: str = "") -> Manifest:
        with self._guard:
            item = self.get(kind, name, namespace=namespace)
            del self._objects[kind.plural, namespace, name]
            self._path(kind.plural, namespace, name).unlink(missing_ok=True)
            self._record(item)
            return item

    def _put(self, key: tuple[str, str, str], item: Manifest) -> None:
        self._record(item)
        self._objects[key] = item
        path = self._path(*key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(item, indent=1))

    def _record(self, item: Manifest) -> None:
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)

    def _path(self, plural: str, namespace: str, name: str) -> Path:
        return self._folder / plural / f"{namespace}~{name}.json"


def selects(labels: str, fields: str) -> Callable[[Manifest], bool]:
    """The predicate of a label selector (equality, set and existence) and a field selector on name and namespace."""
    terms = [term.strip() for term in re.split(r",(?![^()]*\))", labels) if term.strip()]
    chosen = [term.split("=", 1) for term in fields.split(",") if "=" in term]

    def matches(item: Manifest) -> bool:
        have = item["metadata"].get("labels") or {}
        return all(_holds(term, have) for term in terms) and all(
            item["metadata"].get(path.removeprefix("metadata."), "") == value.lstrip("=") for path, value in chosen
        )

    return matches


def _holds(term: str, have: dict[str, str]) -> bool:
    listed = re.fullmatch(r"(\S+) (in|notin) \((.*)\)", term)
    if listed:
        inside = have.get(listed[1]) in [value.strip() for value in listed[3].split(",")]
        return inside if listed[2] == "in" else not inside
    if "!=" in term:
        key, value = term.split("!=", 1)
        return have.get(key) != value
    if "=" in term:
        key, value = re.split("==?", term, maxsplit=1)
        return have.get(key) == value
    return term[1:] not in have if term.startswith("!") else term in have
