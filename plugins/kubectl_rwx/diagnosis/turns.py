"""Whose turn it is with a snapshot, and whether who should act does: the snapshot-controller, then the sidecar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_rwx.diagnosis.events import Event
from kubectl_rwx.diagnosis.leases import Life, judge_leases
from kubectl_rwx.diagnosis.links import Link, State, sound
from kubectl_rwx.diagnosis.sidecars import SNAPSHOTTER, find_pods, look_at_lease, look_for_sidecar
from kubectl_rwx.diagnosis.sights import Sight
from kubectl_rwx.diagnosis.snapshot_controllers import CONTROLLER_LEASE, controller_image, judge_controller
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.kinds import DEPLOYMENT, LEASE
from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of
from plugin_core.storage.snapshots import content_of, error_of, is_ready

CONTROLLER = "snapshot-controller"
SIDECAR = "csi-snapshotter sidecar"

PATIENCE = 10.0
"""Seconds that whoever's turn it is may let pass before that is worth a word."""

_FINALIZERS = "snapshot.storage.kubernetes.io/"
_BEING_CREATED = "snapshot.storage.kubernetes.io/volumesnapshot-being-created"
"""On a content while its driver is asked (external-snapshotter pkg/utils/util.go)."""


@dataclass(frozen=True)
class _Traces:
    """What judge_controller looks at, without what would be guesses of its own."""

    controllers: Sequence[Manifest] | None
    leases: Sequence[Manifest] | None
    contents: Sequence[Manifest] | None = ()
    waiting: Sequence[Manifest] | None = ()


def judge_turn_of_controller(
    sight: Sight, snapshot: Manifest, content: Manifest | None, events: Sequence[Event] | None
) -> Link:
    """content: None when there is none, or it may not be read. events: None when those may not be."""
    subject = f"volumesnapshot/{name_of(snapshot)}"
    age = seconds_since(part_of(snapshot, "metadata", "creationTimestamp"))
    trace = _trace(snapshot, events or ())
    lags = bool(content) and part_of(content or {}, "status", "readyToUse") is True and not is_ready(snapshot)
    if lags:
        age = seconds_since(_last_written(content or {}) or part_of(snapshot, "metadata", "creationTimestamp"))
    if trace and not lags:
        return sound(CONTROLLER, trace, subject)
    waited = f"in {format_duration(int(age))}"
    idle = (
        f"volumesnapshotcontent/{name_of(content or {})} is ready to use, the VolumeSnapshot does not say so" if lags
        else f"it has not touched the snapshot {waited}: no finalizer, no status"
        + (", no event" if events is not None else "; events may not be read")
    )
    if age < PATIENCE:
        return Link(CONTROLLER, State.WAITING, f"it has not answered yet, {waited}", subject)
    found = judge_controller(_Traces(_controllers(sight), sight.all_of(
        LEASE, named=CONTROLLER_LEASE, everywhere=True).items))
    if found.life is Life.STOPPED:
        name = found.where.rpartition("/")[2]
        return Link(
            CONTROLLER, State.BROKEN, f"it does not run: {found.observed}", f"lease/{CONTROLLER_LEASE}, deployments",
            "controller-stopped", f"{idle}; nobody answers any VolumeSnapshot",
            f"kubectl -n {found.where.partition('/')[0]} describe deployment {name}" if name
            else "kubectl get pods -A | grep snapshot-controller",
        )
    lives = found.life is Life.RUNNING
    refused = [] if sight.all_of(LEASE, named=CONTROLLER_LEASE, everywhere=True).seen else ["leases"]
    refused += [] if _controllers(sight) is not None else ["deployments"]
    nothing = "there is no lease and no Deployment of it to be seen"
    blind = f"; {' and '.join(refused)} of the cluster may not be read" if refused else (
        f"; {found.observed if lives else nothing}")
    return Link(
        CONTROLLER, State.SUSPECT, idle + blind, subject, "controller-silent",
        "it lives, so its log should say why" if lives else
        "it does not run, or cannot reach the server: without it every VolumeSnapshot stays unready, without a word"
        + ("; ask whoever runs the cluster" if refused else ""),
        "" if refused else "kubectl get pods -A | grep snapshot-controller",
    )


def judge_turn_of_sidecar(
    sight: Sight, snapshot: Manifest, content: Manifest | None, *, driver: str
) -> Link | None:
    """content: None when it may not be read. The result is None before there is a content to work on."""
    if not content_of(snapshot):
        return None
    subject = f"volumesnapshotcontent/{content_of(snapshot)}"
    status = part_of(content or {}, "status") or {}
    sign = look_at_lease(sight, SNAPSHOTTER, driver) if driver else None
    if sign and sign.life is Life.STOPPED:
        return _stopped(sign.observed, sign.source, driver)
    if status.get("snapshotHandle") or status.get("error") or error_of(snapshot):
        return sound(SIDECAR, "it has asked the driver, and written what came of it", f"{subject} status")
    since = part_of(content or snapshot, "metadata", "creationTimestamp")
    age = seconds_since(since)
    waited = format_duration(int(age))
    asked = annotations_of(content or {}).get(_BEING_CREATED) == "yes"
    if asked or age < PATIENCE:
        told = f"the driver was asked and has not answered in {waited}" if asked else f"no answer yet, in {waited}"
        return Link(SIDECAR, State.WAITING, told, f"{subject} annotations" if asked else subject)
    idle = (
        f"it has not touched the content in {waited}: no annotation, no status" if content else
        f"neither it nor the driver has given an answer in {waited}; the content may not be read"
    )
    return _overdue(sight, idle, subject, driver)


def judge_leases_of_deletion(sight: Sight, *, driver: str) -> list[Link]:
    """Who has to act on a deletion and, by a lease, does not run; [] where leases tell nothing of that."""
    leases = sight.all_of(LEASE, named=CONTROLLER_LEASE, everywhere=True).items or ()
    controller, sidecar = judge_leases(leases), look_at_lease(sight, SNAPSHOTTER, driver) if driver else None
    links = []
    if controller and controller.life is Life.STOPPED:
        links.append(Link(
            CONTROLLER, State.BROKEN, f"it does not run: {controller.observed}", controller.source,
            "controller-stopped", "nobody carries deletions out", "kubectl get pods -A | grep snapshot-controller",
        ))
    if sidecar and sidecar.life is Life.STOPPED:
        links.append(_stopped(sidecar.observed, sidecar.source, driver))
    return links


def _overdue(sight: Sight, idle: str, subject: str, driver: str) -> Link:
    sign = look_for_sidecar(sight, SNAPSHOTTER, driver) if driver else None
    if sign and sign.life is Life.STOPPED:
        return _stopped(f"{sign.observed}; {idle}", sign.source, driver)
    lives = sign is not None and sign.life is Life.RUNNING
    whose = f"driver {driver}" if driver else "the driver"
    return Link(
        SIDECAR, State.SUSPECT, idle + (f"; {sign.observed}" if sign else ""), subject, "sidecar-silent",
        f"it lives, so its log, in the controller pod of {whose}, should say why" if lives else
        f"the csi-snapshotter beside the controller of {whose} does not run, was never installed, or cannot reach it",
        find_pods(driver),
    )


def _stopped(observed: str, source: str, driver: str) -> Link:
    return Link(
        SIDECAR, State.BROKEN, f"it does not run: {observed}", source, "sidecar-stopped",
        f"nobody passes snapshots, nor their deletion, on to {driver}",
        find_pods(driver),
    )


def _trace(snapshot: Manifest, events: Sequence[Event]) -> str:
    """What shows that the snapshot-controller has seen this snapshot; "" for nothing."""
    if content_of(snapshot):
        return f"it bound content {content_of(snapshot)}"
    if error_of(snapshot):
        return "it has written status.error"
    mine = [one for one in part_of(snapshot, "metadata", "finalizers") or () if one.startswith(_FINALIZERS)]
    if mine:
        return f"it has set the finalizer {mine[0]}"
    return f"it has recorded the event {events[-1].reason}" if events else ""


def _last_written(manifest: Manifest) -> str:
    """By whomever, RFC 3339; "" when the server does not tell."""
    entries = part_of(manifest, "metadata", "managedFields") or ()
    return max((str(entry.get("time") or "") for entry in entries), default="")


def _controllers(sight: Sight) -> list[Manifest] | None:
    """Deployments that may be it; None when they may not be read."""
    found = sight.all_of(DEPLOYMENT, everywhere=True).items
    return None if found is None else [one for one in found if controller_image(one)]
