"""One StorageClass weighed: what it can do, how sure that is, why it is rejected, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from kubectl_rwx.diagnosis.leases import Life
from kubectl_rwx.diagnosis.snapshot_controllers import Controller
from kubectl_rwx.readiness.observations import Observations
from plugin_core import errors
from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of
from plugin_core.names import CONSISTENCY, DEFAULT_STORAGE_CLASS
from plugin_core.storage.drivers import Driver, Known, find_driver
from plugin_core.storage.snapshot_classes import choose_snapshot_class, driver_of_class
from plugin_core.storage.snapshots import CRASH, FUZZY
from plugin_core.storage.storage_classes import binds_on_first_use, provisioner_of_class
from plugin_core.storage.storage_profiles import StorageProfile, profile_of_class
from plugin_core.storage.verdicts import (
    Ability,
    Level,
    contradictions,
    judge_clone,
    judge_rwx,
    judge_snapshot,
    ready_contents_of,
    shared_volumes_of,
    weakest,
)
from plugin_core.storage.verifications import Verification, verification_of, why_stale

_LACKING = "has no VolumeSnapshotClass"


class Verdict(str, Enum):
    """usable: shared and with snapshots, at the level told. unknown: prove it. rejected: it cannot."""

    USABLE = "usable"
    UNKNOWN = "unknown"
    REJECTED = "rejected"


@dataclass(frozen=True)
class ClassCheck:
    """reasons: why it is rejected, or why one cannot know. snapshot_class: "" when none would be taken.

    lacks_class: the driver is CSI, and has no VolumeSnapshotClass though the API is there. expansion: the class offers
    it, and no proof refuted it.
    """

    manifest: Manifest
    driver: Driver | None
    rwx: Ability
    snapshot: Ability
    clone: Ability
    snapshot_class: str
    verdict: Verdict
    level: Level
    reasons: tuple[str, ...]
    caveats: tuple[str, ...]
    point_in_time: Known = Known.UNKNOWN
    verification: Verification | None = None
    stale: str = ""
    lacks_class: bool = False
    expansion: bool = False
    registered_on: tuple[str, ...] | None = None
    profile: StorageProfile | None = None

    @property
    def name(self) -> str:
        return name_of(self.manifest)

    @property
    def provisioner(self) -> str:
        return provisioner_of_class(self.manifest)


def check_class(storage_class: Manifest, seen: Observations, controller: Controller) -> ClassCheck:
    """Everything about one class; pure."""
    provisioner, driver = provisioner_of_class(storage_class), find_driver(storage_class)
    recorded = verification_of(storage_class)
    stale = why_stale(recorded, storage_class) if recorded else ""
    proof = recorded if not stale else None
    nodes = registered_nodes(seen.nodes, provisioner)
    is_csi = _is_csi(provisioner, driver=driver, seen=seen, nodes=nodes)
    shared = shared_volumes_of(storage_class, seen.volumes or ())
    profile = profile_of_class(storage_class, seen.profiles or ())
    rwx = judge_rwx(driver=driver, verification=proof, shared_volumes=shared, profile=profile)
    blocker, chosen = _snapshot_blocker(provisioner, seen=seen, controller=controller, is_csi=is_csi)
    snapshot = Ability(Level.NO, blocker) if blocker else judge_snapshot(
        driver=driver, verification=proof,
        ready_contents=ready_contents_of(storage_class, seen.volumes or (), seen.contents or ()),
    )
    clone = judge_clone(driver=driver, verification=proof, profile=profile)
    if not is_csi:
        clone = Ability(Level.NO, f"{provisioner} is no CSI driver; only CSI volumes can be cloned")
    absent = _absence(provisioner, is_csi=is_csi, nodes=nodes, seen=seen)
    verdict, level, reasons = _sum_up(rwx, snapshot, absent)
    point_in_time = _point_in_time(driver, chosen, seen)
    offered = storage_class.get("allowVolumeExpansion") is True
    refuted = proof if offered and proof and proof.proved.get("expansion") is False else None
    doubts = contradictions(profile, rwx=rwx, clone=clone, verification=proof) if profile else ()
    return ClassCheck(
        manifest=storage_class, driver=driver, rwx=rwx, snapshot=snapshot, clone=clone, snapshot_class=chosen,
        verdict=verdict, level=level, reasons=reasons,
        caveats=(*_caveats(storage_class, driver, point_in_time, refuted=refuted), *doubts),
        expansion=offered and not refuted, profile=profile,
        point_in_time=point_in_time, lacks_class=blocker.endswith(_LACKING),
        verification=recorded, stale=stale, registered_on=nodes,
    )


def registered_nodes(nodes: Sequence[Manifest] | None, driver: str) -> tuple[str, ...] | None:
    """The nodes whose kubelet knows the driver; None when CSINodes may not be read."""
    if nodes is None:
        return None
    return tuple(
        name_of(node) for node in nodes
        if any(entry.get("name") == driver for entry in part_of(node, "spec", "drivers") or ())
    )


def is_default_class(storage_class: Manifest) -> bool:
    return annotations_of(storage_class).get(DEFAULT_STORAGE_CLASS) == "true"


def next_step(check: ClassCheck, *, usable: Sequence[ClassCheck]) -> str:
    """The command that leads on from the verdict, or the advice in words."""
    if check.verdict is Verdict.UNKNOWN:
        return f"kubectl rwx verify {check.name}"
    if check.verdict is Verdict.USABLE:
        if check.level is Level.PROVEN:
            return f"kubectl rwx provision NAME --size SIZE --class {check.name}"
        return f"kubectl rwx verify {check.name}"
    if usable:
        return f"use class {usable[0].name} instead"
    if check.registered_on == () and Level.NO not in (check.rwx.level, check.snapshot.level):
        return f"make the driver run on the nodes (kubectl get csinodes), then: kubectl rwx verify {check.name}"
    hopeless = check.rwx.level is Level.NO or (check.driver and check.driver.snapshots is Known.NO)
    if check.lacks_class and not hopeless:
        doubt = "" if check.driver else "if the driver makes snapshots, "
        return f"{doubt}give it a VolumeSnapshotClass (see findings), then: kubectl rwx verify {check.name}"
    return "ask your storage provider for a class with shared filesystems and snapshots, or: kubectl rwx setup nfs"


def _is_csi(
    provisioner: str, *, driver: Driver | None, seen: Observations, nodes: tuple[str, ...] | None
) -> bool:
    """By the catalogue; an unknown provisioner is CSI unless both registrations can be read and neither has it."""
    if driver and not driver.csi:
        return False
    if driver or nodes or seen.drivers is None or nodes is None:
        return True
    return any(name_of(item) == provisioner for item in seen.drivers)


def _snapshot_blocker(
    provisioner: str, *, seen: Observations, controller: Controller, is_csi: bool
) -> tuple[str, str]:
    """What makes snapshots impossible whatever the driver can do ("": nothing), and the VolumeSnapshotClass taken."""
    if not is_csi:
        return f"{provisioner} is no CSI driver; only CSI volumes have snapshots", ""
    if not seen.api_served:
        return "the cluster does not serve snapshot.storage.k8s.io/v1", ""
    if seen.snapshot_classes is None:
        return "", ""
    if not any(driver_of_class(item) == provisioner for item in seen.snapshot_classes):
        return f"{provisioner} {_LACKING}", ""
    try:
        chosen = choose_snapshot_class(seen.snapshot_classes, driver=provisioner).name
    except errors.UsageError:
        chosen = ""
    if controller.life is Life.STOPPED:
        return f"the snapshot-controller does not run: {controller.observed}", chosen
    return "", chosen


def _absence(
    provisioner: str, *, is_csi: bool, nodes: tuple[str, ...] | None, seen: Observations
) -> str:
    if not is_csi or nodes is None or nodes or not seen.nodes:
        return ""
    return f"{provisioner} is registered on no node, so no pod can mount its volumes"


def _sum_up(rwx: Ability, snapshot: Ability, absent: str) -> tuple[Verdict, Level, tuple[str, ...]]:
    refusals = [ability.reason for ability in (rwx, snapshot) if ability.level is Level.NO]
    refusals += [absent] if absent else []
    if refusals:
        return Verdict.REJECTED, Level.NO, tuple(refusals)
    level = weakest((rwx, snapshot))
    if level.positive:
        return Verdict.USABLE, level, ()
    doubts = {name: ability.reason for name, ability in (("RWX", rwx), ("snapshots", snapshot))
              if ability.level is Level.UNKNOWN}
    if len(set(doubts.values())) < len(doubts):
        return Verdict.UNKNOWN, level, (f"RWX and snapshots: {rwx.reason}",)
    return Verdict.UNKNOWN, level, tuple(f"{name}: {reason}" for name, reason in doubts.items())


def _point_in_time(driver: Driver | None, snapshot_class: str, seen: Observations) -> Known:
    """An administrator's mark on the VolumeSnapshotClass outweighs what is known of the driver."""
    chosen = next((item for item in seen.snapshot_classes or () if name_of(item) == snapshot_class), {})
    marked = annotations_of(chosen).get(CONSISTENCY, "")
    known = driver.point_in_time if driver else Known.UNKNOWN
    return {CRASH: Known.YES, FUZZY: Known.NO}.get(marked, known)


def _caveats(
    storage_class: Manifest, driver: Driver | None, point_in_time: Known, *, refuted: Verification | None
) -> tuple[str, ...]:
    """refuted: the record that says growing in use does not work."""
    found = list(driver.caveats) if driver else []
    if point_in_time is Known.NO:
        found.insert(0, "its snapshots are not point-in-time: not crash-consistent unless every writer stands still")
    if binds_on_first_use(storage_class):
        found.append("claims stay Pending until a pod uses them (WaitForFirstConsumer), restored ones too")
    if refuted:
        found.append(f"its volumes do not grow in use, though it offers that (kubectl rwx verify, {refuted.day})")
    return tuple(found)
