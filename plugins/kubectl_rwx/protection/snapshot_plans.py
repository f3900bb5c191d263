"""From claims to the snapshots that can be taken of them, and the reasons why others cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubectl_rwx.protection.answers import Problem
from kubectl_rwx.protection.claim_selection import describe_claim, read_named
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import PERSISTENT_VOLUME, VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CLASS
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.storage.claims import provisioner_of, source_annotations, source_of_claim
from plugin_core.storage.snapshot_classes import ClassChoice, choose_snapshot_class
from plugin_core.storage.snapshots import consistency_of_driver
from plugin_core.storage.volumes import require_csi_driver


@dataclass(frozen=True)
class Sight:
    """What of the cluster's scope may be read. Without volumes the claim's own annotation names the driver."""

    volumes: bool = True
    classes: bool = True


@dataclass(frozen=True)
class Member:
    """One snapshot to be taken. driver: "" when nothing readable tells it."""

    claim: Manifest
    driver: str
    choice: ClassChoice

    @property
    def consistency(self) -> str:
        return consistency_of_driver(self.driver, snapshot_class=self.choice.manifest)

    def manifest(self, *, name: str, set_name: str, run: str) -> Manifest:
        """The VolumeSnapshot, with all a restore needs to know when the claim is gone."""
        annotations = {**source_annotations(source_of_claim(self.claim)), names.CONSISTENCY: self.consistency}
        if self.driver:
            annotations[names.SOURCE_DRIVER] = self.driver
        return {
            "apiVersion": VOLUME_SNAPSHOT.api_version,
            "kind": VOLUME_SNAPSHOT.name,
            "metadata": {
                "name": name,
                "namespace": namespace_of(self.claim),
                "labels": {names.MANAGED_BY_LABEL: names.RWX, names.SET_LABEL: set_name, names.RUN_LABEL: run},
                "annotations": annotations,
            },
            "spec": {
                "volumeSnapshotClassName": self.choice.name,
                "source": {"persistentVolumeClaimName": name_of(self.claim)},
            },
        }


@dataclass
class Plan:
    members: list[Member] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def plan_snapshots(cluster: Cluster, claims: Sequence[Manifest], *, wanted_class: str, sight: Sight) -> Plan:
    """A member for each bound claim whose driver has a class, a problem for each other."""
    plan = Plan()
    volumes = _read_volumes(cluster, claims) if sight.volumes else {}
    classes = _read_classes(cluster, wanted_class) if sight.classes else None
    for claim in claims:
        try:
            driver = _driver_of(claim, volumes, sight)
            plan.members.append(Member(claim=claim, driver=driver, choice=_choose(classes, driver, wanted_class)))
        except errors.PluginError as error:
            plan.problems.append(Problem(describe_claim(name_of(claim)), error))
    return plan


def tell_choices(members: Sequence[Member], progress: Progress, *, quiesced: bool = False) -> None:
    """Says once for each class why it was chosen, and warns once of each driver whose snapshots are fuzzy.

    quiesced: writers are going to stand still, so there is nothing to warn of.
    """
    for choice, reason in dict.fromkeys((member.choice.name, member.choice.reason) for member in members):
        progress.note(f"volumesnapshotclass/{choice} is used: {reason}")
    fuzzy = [] if quiesced else [member.driver for member in members if member.consistency == "fuzzy"]
    for driver in dict.fromkeys(fuzzy):
        progress.warn(
            f"{driver} copies a volume file by file while it is written to: these snapshots are fuzzy, not of "
            "one moment; stop the writers first when that matters"
        )


def _read_volumes(cluster: Cluster, claims: Sequence[Manifest]) -> dict[str, Manifest]:
    bound = [str(part_of(claim, "spec", "volumeName")) for claim in claims if part_of(claim, "spec", "volumeName")]
    return read_named(cluster, PERSISTENT_VOLUME, bound)


def _read_classes(cluster: Cluster, wanted: str) -> list[Manifest]:
    """All classes, because a refusal names the candidates; where only reading one is allowed, the wanted one."""
    try:
        return cluster.list_all(VOLUME_SNAPSHOT_CLASS).items
    except errors.Forbidden:
        if not wanted:
            raise
        return list(read_named(cluster, VOLUME_SNAPSHOT_CLASS, [wanted]).values())


def _driver_of(claim: Manifest, volumes: dict[str, Manifest], sight: Sight) -> str:
    if not sight.volumes:
        return provisioner_of(claim)
    name = str(part_of(claim, "spec", "volumeName") or "")
    if name not in volumes:
        raise errors.NotReady(
            f'its volume "{name}" does not exist', hint=f"see its events: kubectl describe pvc {name_of(claim)}"
        )
    return require_csi_driver(volumes[name])


def _choose(classes: list[Manifest] | None, driver: str, wanted: str) -> ClassChoice:
    if classes is None:
        return ClassChoice(name=wanted, reason="--class, unchecked", manifest={})
    if not driver:
        if not wanted:
            raise errors.Forbidden(
                "persistentvolumes may not be read and no annotation of the claim names its driver",
                hint="name the class of its driver with --class", status=403,
            )
        found = [item for item in classes if name_of(item) == wanted]
        driver = str(found[0].get("driver", "")) if found else ""
    return choose_snapshot_class(classes, driver=driver, wanted=wanted)
