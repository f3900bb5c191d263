"""How sure one can be that a StorageClass has an ability: proven, observed, known, unknown, or no.

What was seen in this cluster outweighs what is known of the driver; a recorded proof outweighs both. What CDI holds of
a class counts as known where the catalogue does not know, and never outweighs what the catalogue says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of
from plugin_core.names import PROVISIONED_BY
from plugin_core.storage.claims import FILESYSTEM
from plugin_core.storage.drivers import Driver, Known
from plugin_core.storage.storage_classes import NO_PROVISIONER
from plugin_core.storage.storage_profiles import StorageProfile
from plugin_core.storage.verifications import Verification
from plugin_core.storage.volumes import csi_driver_of

RWX = "ReadWriteMany"


class Level(str, Enum):
    """From surest to least; `no` is sure as well."""

    PROVEN = "proven"
    OBSERVED = "observed"
    KNOWN = "known"
    UNKNOWN = "unknown"
    NO = "no"

    @property
    def positive(self) -> bool:
        return self in (Level.PROVEN, Level.OBSERVED, Level.KNOWN)


@dataclass(frozen=True)
class Ability:
    """A verdict with what it rests on. date: the day of the proof, "" otherwise."""

    level: Level
    reason: str
    date: str = ""

    @property
    def cell(self) -> str:
        """How a table says it; "yes" never stands alone."""
        return {
            Level.PROVEN: f"yes (proven {self.date})", Level.OBSERVED: "yes (observed)",
            Level.KNOWN: "yes (not proven)", Level.UNKNOWN: "unknown", Level.NO: "no",
        }[self.level]


def weakest(abilities: Sequence[Ability]) -> Level:
    """The level of a chain: that of its least sure link."""
    order = list(Level)
    return max((ability.level for ability in abilities), key=order.index)


def judge_rwx(
    *, driver: Driver | None, verification: Verification | None, shared_volumes: Sequence[Manifest],
    profile: StorageProfile | None = None,
) -> Ability:
    """Filesystems shared by several nodes. shared_volumes: those of the class that shared_volumes_of() found."""
    proof = _from_proof(verification, "rwx")
    if proof:
        return proof
    if shared_volumes:
        count = f"{len(shared_volumes)} bound ReadWriteMany volume{'s' if len(shared_volumes) > 1 else ''}"
        example = name_of(shared_volumes[0])
        return Ability(Level.OBSERVED, f"{count}, e.g. {example}; that two nodes mount one was not observed")
    known = driver.rwx_filesystem if driver else Known.UNKNOWN
    return _seconded(_from_catalogue(driver, known, "shared filesystems (ReadWriteMany)"),
                     profile.sharing if profile else "")


def judge_snapshot(
    *, driver: Driver | None, verification: Verification | None, ready_contents: Sequence[Manifest]
) -> Ability:
    """Snapshots of the class's volumes, given that the API is served and the driver has a VolumeSnapshotClass."""
    proof = _from_proof(verification, "snapshot")
    if proof:
        return proof
    if ready_contents:
        count = f"{len(ready_contents)} ready snapshot{'s' if len(ready_contents) > 1 else ''}"
        example = name_of(ready_contents[0])
        return Ability(Level.OBSERVED, f"{count} of its volumes, e.g. {example}; a restore was not observed")
    return _from_catalogue(driver, driver.snapshots if driver else Known.UNKNOWN, "snapshots")


def judge_clone(
    *, driver: Driver | None, verification: Verification | None, profile: StorageProfile | None = None
) -> Ability:
    """Clones (dataSource PersistentVolumeClaim); the API shows nothing of them."""
    proof = _from_proof(verification, "clone")
    known = _from_catalogue(driver, driver.clones if driver else Known.UNKNOWN, "clones")
    return proof or _seconded(known, profile.cloning if profile else "")


def contradictions(
    profile: StorageProfile, *, rwx: Ability, clone: Ability, verification: Verification | None
) -> list[str]:
    """Where CDI says otherwise than a verdict that no proof settled, in words."""
    tried = verification.proved if verification else {}
    settle = f"kubectl rwx verify {profile.name} settles it"
    found = []
    if "rwx" not in tried and rwx.level is Level.NO and profile.sharing:
        found.append(f"{profile.sharing}, which contradicts the catalogue; {settle}")
    elif "rwx" not in tried and rwx.level is not Level.NO and profile.modes and not profile.shared:
        found.append(f"CDI StorageProfile {profile.name} lists only {', '.join(profile.modes)} ({profile.origin}), "
                     f"no shared filesystem; {settle}")
    if "clone" not in tried and clone.level is Level.NO and profile.cloning:
        found.append(f"{profile.cloning}, but {clone.reason}")
    return found


def shared_volumes_of(storage_class: Manifest, volumes: Sequence[Manifest]) -> list[Manifest]:
    """Bound ReadWriteMany filesystem volumes that the class's provisioner made.

    A volume made by hand says nothing of a class, except of one without a provisioner. Block volumes do not count.
    """
    name, provisioner = name_of(storage_class), str(storage_class.get("provisioner", ""))
    return [
        volume for volume in volumes
        if part_of(volume, "spec", "storageClassName") == name
        and RWX in (part_of(volume, "spec", "accessModes") or ())
        and (part_of(volume, "spec", "volumeMode") or FILESYSTEM) == FILESYSTEM
        and part_of(volume, "status", "phase") == "Bound"
        and (provisioner == NO_PROVISIONER or annotations_of(volume).get(PROVISIONED_BY) == provisioner)
    ]


def ready_contents_of(
    storage_class: Manifest, volumes: Sequence[Manifest], contents: Sequence[Manifest]
) -> list[Manifest]:
    """VolumeSnapshotContents that are ready to use and whose source is a volume of the class that still exists."""
    handles = _handles(storage_class, volumes)
    return [
        content for content in contents
        if part_of(content, "status", "readyToUse") is True
        and (part_of(content, "spec", "driver"), part_of(content, "spec", "source", "volumeHandle")) in handles
    ]


def _handles(storage_class: Manifest, volumes: Sequence[Manifest]) -> Collection[tuple[str, str]]:
    return {
        (csi_driver_of(volume), str(part_of(volume, "spec", "csi", "volumeHandle")))
        for volume in volumes if part_of(volume, "spec", "storageClassName") == name_of(storage_class)
    }


def _from_proof(verification: Verification | None, ability: str) -> Ability | None:
    if verification is None or ability not in verification.proved:
        return None
    if verification.proved[ability]:
        return Ability(Level.PROVEN, f"kubectl rwx verify proved it on {verification.day}", date=verification.day)
    reason = verification.reason or "no reason recorded"
    return Ability(Level.NO, f"kubectl rwx verify failed on {verification.day}: {reason}")


def _seconded(ability: Ability, opinion: str) -> Ability:
    """With CDI's opinion that the ability is there ("": it has none), which counts as known at best."""
    if not opinion or ability.level is Level.NO:
        return ability
    if ability.level is Level.UNKNOWN:
        return Ability(Level.KNOWN, f"{opinion}; {ability.reason}")
    return replace(ability, reason=f"{ability.reason}; {opinion}")


def _from_catalogue(driver: Driver | None, known: Known, what: str) -> Ability:
    if driver is None:
        return Ability(Level.UNKNOWN, "the provisioner is not in the catalogue and nothing was observed")
    if known is Known.YES:
        return Ability(Level.KNOWN, f"{driver.name} has {what}, says {driver.source}")
    if known is Known.NO:
        return Ability(Level.NO, "; ".join([f"{driver.name} has no {what}, says {driver.source}", *driver.caveats[:1]]))
    if known is Known.DEPENDS:
        return Ability(Level.UNKNOWN, f"{driver.name}: {driver.depends}")
    return Ability(Level.UNKNOWN, f"no source says whether {driver.name} has {what}")
