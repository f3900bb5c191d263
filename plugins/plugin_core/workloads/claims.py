"""The volumes of a workload that are backed by claims: named claims, ephemeral ones, and claim templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.workloads.templates import claim_templates_of, pod_spec_of

EXCLUSIVE_MODES = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


class Source(str, Enum):
    """claim: one claim for all pods. ephemeral and template: one claim a pod."""

    CLAIM = "claim"
    EPHEMERAL = "ephemeral"
    TEMPLATE = "template"


@dataclass(frozen=True)
class ClaimVolume:
    """volume: its name in the pod. claim: the claim's name; "" where each pod has its own.

    access_modes and block are what the workload itself says; for a named claim the claim object must be asked.
    """

    volume: str
    source: Source
    claim: str = ""
    access_modes: tuple[str, ...] = ()
    block: bool = False


def claim_volumes(workload: Manifest) -> tuple[ClaimVolume, ...]:
    """Every claim-backed volume, template volumes first; a claim template replaces a volume of the same name."""
    found: dict[str, ClaimVolume] = {}
    for volume in pod_spec_of(workload).get("volumes") or []:
        name = str(volume.get("name"))
        claim = part_of(volume, "persistentVolumeClaim", "claimName")
        if claim:
            found[name] = ClaimVolume(name, Source.CLAIM, claim=str(claim))
        elif volume.get("ephemeral"):
            found[name] = _from_spec(name, Source.EPHEMERAL, part_of(volume, "ephemeral", "volumeClaimTemplate"))
    for template in claim_templates_of(workload):
        found[name_of(template)] = _from_spec(name_of(template), Source.TEMPLATE, template)
    return tuple(found.values())


def _from_spec(volume: str, source: Source, template: Manifest | None) -> ClaimVolume:
    spec = (template or {}).get("spec") or {}
    return ClaimVolume(volume, source, access_modes=tuple(spec.get("accessModes") or ()),
                       block=spec.get("volumeMode") == "Block")


def access_modes_of(volume: ClaimVolume, claims: Mapping[str, Manifest]) -> tuple[str, ...]:
    """The modes of the claim behind a volume; () when a named claim is not among `claims`."""
    if volume.source is not Source.CLAIM:
        return volume.access_modes
    return tuple(part_of(claims.get(volume.claim, {}), "spec", "accessModes") or ())


def is_exclusive(volume: ClaimVolume, claims: Mapping[str, Manifest]) -> bool:
    """Whether all pods share one claim that only one node (or pod) may hold at a time."""
    modes = access_modes_of(volume, claims)
    return volume.source is Source.CLAIM and bool(modes) and set(modes) <= EXCLUSIVE_MODES
