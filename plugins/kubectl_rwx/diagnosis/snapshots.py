"""The chain of a VolumeSnapshot, walked from the API to its events."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.diagnosis.claims import walk_claim
from kubectl_rwx.diagnosis.contents import judge_content, judge_errors, look_at_content
from kubectl_rwx.diagnosis.deletions import judge_deletion_of_snapshot
from kubectl_rwx.diagnosis.events import Event, latest
from kubectl_rwx.diagnosis.links import Chain, Link, State, sound, unseen
from kubectl_rwx.diagnosis.registrations import judge_registration
from kubectl_rwx.diagnosis.sights import Look, Sight
from kubectl_rwx.diagnosis.snapshot_apis import judge_api
from kubectl_rwx.diagnosis.snapshot_classes import class_of, judge_class
from kubectl_rwx.diagnosis.turns import judge_leases_of_deletion, judge_turn_of_controller, judge_turn_of_sidecar
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.kinds import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, is_terminating, name_of, namespace_of, part_of
from plugin_core.storage.claims import provisioner_of
from plugin_core.storage.snapshot_classes import driver_of_class
from plugin_core.storage.snapshots import claim_of, content_of, is_ready
from plugin_core.storage.volumes import csi_driver_of, describe_volume


def walk_snapshot(sight: Sight, snapshot: Manifest) -> Chain:
    """Every link there is something to say of, in the order in which they act."""
    events = sight.events(VOLUME_SNAPSHOT, snapshot)
    claim = _claim(sight, snapshot)
    look = look_at_content(sight, snapshot)
    content = look.one if look else None
    ready = is_ready(snapshot) and not is_terminating(snapshot)
    volume_driver, foreign = _driver_of_volume(sight, claim.one if claim else None)
    links: list[Link | None] = [judge_api(sight)]
    driver = str(part_of(content or {}, "spec", "driver") or driver_of_class(class_of(sight, snapshot) or {}))
    if is_terminating(snapshot):
        links += judge_leases_of_deletion(sight, driver=driver or volume_driver)
        links.append(judge_deletion_of_snapshot(sight, snapshot, content))
    elif not ready:
        links += [judge_turn_of_controller(sight, snapshot, content, events)]
        links += [judge_class(sight, snapshot, driver=volume_driver)] if claim_of(snapshot) else []
    links.append(foreign)
    answered = part_of(content or {}, "status", "snapshotHandle") or part_of(content or {}, "status", "error")
    registration = judge_registration(sight, driver or volume_driver) if driver or volume_driver else None
    links.append(None if answered and registration and registration.state is State.BROKEN else registration)
    if not ready and not is_terminating(snapshot):
        links.append(judge_turn_of_sidecar(sight, snapshot, content, driver=driver or volume_driver))
        uncut = not part_of(snapshot, "status", "creationTime")
        links.append(_judge_claim(sight, snapshot, claim) if claim and uncut else None)
    if not is_terminating(snapshot):
        links += [judge_content(snapshot, look), None if ready else judge_errors(snapshot, content)]
    found = [link for link in links if link]
    found += [] if ready else _judge_events(found, events, why_unseen=sight.no_events)
    if ready:
        found.append(sound("snapshot", _proof(snapshot), f"volumesnapshot/{name_of(snapshot)} status"))
    return Chain(
        VOLUME_SNAPSHOT.name, namespace_of(snapshot), name_of(snapshot), ready, _state(snapshot), tuple(found),
        events=() if ready else latest(events or ()),
    )


def _judge_events(links: Sequence[Link], events: list[Event] | None, *, why_unseen: str) -> list[Link]:
    """A warning that no link tells of already is worth a link; so are events that may not be read."""
    if events is None:
        return [unseen("events", "list events", why_unseen)]
    warnings = [event for event in events if event.warning]
    if not warnings or any(link.state in (State.BROKEN, State.SUSPECT) for link in links):
        return []
    last = warnings[-1]
    return [Link("events", State.SUSPECT, f"{last.reason}: {last.message}", "the latest warning", "warning-event")]


def _claim(sight: Sight, snapshot: Manifest) -> Look | None:
    name = claim_of(snapshot)
    return sight.get(PERSISTENT_VOLUME_CLAIM, name, namespace=namespace_of(snapshot)) if name else None


def _driver_of_volume(sight: Sight, claim: Manifest | None) -> tuple[str, Link | None]:
    """The CSI driver of a bound claim's volume, and a broken link when it has none. "": not known."""
    if claim is None:
        return "", None
    name = str(part_of(claim, "spec", "volumeName") or "")
    volume = sight.get(PERSISTENT_VOLUME, name).one if name else None
    if volume is None:
        return (provisioner_of(claim) if name else ""), None
    driver = csi_driver_of(volume)
    if driver:
        return driver, None
    return "", Link(
        "driver", State.BROKEN, f"persistentvolume/{name} is {describe_volume(volume)}, not a CSI volume",
        f"persistentvolume/{name} spec", "volume-not-csi", "only CSI volumes have snapshots",
        "kubectl rwx check",
    )


def _judge_claim(sight: Sight, snapshot: Manifest, look: Look) -> Link:
    name, namespace = claim_of(snapshot), namespace_of(snapshot)
    subject = f"persistentvolumeclaim/{name}"
    if not look.seen:
        return unseen("claim", look.request, look.words)
    if look.one is None:
        return Link(
            "claim", State.BROKEN, f"there is no {subject}", f"volumesnapshot/{name_of(snapshot)} spec.source",
            "claim-missing", "there is nothing to snapshot", f"kubectl delete vs/{name_of(snapshot)} -n {namespace}",
        )
    phase = part_of(look.one, "status", "phase") or "Pending"
    if phase == "Bound":
        volume = part_of(look.one, "spec", "volumeName")
        return sound("claim", f"{subject} is Bound to {volume}", f"{subject} status.phase")
    inner = walk_claim(sight, look.one).first
    why = f": {inner.observed}" if inner else ""
    return Link(
        "claim", State.BROKEN, f"{subject} is {phase}{why}", f"{subject} status.phase", "claim-unbound",
        "a claim without a volume has nothing to snapshot; the snapshot-controller tries again when it is Bound",
        inner.command if inner and inner.command else f"kubectl rwx diagnose pvc/{name} -n {namespace}",
    )


def _proof(snapshot: Manifest) -> str:
    status = snapshot.get("status", {})
    cut, size = status.get("creationTime") or "at an unknown time", status.get("restoreSize") or "not told"
    return f"readyToUse, cut {cut}, restoreSize {size}"


def _state(snapshot: Manifest) -> str:
    age = format_duration(int(seconds_since(part_of(snapshot, "metadata", "creationTimestamp"))))
    if is_terminating(snapshot):
        since = format_duration(int(seconds_since(part_of(snapshot, "metadata", "deletionTimestamp"))))
        return f"being deleted for {since}"
    if is_ready(snapshot):
        return "ready to use"
    return f"not ready after {age}" + ("" if content_of(snapshot) else ", no content is bound")
