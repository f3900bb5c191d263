"""The chain of a PersistentVolumeClaim, walked from its class to the pods that mount it."""

from __future__ import annotations

from kubectl_rwx.diagnosis.deletions import judge_deletion_of_claim
from kubectl_rwx.diagnosis.events import Event, latest
from kubectl_rwx.diagnosis.expansions import is_growing, judge_expansion
from kubectl_rwx.diagnosis.links import Chain, Link, State, sound, unseen
from kubectl_rwx.diagnosis.mounts import judge_mounts
from kubectl_rwx.diagnosis.provisioning import (
    class_of_claim,
    judge_answer,
    judge_first_consumer,
    judge_provisioner,
    judge_storage_class,
)
from kubectl_rwx.diagnosis.registrations import judge_registration
from kubectl_rwx.diagnosis.sights import Sight
from kubectl_rwx.diagnosis.sources import judge_source
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.kinds import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest, is_terminating, name_of, namespace_of, part_of
from plugin_core.storage.claims import provisioner_of
from plugin_core.storage.drivers import find_driver
from plugin_core.storage.storage_classes import provisioner_of_class
from plugin_core.storage.volumes import csi_driver_of

VOLUME = "volume"


def walk_claim(sight: Sight, claim: Manifest) -> Chain:
    """Every link there is something to say of, in the order in which they act."""
    phase = str(part_of(claim, "status", "phase") or "Pending")
    growing = is_growing(claim)
    events = sight.events(PERSISTENT_VOLUME_CLAIM, claim) if phase != "Bound" or growing else []
    links = [judge_deletion_of_claim(sight, claim)] if is_terminating(claim) else []
    links += _walk_bound(sight, claim, events) if phase == "Bound" else _walk_unbound(sight, claim, phase, events)
    links += [unseen("events", "list events", sight.no_events)] if events is None else []
    ready = phase == "Bound" and not growing and not is_terminating(claim)
    return Chain(
        PERSISTENT_VOLUME_CLAIM.name, namespace_of(claim), name_of(claim), ready, _state(claim, phase), tuple(links),
        events=latest(events or ()),
    )


def _walk_bound(sight: Sight, claim: Manifest, events: list[Event] | None) -> list[Link]:
    name = str(part_of(claim, "spec", "volumeName") or "")
    look = sight.get(PERSISTENT_VOLUME, name)
    driver = csi_driver_of(look.one) if look.one else provisioner_of(claim)
    links = []
    if look.seen and look.one is None:
        links.append(Link(VOLUME, State.BROKEN, f"there is no persistentvolume/{name}",
                          f"persistentvolumeclaim/{name_of(claim)} spec.volumeName", "volume-missing",
                          "its data cannot be reached any more", "kubectl get pv"))
    elif look.one:
        told = f"Bound to persistentvolume/{name}, {part_of(claim, 'status', 'capacity', 'storage')}"
        links.append(sound(VOLUME, told, f"persistentvolume/{name}"))
    else:
        links.append(unseen(VOLUME, look.request, look.words))
    links += [judge_registration(sight, driver)] if look.one and driver else []
    links += [judge_expansion(sight, claim, events, driver=driver)] if is_growing(claim) else []
    mounted = judge_mounts(sight, claim, driver=driver)
    return links + ([mounted] if mounted else [])


def _walk_unbound(sight: Sight, claim: Manifest, phase: str, events: list[Event] | None) -> list[Link]:
    if phase == "Lost":
        name = part_of(claim, "spec", "volumeName")
        return [Link(VOLUME, State.BROKEN, f"its volume {name} is lost",
                     f"persistentvolumeclaim/{name_of(claim)} status.phase", "volume-missing",
                     "the PersistentVolume was deleted, and the claim stays Lost", "kubectl get pv")]
    found = class_of_claim(sight, claim)
    provisioner = provisioner_of_class(found) if found else provisioner_of(claim)
    storage_class = judge_storage_class(sight, claim, events or ())
    links = [storage_class]
    consumer = judge_first_consumer(sight, claim, events or ())
    source = judge_source(sight, claim, provisioner=provisioner)
    known = find_driver(found) if found else None
    sidecar = None if consumer else judge_provisioner(sight, claim, events, provisioner=provisioner)
    # a provisioner that acts is there, registered or not: not all of them are CSI drivers
    if provisioner and not (known and not known.csi) and not (sidecar and sidecar.state is State.OK):
        links.append(judge_registration(sight, provisioner))
    links += source + ([consumer] if consumer else [])
    if consumer or storage_class.state is not State.OK and not provisioner:
        return links
    answer = judge_answer(claim, events or ())
    return links + [link for link in (sidecar, answer) if link]


def _state(claim: Manifest, phase: str) -> str:
    if is_terminating(claim):
        since = format_duration(int(seconds_since(part_of(claim, "metadata", "deletionTimestamp"))))
        return f"{phase}, being deleted for {since}"
    age = format_duration(int(seconds_since(part_of(claim, "metadata", "creationTimestamp"))))
    return phase if phase == "Bound" else f"{phase} after {age}"
