"""From snapshots to the claims they are restored to, and the reasons why some cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubectl_rwx.diagnosis.explanations import explain_snapshots
from kubectl_rwx.protection.answers import Problem
from kubectl_rwx.protection.claim_selection import read_named
from kubectl_rwx.protection.restore_rules import judge_widening, require_volume_mode
from kubectl_rwx.protection.snapshot_reports import describe_snapshot
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME_CLAIM,
    SNAPSHOT_GROUP,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CONTENT,
)
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of, part_of, uid_of
from plugin_core.model.quantities import format_quantity
from plugin_core.storage.claims import FILESYSTEM, Source, size_at, source_from_annotations, source_of_claim
from plugin_core.storage.sizes import restore_size
from plugin_core.storage.snapshots import claim_of, content_of, is_ready, judge_snapshot
from plugin_core.storage.storage_classes import binds_on_first_use, require_class_of_driver


@dataclass(frozen=True)
class Wishes:
    """What the user wants otherwise than the source was. 0, () and "" mean as the source. to: for a single snapshot."""

    to: str = ""
    suffix: str = ""
    size: int = 0
    storage_class: str = ""
    access_modes: tuple[str, ...] = ()
    volume_mode: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What was read around the snapshots, by name. classes None: StorageClasses may not be read."""

    contents: dict[str, Manifest]
    claims: dict[str, Manifest]
    classes: list[Manifest] | None


@dataclass(frozen=True)
class Restoration:
    """One claim to be made. on_first_use: it stays Pending until a pod uses it. caution: a warning, or "".
    """

    snapshot: Manifest
    claim: Manifest
    on_first_use: bool
    caution: str = ""


@dataclass
class RestorePlan:
    restorations: list[Restoration] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_surroundings(
    cluster: Cluster, snapshots: Sequence[Manifest], *, may_read_contents: bool, may_read_classes: bool
) -> Surroundings:
    """A few requests for any number of snapshots; live claims only where the snapshots do not say enough."""
    contents = [content_of(snapshot) for snapshot in snapshots if content_of(snapshot)]
    unsure = [claim_of(snapshot) for snapshot in snapshots
              if claim_of(snapshot) and not source_from_annotations(annotations_of(snapshot)).complete]
    return Surroundings(
        contents=read_named(cluster, VOLUME_SNAPSHOT_CONTENT, contents) if may_read_contents else {},
        claims=read_named(cluster, PERSISTENT_VOLUME_CLAIM, unsure, namespace=cluster.namespace),
        classes=cluster.list_all(STORAGE_CLASS).items if may_read_classes else None,
    )


def plan_restore(snapshots: Sequence[Manifest], around: Surroundings, wishes: Wishes, *, run: str) -> RestorePlan:
    """A restoration for each snapshot that is ready and fits, a problem for each other. Asks no cluster."""
    plan = RestorePlan()
    for snapshot in snapshots:
        try:
            plan.restorations.append(_restoration(snapshot, around, wishes, run=run))
        except errors.PluginError as error:
            plan.problems.append(Problem(describe_snapshot(name_of(snapshot)), error))
    return plan


def explain_unready(cluster: Cluster, snapshots: Sequence[Manifest]) -> list[Problem]:
    """A problem for each snapshot that is not ready to use, with what was observed of it."""
    unready = [snapshot for snapshot in snapshots if judge_snapshot(snapshot).phase is not Phase.READY]
    explained = explain_snapshots(cluster, unready, namespace=cluster.namespace) if unready else {}
    problems = []
    for snapshot in unready:
        name, state = name_of(snapshot), judge_snapshot(snapshot)
        said = "it is not ready to use" if state.phase is Phase.WAITING else state.reason
        detail = "".join(f"\n    {line}" for line in explained.get(name, []))
        hint = "" if is_ready(snapshot) else (
            f"wait for it: kubectl rwx wait vs/{name} -n {cluster.namespace}"
        )
        problems.append(Problem(describe_snapshot(name), errors.NotReady(said + detail, hint=hint)))
    return problems


def difference(existing: Manifest, restoration: Restoration) -> str:
    """What keeps an existing claim from being the one a restoration would make; "" when it is that one."""
    annotations, wanted = annotations_of(existing), restoration.claim
    if annotations.get(names.RESTORED_FROM_UID) != uid_of(restoration.snapshot):
        source = annotations.get(names.RESTORED_FROM)
        return f"it was restored from another snapshot, {source}" if source else "it was not restored from a snapshot"
    for key in ("accessModes", "storageClassName", "volumeMode"):
        there, here = part_of(existing, "spec", key), part_of(wanted, "spec", key)
        if there != here:
            return f"its {key} is {there}, not {here}"
    request = ("spec", "resources", "requests", "storage")
    if size_at(existing, *request) < size_at(wanted, *request):
        return f"its request is {part_of(existing, *request)}, not {part_of(wanted, *request)}"
    return ""


def _restoration(snapshot: Manifest, around: Surroundings, wishes: Wishes, *, run: str) -> Restoration:
    content = around.contents.get(content_of(snapshot), {})
    live = around.claims.get(claim_of(snapshot))
    source = source_from_annotations(annotations_of(snapshot)).filled_from(source_of_claim(live) if live else Source())
    driver = str(part_of(content, "spec", "driver") or annotations_of(snapshot).get(names.SOURCE_DRIVER, ""))
    storage_class = wishes.storage_class or source.storage_class
    if not storage_class:
        raise errors.UsageError(
            "nothing tells the StorageClass of its source: the source claim is gone or has none",
            hint="choose one of the snapshot's driver" + (f", {driver}," if driver else "") + " with --storage-class",
        )
    found = None
    if around.classes is not None:
        found = require_class_of_driver(
            around.classes, name=storage_class, driver=driver, flag_given=bool(wishes.storage_class)
        )
    modes = wishes.access_modes or source.access_modes
    if not modes:
        raise errors.UsageError(
            "nothing tells the access modes of its source, which is gone", hint="give them with --access-mode RWX"
        )
    size = restore_size(snapshot_size=size_at(snapshot, "status", "restoreSize"), source=source, wanted=wishes.size)
    name = wishes.to or f"{claim_of(snapshot) or name_of(snapshot)}{wishes.suffix}"
    mode = require_volume_mode(
        wishes.volume_mode, content=content,
        source=source.volume_mode or part_of(content, "spec", "sourceVolumeMode") or FILESYSTEM,
    )
    caution = judge_widening(modes, source=source.access_modes, storage_class=found, class_name=storage_class)
    claim = {
        "apiVersion": PERSISTENT_VOLUME_CLAIM.api_version,
        "kind": PERSISTENT_VOLUME_CLAIM.name,
        "metadata": {
            "name": name,
            "namespace": namespace_of(snapshot),
            "labels": {names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: run},
            "annotations": {names.RESTORED_FROM: name_of(snapshot), names.RESTORED_FROM_UID: uid_of(snapshot)},
        },
        "spec": {
            "accessModes": list(modes),
            "storageClassName": storage_class,
            "volumeMode": mode,
            "resources": {"requests": {"storage": format_quantity(size)}},
            "dataSource": {"apiGroup": SNAPSHOT_GROUP, "kind": VOLUME_SNAPSHOT.name, "name": name_of(snapshot)},
        },
    }
    return Restoration(snapshot=snapshot, claim=claim, on_first_use=binds_on_first_use(found), caution=caution)
