"""VolumeSnapshots: where one stands, and what its content can be trusted to be."""

from __future__ import annotations

from plugin_core.kube.waiting import Phase, Readiness
from plugin_core.model.manifests import Manifest, annotations_of, is_terminating, part_of
from plugin_core.names import CONSISTENCY
from plugin_core.storage.drivers import Known, find_driver

QUIESCED, CRASH, FUZZY = "quiesced", "crash", "fuzzy"


def judge_snapshot(snapshot: Manifest | None) -> Readiness:
    """Ready when readyToUse. status.error is not final: the sidecar tries again, so it is a reason to wait with.

    Only a snapshot that somebody deletes fails for good here; None means that it is gone.
    """
    if snapshot is None:
        return Readiness(Phase.FAILED, "it was deleted")
    if is_terminating(snapshot):
        return Readiness(Phase.FAILED, "it is being deleted")
    if is_ready(snapshot):
        return Readiness(Phase.READY)
    return Readiness(Phase.WAITING, error_of(snapshot) or _stage(snapshot))


def is_ready(snapshot: Manifest) -> bool:
    return part_of(snapshot, "status", "readyToUse") is True


def error_of(snapshot: Manifest) -> str:
    """status.error.message on one line; "" when there is none, or when the snapshot became ready after all."""
    words = str(part_of(snapshot, "status", "error", "message") or "")
    return "" if is_ready(snapshot) else " ".join(words.split())


def content_of(snapshot: Manifest) -> str:
    """The name of the bound VolumeSnapshotContent; "" before the snapshot-controller has made one."""
    return str(part_of(snapshot, "status", "boundVolumeSnapshotContentName") or "")


def claim_of(snapshot: Manifest) -> str:
    """The name of the source claim; "" for a snapshot of a pre-provisioned content."""
    return str(part_of(snapshot, "spec", "source", "persistentVolumeClaimName") or "")


def consistency_of_driver(driver: str, *, snapshot_class: Manifest) -> str:
    """What a snapshot is when nothing was quiesced: fuzzy where the catalogue knows of live copies, else crash.

    An administrator who knows better marks the VolumeSnapshotClass with the same annotation.
    """
    marked = annotations_of(snapshot_class).get(CONSISTENCY, "")
    if marked in (CRASH, FUZZY):
        return marked
    known = find_driver({"provisioner": driver})
    return FUZZY if known and known.point_in_time is Known.NO else CRASH


def _stage(snapshot: Manifest) -> str:
    if part_of(snapshot, "status", "creationTime"):
        return "cut, not ready to use yet"
    if content_of(snapshot):
        return "the driver has not made it yet"
    return "no content is bound yet"
