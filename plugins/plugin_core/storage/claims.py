"""PersistentVolumeClaims: where they stand, and what a restore must know of one when it is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugin_core import errors, names
from plugin_core.kube.waiting import Phase, Readiness
from plugin_core.model.kinds import VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, annotations_of, is_terminating, part_of
from plugin_core.model.quantities import format_quantity, parse_quantity

FILESYSTEM = "Filesystem"

ACCESS_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
"""Every access mode with the short form kubectl prints."""


def parse_access_modes(words: Sequence[str]) -> tuple[str, ...]:
    """RWX or ReadWriteMany, in any case, as the API spells it. Raises UsageError for anything else."""
    known = {spelling.lower(): mode for mode, short in ACCESS_MODES.items() for spelling in (mode, short)}
    unknown = [word for word in words if word.lower() not in known]
    if unknown:
        raise errors.UsageError(
            f'"{unknown[0]}" is not an access mode', hint=f"there are: {', '.join(ACCESS_MODES.values())}"
        )
    return tuple(dict.fromkeys(known[word.lower()] for word in words))


@dataclass(frozen=True)
class Source:
    """The claim a snapshot is made of. 0, () and "" mean not known. Sizes are bytes."""

    capacity: int = 0
    request: int = 0
    access_modes: tuple[str, ...] = ()
    volume_mode: str = ""
    storage_class: str = ""

    def filled_from(self, other: Source) -> Source:
        """This one, with what it does not know taken from another."""
        return Source(
            capacity=self.capacity or other.capacity,
            request=self.request or other.request,
            access_modes=self.access_modes or other.access_modes,
            volume_mode=self.volume_mode or other.volume_mode,
            storage_class=self.storage_class or other.storage_class,
        )

    @property
    def complete(self) -> bool:
        """Whether a restore needs to look no further."""
        return bool((self.capacity or self.request) and self.access_modes and self.volume_mode and self.storage_class)


def source_of_claim(claim: Manifest) -> Source:
    """What the claim is now: a claim without volumeMode is Filesystem, as in the API."""
    return Source(
        capacity=size_at(claim, "status", "capacity", "storage"),
        request=size_at(claim, "spec", "resources", "requests", "storage"),
        access_modes=tuple(part_of(claim, "spec", "accessModes") or ()),
        volume_mode=part_of(claim, "spec", "volumeMode") or FILESYSTEM,
        storage_class=part_of(claim, "spec", "storageClassName") or "",
    )


def source_annotations(source: Source) -> dict[str, str]:
    """What is written on a snapshot; what is not known is left out."""
    written = {
        names.SOURCE_SIZE: format_quantity(source.capacity) if source.capacity else "",
        names.SOURCE_REQUEST: format_quantity(source.request) if source.request else "",
        names.SOURCE_ACCESS_MODES: ",".join(source.access_modes),
        names.SOURCE_VOLUME_MODE: source.volume_mode,
        names.SOURCE_STORAGE_CLASS: source.storage_class,
    }
    return {key: value for key, value in written.items() if value}


def source_from_annotations(annotations: Mapping[str, str]) -> Source:
    """The reverse of source_annotations; an annotation that somebody garbled counts as not known."""
    modes = annotations.get(names.SOURCE_ACCESS_MODES, "").split(",")
    return Source(
        capacity=_size(annotations.get(names.SOURCE_SIZE)),
        request=_size(annotations.get(names.SOURCE_REQUEST)),
        access_modes=tuple(mode for mode in modes if mode in ACCESS_MODES),
        volume_mode=annotations.get(names.SOURCE_VOLUME_MODE, ""),
        storage_class=annotations.get(names.SOURCE_STORAGE_CLASS, ""),
    )


def provisioner_of(claim: Manifest) -> str:
    """The driver that provisioned the claim, by the volume controller's annotation; "" when it has none."""
    annotations = annotations_of(claim)
    return annotations.get(names.STORAGE_PROVISIONER) or annotations.get(names.STORAGE_PROVISIONER_BETA, "")


def source_snapshot_of(claim: Manifest) -> str:
    """The name of the VolumeSnapshot a claim is made from, by dataSource or dataSourceRef; "" for none."""
    for field in ("dataSource", "dataSourceRef"):
        source = part_of(claim, "spec", field) or {}
        if source.get("kind") == VOLUME_SNAPSHOT.name:
            return str(source.get("name") or "")
    return ""


def judge_binding(claim: Manifest | None) -> Readiness:
    """Bound is ready; lost, terminating and absent never will be."""
    if claim is None:
        return Readiness(Phase.FAILED, "it was deleted")
    if is_terminating(claim):
        return Readiness(Phase.FAILED, "it is being deleted")
    phase = part_of(claim, "status", "phase") or "Pending"
    if phase == "Bound":
        return Readiness(Phase.READY)
    if phase == "Lost":
        return Readiness(Phase.FAILED, f'its volume "{part_of(claim, "spec", "volumeName") or "?"}" is lost')
    return Readiness(Phase.WAITING, "Pending")


def size_at(manifest: Manifest, *path: str) -> int:
    """The quantity below path in bytes; 0 when it is absent."""
    return _size(part_of(manifest, *path))


def _size(text: str | int | None) -> int:
    try:
        return parse_quantity(text) if text else 0
    except ValueError:
        return 0
