"""Does somebody make the volume of a claim: class, first consumer, provisioner sidecar, and what the driver says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubectl_rwx.diagnosis.driver_errors import judge_error
from kubectl_rwx.diagnosis.events import Event
from kubectl_rwx.diagnosis.leases import Life
from kubectl_rwx.diagnosis.links import Link, State, sound, unseen
from kubectl_rwx.diagnosis.mounts import pods_of
from kubectl_rwx.diagnosis.quotas import refused_pods
from kubectl_rwx.diagnosis.sidecars import PROVISIONER, find_pods, look_at_lease, look_for_sidecar
from kubectl_rwx.diagnosis.sights import Sight
from kubectl_rwx.diagnosis.turns import PATIENCE
from plugin_core.model.durations import age_of, format_duration, seconds_since
from plugin_core.model.kinds import STORAGE_CLASS
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of, part_of
from plugin_core.names import DEFAULT_STORAGE_CLASS, SELECTED_NODE
from plugin_core.storage.claims import source_snapshot_of
from plugin_core.storage.storage_classes import binds_on_first_use
from plugin_core.workloads.troubles import pod_troubles

CLASS, CONSUMER, SIDECAR, ERROR = "storage class", "first consumer", "csi-provisioner sidecar", "driver's answer"
_NO_CLASS = re.compile(r'storageclass\S* "(\S+)" not found')
_PROVISIONER_REASONS = frozenset({"Provisioning", "ProvisioningFailed", "ProvisioningSucceeded"})


def class_of_claim(sight: Sight, claim: Manifest) -> Manifest | None:
    """None when it names none, it is absent, or classes may not be read."""
    wanted = part_of(claim, "spec", "storageClassName")
    return next((one for one in sight.all_of(STORAGE_CLASS).items or () if name_of(one) == wanted), None)


def judge_storage_class(sight: Sight, claim: Manifest, events: Sequence[Event]) -> Link:
    """For a claim that is not Bound."""
    look, wanted = sight.all_of(STORAGE_CLASS), part_of(claim, "spec", "storageClassName")
    subject = f"persistentvolumeclaim/{name_of(claim)}"
    source = f"{subject} spec.storageClassName"
    if wanted == "":
        return Link(CLASS, State.SUSPECT, "it asks for a volume without a class, made by hand", source,
                    "volume-by-hand", "nobody makes it a volume; it waits for a PersistentVolume that fits",
                    "kubectl get pv")
    if look.items is None:
        said = next((one for one in reversed(events) if _NO_CLASS.search(one.message)), None)
        if not said:
            return unseen(CLASS, look.request, look.words)
        return _missing(wanted, f"{subject} event {said.reason}", claim)
    if wanted is None:
        defaults = [name_of(one) for one in look.items if annotations_of(one).get(DEFAULT_STORAGE_CLASS) == "true"]
        return Link(CLASS, State.WAITING if defaults else State.BROKEN,
                    f"it names no class, and {'the default is ' + defaults[0] if defaults else 'none is the default'}",
                    source, "no-default-storage-class", "a claim without a class waits until there is a default",
                    "kubectl get storageclasses")
    found = class_of_claim(sight, claim)
    if found is None:
        return _missing(wanted, source, claim)
    return sound(CLASS, f"{wanted}, of {found.get('provisioner')}", source)


def judge_first_consumer(sight: Sight, claim: Manifest, events: Sequence[Event]) -> Link | None:
    """None for a class that binds at once, and once the scheduler has chosen a node."""
    waits = binds_on_first_use(class_of_claim(sight, claim)) or (
        not sight.all_of(STORAGE_CLASS).seen and bool(events) and events[-1].reason == "WaitForFirstConsumer"
    )
    if not waits or SELECTED_NODE in annotations_of(claim):
        return None
    subject, pods = f"persistentvolumeclaim/{name_of(claim)}", pods_of(sight, claim)
    source = f"storageclass/{part_of(claim, 'spec', 'storageClassName')} volumeBindingMode, pods"
    for trouble in pod_troubles(pods or ()):
        if not trouble.stuck:
            return Link(CONSUMER, State.BROKEN, str(trouble), f"{trouble.subject} status.conditions",
                        "consumer-not-scheduled", "the volume is made where the first pod that uses it can run",
                        f"kubectl describe {trouble.subject} -n {namespace_of(claim)}")
    if pods:
        return Link(CONSUMER, State.WAITING, f"pod {name_of(pods[0])} uses it and has no node yet", source,
                    "consumer-waits")
    snapshot, refused = source_snapshot_of(claim), refused_pods(sight, claim)
    if refused:
        return refused
    told = "pods may not be read" if pods is None else "no pod uses it"
    return Link(
        CONSUMER, State.WAITING, f"{subject} waits for the first pod that uses it (WaitForFirstConsumer); {told}",
        source, "waits-for-first-consumer",
        "nothing is wrong: the volume is made when a pod that mounts it is scheduled",
        f"kubectl rwx restore vs/{snapshot} --to {name_of(claim)} --bind -n {namespace_of(claim)}" if snapshot else "",
    )


def judge_provisioner(
    sight: Sight, claim: Manifest, events: Sequence[Event] | None, *, provisioner: str
) -> Link | None:
    """None when the class has no provisioner that is known. events: None when they may not be read."""
    if not provisioner:
        return None
    subject = f"persistentvolumeclaim/{name_of(claim)}"
    acts = [one for one in events or () if one.reason in _PROVISIONER_REASONS and not _NO_CLASS.search(one.message)]
    sign = look_at_lease(sight, PROVISIONER, provisioner)
    stopped = sign is not None and sign.life is Life.STOPPED
    age = seconds_since(part_of(claim, "metadata", "creationTimestamp"))
    if acts and not stopped:
        return sound(SIDECAR, f"it acted {age_of(acts[-1].last)} ago: {acts[-1].reason}", f"{subject} events")
    if events is None and not stopped:
        return unseen(SIDECAR, "list events", f"{sight.no_events}, and only events tell what it does")
    if age < PATIENCE and not stopped:
        return Link(SIDECAR, State.WAITING, f"it has not answered yet, in {format_duration(int(age))}", subject)
    sign = sign if stopped else look_for_sidecar(sight, PROVISIONER, provisioner)
    if sign and sign.life is Life.STOPPED:
        return Link(SIDECAR, State.BROKEN, f"it does not run: {sign.observed}", sign.source, "provisioner-stopped",
                    f"nobody makes volumes of {provisioner}", find_pods(provisioner))
    evidence = f"; {sign.observed}" if sign else ""
    return Link(
        SIDECAR, State.SUSPECT, f"{provisioner} has not touched the claim in {format_duration(int(age))}: no event of "
        f"its own{evidence}", f"{subject} events", "provisioner-silent",
        f"the provisioner of {provisioner} does not run, was never installed, or cannot reach the server",
        find_pods(provisioner),
    )


def judge_answer(claim: Manifest, events: Sequence[Event]) -> Link | None:
    """The provisioner's latest complaint; None when it has none, or succeeded since."""
    acts = [one for one in events if one.reason in ("ProvisioningFailed", "ProvisioningSucceeded")]
    if not acts or acts[-1].reason == "ProvisioningSucceeded" or _NO_CLASS.search(acts[-1].message):
        return None
    kind, matters = judge_error(acts[-1].message)
    subject = f"persistentvolumeclaim/{name_of(claim)}"
    source = f"{subject} event ProvisioningFailed, {age_of(acts[-1].last)} ago"
    said = f"{acts[-1].reason}: {acts[-1].message}"
    return Link(ERROR, State.BROKEN, said, source, f"provisioning-failed-{kind}", matters,
                f"kubectl describe {subject} -n {namespace_of(claim)}")


def _missing(wanted: str, source: str, claim: Manifest) -> Link:
    return Link(CLASS, State.BROKEN, f'there is no StorageClass "{wanted}"', source, "storage-class-missing",
                "nobody makes the volume; a claim's class cannot be changed, so create the class or the claim anew",
                "kubectl get storageclasses")
