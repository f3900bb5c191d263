"""The content behind a snapshot: is it there, is it bound to this snapshot, and does the driver know its handle?"""

from __future__ import annotations

from kubectl_rwx.diagnosis.driver_errors import judge_error
from kubectl_rwx.diagnosis.links import Link, State, sound, unseen
from kubectl_rwx.diagnosis.sights import Look, Sight
from plugin_core.model.durations import age_of
from plugin_core.model.kinds import VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.manifests import Manifest, is_terminating, name_of, namespace_of, part_of, uid_of
from plugin_core.storage.snapshots import claim_of, content_of, error_of, is_ready

NAME = "content"
ERROR = "status.error"
_MISSING = "VolumeSnapshotContent is missing"
_MISBOUND = ("is bound to a different", "is not bound to the VolumeSnapshot")
"""The snapshot-controller's words (external-snapshotter pkg/common-controller/snapshot_controller.go)."""


def look_at_content(sight: Sight, snapshot: Manifest) -> Look | None:
    """The content that is bound, or named by a pre-provisioned snapshot; None when there is none to look for."""
    name = content_of(snapshot) or _named(snapshot)
    return sight.get(VOLUME_SNAPSHOT_CONTENT, name) if name else None


def judge_content(snapshot: Manifest, look: Look | None) -> Link | None:
    """None while there is nothing to say: none is bound, and none was named."""
    if look is None:
        return None
    name = content_of(snapshot) or _named(snapshot)
    subject, content = f"volumesnapshotcontent/{name}", look.one
    if not look.seen:
        return _from_error(snapshot, name) or unseen(NAME, look.request, look.words)
    if look.unserved:
        return Link(NAME, State.BROKEN, f"{VOLUME_SNAPSHOT_CONTENT.resource} is not served", look.request,
                    "crd-missing", "the snapshot-controller needs the CRDs of all three kinds",
                    "kubectl rwx setup snapshots")
    if content is None:
        return _missing(snapshot, name, "volumesnapshot/" + name_of(snapshot))
    wrong = _misbound(snapshot, content)
    if wrong:
        return _not_bound(snapshot, name, wrong, f"{subject} spec.volumeSnapshotRef")
    if is_terminating(content):
        held = ", ".join(part_of(content, "metadata", "finalizers") or ())
        return Link(NAME, State.BROKEN, f"{subject} is being deleted, held by {held or 'nothing'}",
                    f"{subject} metadata.deletionTimestamp", "content-deleting",
                    "the snapshot goes with it", f"kubectl describe {subject}")
    handle, given = part_of(content, "status", "snapshotHandle"), part_of(content, "spec", "source", "snapshotHandle")
    error = part_of(content, "status", "error", "message")
    if given and error and not part_of(content, "status", "readyToUse"):
        words = " ".join(str(error).split())
        return Link(
            NAME, State.BROKEN, f'the driver does not confirm the handle "{given}" of {subject}: {words}',
            f"{subject} spec.source.snapshotHandle, status.error", "handle-not-confirmed",
            "a pre-provisioned content must carry the storage's own name of an existing snapshot, and cannot be edited",
            f"kubectl delete vs/{name_of(snapshot)} -n {namespace_of(snapshot)}; kubectl delete {subject}",
        )
    if handle and not error and not is_ready(snapshot) and not part_of(content, "status", "readyToUse"):
        return Link(
            NAME, State.WAITING, f"{subject} has handle {handle}; the driver has not said that it is ready to use",
            f"{subject} status", "not-ready-yet", "it is cut, so later changes do not matter; some drivers upload it "
            "before they call it ready, and the sidecar asks again",
        )
    told = f"handle {handle}" if handle else "no handle yet" if not given else f'handle "{given}" as given'
    return sound(NAME, f"bound both ways, {told}", subject)


def judge_errors(snapshot: Manifest, content: Manifest | None) -> Link | None:
    """What the driver or the snapshot-controller complains of; None when it does not."""
    own = content if content and not _misbound(snapshot, content) else None
    said = part_of(own or {}, "status", "error") or {}
    words = " ".join(str(said.get("message") or "").split())
    source = f"volumesnapshotcontent/{name_of(own)}" if own and words else f"volumesnapshot/{name_of(snapshot)}"
    words, when = words or error_of(snapshot), said.get("time") or part_of(snapshot, "status", "error", "time")
    if not words:
        return None
    kind, matters = judge_error(words)
    return Link(
        ERROR, State.BROKEN, words, f"{source} status.error, {age_of(when)} ago", f"driver-error-{kind}", matters,
        f"kubectl describe {source}" + ("" if "content/" in source else f" -n {namespace_of(snapshot)}"),
    )


def _named(snapshot: Manifest) -> str:
    return str(part_of(snapshot, "spec", "source", "volumeSnapshotContentName") or "")


def _misbound(snapshot: Manifest, content: Manifest) -> str:
    """Whom the content belongs to, when that is not this snapshot; "" when it is."""
    ref = part_of(content, "spec", "volumeSnapshotRef") or {}
    if not ref:
        return ""
    other = (ref.get("namespace"), ref.get("name")) != (namespace_of(snapshot), name_of(snapshot))
    if other:
        return f"it is for volumesnapshot/{ref.get('name')} in {ref.get('namespace')}"
    if ref.get("uid") and ref["uid"] != uid_of(snapshot):
        return "it is for an earlier VolumeSnapshot of this name"
    return ""


def _from_error(snapshot: Manifest, name: str) -> Link | None:
    """Who may not read contents still reads what the snapshot-controller says about them."""
    words, source = error_of(snapshot), f"volumesnapshot/{name_of(snapshot)} status.error"
    if _MISSING in words:
        return _missing(snapshot, name, source)
    if any(said in words for said in _MISBOUND):
        return _not_bound(snapshot, name, words, source)
    return None


def _missing(snapshot: Manifest, name: str, source: str) -> Link:
    lost = "" if claim_of(snapshot) else " (spec.source.volumeSnapshotContentName)"
    return Link(
        NAME, State.BROKEN, f"there is no VolumeSnapshotContent {name}{lost}", source, "content-missing",
        "the content was deleted, and with it the way to the storage's snapshot" if claim_of(snapshot) else
        "a snapshot of a pre-provisioned content needs that content first",
        f"kubectl delete vs/{name_of(snapshot)} -n {namespace_of(snapshot)}" if claim_of(snapshot) else
        "kubectl get volumesnapshotcontents",
    )


def _not_bound(snapshot: Manifest, name: str, wrong: str, source: str) -> Link:
    return Link(
        NAME, State.BROKEN, f"volumesnapshotcontent/{name} is not bound to this snapshot: {wrong}", source,
        "content-not-bound",
        f"its spec.volumeSnapshotRef must name {name_of(snapshot)} in {namespace_of(snapshot)}, and no uid but this "
        "one's: a content serves one VolumeSnapshot",
        f"kubectl get volumesnapshotcontent {name} -o jsonpath='{{.spec.volumeSnapshotRef}}'",
    )
