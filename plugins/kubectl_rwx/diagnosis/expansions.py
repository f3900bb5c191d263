"""A Bound claim that was asked to grow: what holds it up, the resizer sidecar, the driver, or the node."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.diagnosis.driver_errors import judge_error
from kubectl_rwx.diagnosis.events import Event
from kubectl_rwx.diagnosis.leases import Life
from kubectl_rwx.diagnosis.links import Link, State
from kubectl_rwx.diagnosis.mounts import pods_of
from kubectl_rwx.diagnosis.sidecars import RESIZER, find_pods, look_for_sidecar
from kubectl_rwx.diagnosis.sights import Sight
from kubectl_rwx.diagnosis.turns import PATIENCE
from plugin_core.model.durations import age_of, format_duration, seconds_since
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.model.quantities import format_quantity
from plugin_core.storage.claims import size_at

EXPANSION, SIDECAR = "expansion", "csi-resizer sidecar"

FAILED, DONE = "VolumeResizeFailed", "VolumeResizeSuccessful"
"""Reasons of external-resizer's events (its pkg/util/events.go), the first of the kubelet's too."""

ERRORS = {"ControllerResizeError": "expansion-failed", "NodeResizeError": "node-expansion-failed"}
RESIZING, PENDING = "Resizing", "FileSystemResizePending"
"""Conditions of a claim (k8s.io/api core/v1 types.go, KEP-1790)."""


def conditions_of(claim: Manifest) -> dict[str, Manifest]:
    """Those that hold, by type."""
    return {str(one.get("type")): one for one in part_of(claim, "status", "conditions") or ()
            if one.get("status", "True") == "True"}


def last_word(events: Sequence[Event]) -> Event | None:
    """The latest that tells how a growth ended; None when none does."""
    return next((event for event in reversed(events) if event.reason in (FAILED, DONE)), None)


def is_growing(claim: Manifest) -> bool:
    """Whether it is Bound, and smaller than what it asks for by now."""
    had, wanted = _sizes(claim)
    return part_of(claim, "status", "phase") == "Bound" and 0 < had < wanted


def judge_expansion(sight: Sight, claim: Manifest, events: Sequence[Event] | None, *, driver: str) -> Link:
    """For a claim that is growing. events: None when they may not be read."""
    subject = f"persistentvolumeclaim/{name_of(claim)}"
    describe = f"kubectl describe {subject} -n {namespace_of(claim)}"
    had, wanted = map(format_quantity, _sizes(claim))
    told = f"it has {had} and asks for {wanted}"
    since = _seconds_since_asked(claim)
    # the end of an earlier growth says nothing of this one
    said = last_word([one for one in events or () if since is None or seconds_since(one.last) <= since + 1])
    conditions = conditions_of(claim)
    for kind, code in ERRORS.items():
        if kind in conditions:
            words = " ".join(str(conditions[kind].get("message") or kind).split())
            return Link(EXPANSION, State.BROKEN, f"{told}: {words}", f"{subject} status.conditions {kind}", code,
                        judge_error(words)[1], describe)
    if said and said.reason == FAILED:
        return Link(EXPANSION, State.BROKEN, f"{told}: {said.message}",
                    f"{subject} event {said.reason}, {age_of(said.last)} ago", "expansion-failed",
                    judge_error(said.message)[1], describe)
    if PENDING in conditions:
        return _judge_node(sight, claim, told, conditions[PENDING])
    if RESIZING in conditions:
        lasts = format_duration(int(seconds_since(conditions[RESIZING].get("lastTransitionTime"))))
        return Link(EXPANSION, State.WAITING, f"{told}: the driver has been at it for {lasts}",
                    f"{subject} status.conditions {RESIZING}", "expansion-going-on", "", describe)
    if said:
        return Link(EXPANSION, State.BROKEN, f"{told}, and its resizer takes that for done: {said.message}",
                    f"{subject} event {said.reason}, {age_of(said.last)} ago", "expansion-not-done",
                    "the driver answers with success and does not grow the volume", describe)
    return _judge_silence(sight, claim, told, driver=driver, since=since, blind=events is None)


def _judge_node(sight: Sight, claim: Manifest, told: str, pending: Manifest) -> Link:
    """The driver has grown the volume: what is left is the filesystem on it, which a node grows."""
    source = f"persistentvolumeclaim/{name_of(claim)} status.conditions {PENDING}"
    pods = pods_of(sight, claim)
    running = [pod for pod in pods or () if part_of(pod, "spec", "nodeName")]
    age = seconds_since(pending.get("lastTransitionTime"))
    waited = f"{told}: the volume has grown, its filesystem has not in {format_duration(int(age))}"
    if pods is not None and not running:
        return Link(EXPANSION, State.WAITING, f"{waited}; no pod uses it", f"{source}, pods", "expansion-waits-for-pod",
                    "nothing is wrong: the filesystem grows when a pod mounts it")
    who, command = "pods may not be read", ""
    if running:
        pod = running[0]
        who = f"pod/{name_of(pod)} uses it on {part_of(pod, 'spec', 'nodeName')}"
        command = f"kubectl describe pod/{name_of(pod)} -n {namespace_of(claim)}"
    if age < PATIENCE:
        return Link(EXPANSION, State.WAITING, f"{waited}; {who}", f"{source}, pods", "node-expansion-going-on")
    return Link(
        EXPANSION, State.SUSPECT, f"{waited}; {who}", f"{source}, pods", "node-expansion-silent",
        "the kubelet or the driver's node plugin says nothing; a driver that cannot grow what is in use does it when "
        "the volume is mounted anew, by new pods", command,
    )


def _judge_silence(
    sight: Sight, claim: Manifest, told: str, *, driver: str, since: float | None, blind: bool
) -> Link:
    """Nobody has touched the claim since it was asked to grow, as far as can be seen. blind: without events."""
    subject = f"persistentvolumeclaim/{name_of(claim)}"
    if since is not None and since < PATIENCE:
        return Link(SIDECAR, State.WAITING, f"{told}: it has not begun yet, in {format_duration(int(since))}", subject)
    sign = look_for_sidecar(sight, RESIZER, driver) if driver else None
    if sign and sign.life is Life.STOPPED:
        return Link(SIDECAR, State.BROKEN, f"{told}: it does not run: {sign.observed}", sign.source,
                    "resizer-stopped", f"nobody passes the growing of volumes on to {driver}", find_pods(driver))
    waited = f" in {format_duration(int(since))}" if since is not None else ""
    seen = "no condition; events may not be read" if blind else "no condition, no event of its own"
    return Link(
        SIDECAR, State.SUSPECT, f"{told}: nothing has come of it{waited}: {seen}"
        + (f"; {sign.observed}" if sign else ""),
        subject, "resizer-silent",
        f"the csi-resizer beside the controller of {driver or 'the driver'} does not run, was never installed (a class "
        "may say allowVolumeExpansion all the same), or cannot reach the server", find_pods(driver),
    )


def _sizes(claim: Manifest) -> tuple[int, int]:
    """Bytes it has, and asks for."""
    return (size_at(claim, "status", "capacity", "storage"),
            size_at(claim, "spec", "resources", "requests", "storage"))


def _seconds_since_asked(claim: Manifest) -> float | None:
    """Since somebody last wrote how much it asks for; None when the server does not tell."""
    times = [str(entry.get("time")) for entry in part_of(claim, "metadata", "managedFields") or ()
             if entry.get("time") and part_of(entry, "fieldsV1", "f:spec", "f:resources") is not None]
    return min(map(seconds_since, times), default=None)
