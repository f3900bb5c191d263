"""What the driver remembers: one small JSON file a volume, snapshot or group, written whole or not at all.

A record is the commit point of its thing: data without a record is the rest of an interrupted call and is thrown away
by the next try of that call.
"""

import hashlib
import json
import os
import re
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

_SAFE = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")


def identify(name: str) -> str:
    """The id for a name that the caller chose: the name itself where it can be a file name, else a hash of it.

    The same name always gives the same id, which is what makes calls idempotent by name.
    """
    return name if _SAFE.fullmatch(name) else f"id-{hashlib.sha256(name.encode()).hexdigest()[:40]}"


def is_id(text: str) -> bool:
    """Whether this could be one of our ids. Anything else names nothing, and must never reach the file system."""
    return _SAFE.fullmatch(text) is not None


@dataclass(frozen=True)
class Volume:
    """A volume and what it was made from. ``folder`` is another volume's when a fault makes them share one."""

    id: str
    name: str
    capacity: int
    folder: str
    parameters: dict[str, str] = field(default_factory=dict)
    source_snapshot: str = ""
    source_volume: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A snapshot. Times are seconds since the epoch; it is ready to use from ``ready_at`` on."""

    id: str
    name: str
    source_volume: str
    source_capacity: int
    created_at: float
    ready_at: float
    size: int
    parameters: dict[str, str] = field(default_factory=dict)
    archive: bool = False
    group: str = ""


@dataclass(frozen=True)
class Group:
    """Snapshots of several volumes cut at one moment."""

    id: str
    name: str
    snapshots: list[str]
    source_volumes: list[str]
    created_at: float


@dataclass(frozen=True)
class Publication:
    """A volume bound into one target path on one node, in that node's mount namespace."""

    id: str
    volume: str
    node: str
    namespace: str
    target: str
    mode: int
    readonly: bool


@dataclass(frozen=True)
class Tries:
    """How often a snapshot was refused so far, for faults that end after some tries."""

    id: str
    count: int


Record = TypeVar("Record", Volume, Snapshot, Group, Publication, Tries)


class Table(Generic[Record]):
    """All records of one kind, one file each."""

    def __init__(self, folder: Path, kind: type[Record]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._kind = kind

    def find(self, record_id: str) -> Record | None:
        """The record, or None when there is none, whatever the id looks like."""
        if not is_id(record_id):
            return None
        return self._read(self._folder / f"{record_id}.json")

    def list_all(self) -> list[Record]:
        """All records in the order of their ids, which is the order listings are paged in."""
        found = (self._read(path) for path in self._folder.glob("*.json"))
        return sorted((record for record in found if record), key=lambda record: record.id)

    def write(self, record: Record) -> None:
        path = self._folder / f"{record.id}.json"
        draft = path.with_name(f".{record.id}.{os.getpid()}.{threading.get_ident()}")
        draft.write_text(json.dumps(asdict(record), indent=1, sort_keys=True) + "\n")
        draft.replace(path)

    def remove(self, record_id: str) -> None:
        (self._folder / f"{record_id}.json").unlink(missing_ok=True)

    def _read(self, path: Path) -> Record | None:
        try:
            return self._kind(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
