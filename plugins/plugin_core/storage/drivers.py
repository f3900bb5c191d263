"""What is known of storage drivers: the catalogue drivers.yaml, matched by provisioner and StorageClass parameters.

Knowledge is not proof. Nothing here says that a cluster's storage works; storage/verdicts.py weighs it against what was
observed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any

from plugin_core.model.manifests import Manifest
from plugin_core.model.quantities import parse_quantity

UNVERIFIED = "from memory, unverified"
"""A source that is none: what such an entry says counts as not known."""


class Known(str, Enum):
    """What the catalogue says of one ability. unknown: it says nothing, or has no source for it."""

    YES = "yes"
    NO = "no"
    DEPENDS = "depends"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Driver:
    """One entry of the catalogue; the fields are explained at its top. minimum_size: bytes, 0 when not known."""

    name: str
    provisioners: tuple[str, ...]
    parameters: Mapping[str, tuple[str, ...]]
    csi: bool
    rwx_filesystem: Known
    snapshots: Known
    clones: Known
    point_in_time: Known
    minimum_size: int
    depends: str
    caveats: tuple[str, ...]
    source: str

    @property
    def verified(self) -> bool:
        """Whether a public source says what the entry says."""
        return self.source != UNVERIFIED

    def fits(self, storage_class: Manifest) -> bool:
        """Whether this entry speaks of that class; the catalogue's order decides between several that do."""
        provisioner = str(storage_class.get("provisioner", ""))
        if not any(fnmatchcase(provisioner, pattern) for pattern in self.provisioners):
            return False
        given = {key.lower(): str(value).lower() for key, value in (storage_class.get("parameters") or {}).items()}
        return all(
            any(fnmatchcase(given.get(key.lower(), ""), pattern.lower()) for pattern in patterns)
            for key, patterns in self.parameters.items()
        )


def find_driver(storage_class: Manifest, *, catalogue: Sequence[Driver] | None = None) -> Driver | None:
    """The first entry that fits the class; None when nothing is known of its provisioner."""
    entries = read_catalogue() if catalogue is None else catalogue
    return next((entry for entry in entries if entry.fits(storage_class)), None)


@functools.cache
def read_catalogue() -> tuple[Driver, ...]:
    """Every entry of drivers.yaml, in its order."""
    import yaml

    text = files("plugin_core.storage").joinpath("drivers.yaml").read_text(encoding="utf-8")
    return tuple(_driver(entry) for entry in yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def _driver(entry: Mapping[str, Any]) -> Driver:
    source = str(entry["source"])
    unsourced = source == UNVERIFIED
    answers = {
        key: Known.UNKNOWN if unsourced else _known(entry.get(key))
        for key in ("rwxFilesystem", "snapshots", "clones", "pointInTime")
    }
    return Driver(
        name=str(entry["name"]),
        provisioners=tuple(entry["provisioners"]),
        parameters={key: _patterns(value) for key, value in (entry.get("parameters") or {}).items()},
        csi=bool(entry.get("csi", True)),
        rwx_filesystem=answers["rwxFilesystem"],
        snapshots=answers["snapshots"],
        clones=answers["clones"],
        point_in_time=answers["pointInTime"],
        minimum_size=parse_quantity(entry["minimumSize"]) if entry.get("minimumSize") else 0,
        depends=" ".join(str(entry.get("depends") or "").split()),
        caveats=tuple(str(caveat) for caveat in entry.get("caveats") or ()),
        source=source,
    )


def _known(value: bool | str | None) -> Known:
    """YAML's yes and no are booleans; any other word must be one of ours."""
    if value is None:
        return Known.UNKNOWN
    return Known(value) if isinstance(value, str) else (Known.YES if value else Known.NO)


def _patterns(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
