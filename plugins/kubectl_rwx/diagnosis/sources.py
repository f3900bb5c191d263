"""What a new claim is to be filled with: is it there, is it ready, of the same driver, and not too large?"""

from __future__ import annotations

from kubectl_rwx.diagnosis.links import Link, State, sound, unseen
from kubectl_rwx.diagnosis.sights import Sight
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.manifests import Manifest, is_terminating, name_of, namespace_of, part_of
from plugin_core.model.quantities import format_quantity
from plugin_core.storage.claims import size_at, source_snapshot_of
from plugin_core.storage.snapshots import content_of, is_ready, judge_snapshot

NAME, SIZE = "source", "size"


def judge_source(sight: Sight, claim: Manifest, *, provisioner: str) -> list[Link]:
    """One link, or two when the size is worth a word; [] for a claim that starts empty.

    provisioner: of the claim's StorageClass; "" when it is not known.
    """
    snapshot = source_snapshot_of(claim)
    if snapshot:
        return _judge_snapshot(sight, claim, snapshot, provisioner)
    given = part_of(claim, "spec", "dataSource") or part_of(claim, "spec", "dataSourceRef") or {}
    if given.get("kind") == PERSISTENT_VOLUME_CLAIM.name:
        return _judge_claim(sight, claim, str(given.get("name")))
    if given:
        told = f"{given.get('kind')} {given.get('name')}: its own populator fills the claim"
        return [sound(NAME, told, _field(claim))]
    return []


def _judge_snapshot(sight: Sight, claim: Manifest, name: str, provisioner: str) -> list[Link]:
    namespace, subject = namespace_of(claim), f"volumesnapshot/{name}"
    look = sight.get(VOLUME_SNAPSHOT, name, namespace=namespace)
    if not look.seen:
        return [unseen(NAME, look.request, look.words)]
    if look.one is None:
        return [Link(NAME, State.BROKEN, f"there is no {subject} in {namespace}", _field(claim), "source-missing",
                     "there is nothing to fill the claim with", f"kubectl rwx list -n {namespace}")]
    snapshot = look.one
    if is_terminating(snapshot):
        return [*_judge_size(claim, size_at(snapshot, "status", "restoreSize"), subject), Link(
            NAME, State.BROKEN, f"{subject} is being deleted", f"{subject} metadata.deletionTimestamp",
            "source-deleting", "the provisioner fills no claim from it any more, and it stays as long as this claim is "
            "not Bound", f"kubectl delete pvc/{name_of(claim)} -n {namespace}")]
    if not is_ready(snapshot):
        return [Link(NAME, State.BROKEN, f"{subject} is not ready: {judge_snapshot(snapshot).reason}",
                     f"{subject} status", "source-not-ready", "the claim is filled when its snapshot is ready",
                     f"kubectl rwx diagnose vs/{name} -n {namespace}")]
    content = sight.get(VOLUME_SNAPSHOT_CONTENT, content_of(snapshot)).one if content_of(snapshot) else None
    driver = str(part_of(content or {}, "spec", "driver") or "")
    if driver and provisioner and driver != provisioner:
        return [Link(NAME, State.BROKEN, f"{subject} is of {driver}, the claim's class of {provisioner}",
                     f"volumesnapshotcontent/{content_of(snapshot)} spec.driver", "source-of-another-driver",
                     "a driver cannot read another's snapshots: a StorageClass of the snapshot's driver is needed",
                     f"kubectl rwx restore vs/{name} -n {namespace}")]
    return [sound(NAME, f"{subject} is ready to use", f"{subject} status"),
            *_judge_size(claim, size_at(snapshot, "status", "restoreSize"), subject)]


def _judge_claim(sight: Sight, claim: Manifest, name: str) -> list[Link]:
    namespace, subject = namespace_of(claim), f"persistentvolumeclaim/{name}"
    look = sight.get(PERSISTENT_VOLUME_CLAIM, name, namespace=namespace)
    if not look.seen:
        return [unseen(NAME, look.request, look.words)]
    phase = part_of(look.one or {}, "status", "phase") or "absent"
    if phase != "Bound":
        return [Link(NAME, State.BROKEN, f"{subject} is {phase}", f"{subject} status.phase", "source-not-ready",
                     "a claim is cloned when it is Bound", f"kubectl rwx diagnose pvc/{name} -n {namespace}")]
    source, own = look.one or {}, part_of(claim, "spec", "storageClassName")
    if part_of(source, "spec", "storageClassName") != own and part_of(claim, "spec", "dataSource"):
        theirs = part_of(source, "spec", "storageClassName")
        return [Link(NAME, State.SUSPECT, f"{subject} is of class {theirs}, this claim of {own}",
                     f"{subject} spec.storageClassName", "source-of-another-class", "most drivers clone in one class",
                     f"kubectl rwx clone pvc/{name} NEW -n {namespace}")]
    return [sound(NAME, f"{subject} is Bound", f"{subject} status.phase"),
            *_judge_size(claim, size_at(source, "status", "capacity", "storage"), subject)]


def _judge_size(claim: Manifest, needed: int, subject: str) -> list[Link]:
    asked = size_at(claim, "spec", "resources", "requests", "storage")
    if asked >= needed:
        return []
    snapshot = subject.startswith("volumesnapshot/")
    return [Link(
        SIZE, State.BROKEN,
        f"the claim asks for {format_quantity(asked)}, {subject} needs {format_quantity(needed)}",
        f"persistentvolumeclaim/{name_of(claim)} spec.resources, {subject} status", "restore-too-small",
        "the provisioner refuses a claim smaller than its source, and an unbound claim cannot be enlarged",
        f"kubectl delete pvc/{name_of(claim)} -n {namespace_of(claim)}" + (
            f"; kubectl rwx restore vs/{subject.rpartition('/')[2]} --to {name_of(claim)} -n {namespace_of(claim)}"
            if snapshot else ""),
    )]


def _field(claim: Manifest) -> str:
    return f"persistentvolumeclaim/{name_of(claim)} spec.dataSource"
