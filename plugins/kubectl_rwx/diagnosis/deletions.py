"""What keeps a snapshot or a claim from going away although its deletion was asked for."""

from __future__ import annotations

import json

from kubectl_rwx.diagnosis.links import Link, State
from kubectl_rwx.diagnosis.mounts import pods_of
from kubectl_rwx.diagnosis.sights import Sight
from kubectl_rwx.diagnosis.turns import PATIENCE
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.storage.claims import source_snapshot_of
from plugin_core.storage.snapshots import claim_of, content_of, is_ready

NAME = "deletion"
CUT_PROTECTION = "snapshot.storage.kubernetes.io/pvc-as-source-protection"
MEANINGS = {
    "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection":
        "a claim was being restored from it; the provisioner lets go when that claim is Bound, or minutes after it is "
        "gone (kubernetes-csi/external-provisioner issue 1507)",
    "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection":
        "the snapshot-controller protects it as the source of a claim",
    "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection":
        "its content is not gone yet",
    "snapshot.storage.kubernetes.io/volumesnapshot-in-group-protection":
        "it belongs to a VolumeGroupSnapshot, which has to go first",
    CUT_PROTECTION:
        "it protects the claim while a snapshot is taken; the snapshot-controller lets go when that is cut, or gone",
    "kubernetes.io/pvc-protection": "a pod uses it",
    "foregroundDeletion": "what it owns has to go first",
}
"""Finalizers of external-snapshotter (pkg/utils/util.go), external-provisioner and Kubernetes, and who removes them."""


def judge_deletion_of_snapshot(sight: Sight, snapshot: Manifest, content: Manifest | None) -> Link:
    """The first of: a claim that is being restored, the driver's refusal to delete, finalizers."""
    namespace, name = namespace_of(snapshot), name_of(snapshot)
    claims = sight.all_of(PERSISTENT_VOLUME_CLAIM)
    restoring = [
        name_of(claim) for claim in claims.items or ()
        if source_snapshot_of(claim) == name and namespace_of(claim) == namespace
        and part_of(claim, "status", "phase") != "Bound"
    ]
    if restoring:
        return _held(
            snapshot, f"persistentvolumeclaim/{', '.join(restoring)} is being restored from it", "held-by-restore",
            "the snapshot-controller does not delete the source of a claim that is not Bound",
            f"kubectl rwx diagnose pvc/{restoring[0]} -n {namespace}", source="persistentvolumeclaims spec.dataSource",
        )
    words = part_of(content or {}, "status", "error", "message")
    if words:
        subject = f"volumesnapshotcontent/{content_of(snapshot)}"
        return _held(snapshot, f"the driver did not delete its snapshot: {' '.join(str(words).split())}",
                     "held-by-driver", "the sidecar tries again", f"kubectl describe {subject}",
                     source=f"{subject} status.error")
    return _by_finalizers(snapshot, "" if claims.seen else "; claims may not be read")


def judge_deletion_of_claim(sight: Sight, claim: Manifest) -> Link:
    """The first of: pods that use it, snapshots being taken of it, their protection when there are none, finalizers."""
    namespace, name = namespace_of(claim), name_of(claim)
    pods = pods_of(sight, claim)
    if pods:
        names = [name_of(pod) for pod in pods]
        return _held(claim, f"used by pod {', '.join(names[:5])}", "held-by-pod", "it goes when no pod uses it",
                     f"kubectl delete pod {names[0]} -n {namespace}", source="pods spec.volumes")
    snapshots = sight.all_of(VOLUME_SNAPSHOT)
    cutting = [
        name_of(one) for one in snapshots.items or ()
        if claim_of(one) == name and namespace_of(one) == namespace and not is_ready(one)
    ]
    if cutting:
        return _held(
            claim, f"volumesnapshot/{', '.join(cutting)} is being taken of it", "held-by-snapshot",
            "the snapshot-controller protects a claim until its snapshot is cut (external-snapshotter issue 1305)",
            f"kubectl rwx diagnose vs/{cutting[0]} -n {namespace}", source="volumesnapshots spec.source",
        )
    finalizers = list(part_of(claim, "metadata", "finalizers") or ())
    if snapshots.seen and CUT_PROTECTION in finalizers and _age(claim) >= PATIENCE:
        finalizers.remove(CUT_PROTECTION)
        patch = json.dumps({"metadata": {"finalizers": finalizers}})
        return _held(
            claim, f"held by {CUT_PROTECTION}, and no snapshot is being taken of it", "finalizer-forgotten",
            "the snapshot-controller looks at it only when a snapshot of the claim changes, and may forget it when "
            "several are deleted at once (external-snapshotter pkg/common-controller/snapshot_controller.go, "
            "checkandRemovePVCFinalizer, isPVCBeingUsed)",
            f"kubectl patch pvc/{name} -n {namespace} --type=merge -p '{patch}'",
            source=f"persistentvolumeclaim/{name} metadata.finalizers",
        )
    return _by_finalizers(claim, "" if pods is not None else "; pods may not be read")


def _by_finalizers(manifest: Manifest, blind: str) -> Link:
    found = part_of(manifest, "metadata", "finalizers") or ()
    told = "; ".join(f"{one}: {MEANINGS.get(one, 'its owner has not let go')}" for one in found)
    kind = str(manifest.get("kind", "")).lower()
    return _held(
        manifest, f"held by {told or 'no finalizer'}{blind}", "held-by-finalizer",
        "whoever set a finalizer takes it away when its work is done; by force it loses track of storage",
        f"kubectl describe {kind} {name_of(manifest)} -n {namespace_of(manifest)}",
        source=f"{kind}/{name_of(manifest)} metadata.finalizers",
    )


def _held(manifest: Manifest, by: str, code: str, matters: str, command: str, *, source: str) -> Link:
    age = _age(manifest)
    state = State.WAITING if age < PATIENCE else State.BROKEN
    return Link(NAME, state, f"asked for {format_duration(int(age))} ago, {by}", source, code, matters, command)


def _age(manifest: Manifest) -> float:
    """Seconds since its deletion was asked for."""
    return seconds_since(part_of(manifest, "metadata", "deletionTimestamp"))
