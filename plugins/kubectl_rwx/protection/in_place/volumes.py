"""The old volumes: held while a restore is under way, given back to their policy or bound again afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubectl_rwx.protection.in_place.journals import Replacement
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest, part_of, uid_of
from plugin_core.model.progress import Progress


def set_policies(cluster: Cluster, members: Sequence[Replacement], *, policy: str) -> None:
    """Sets the reclaim policy of each old volume; "" gives each its own back. A volume that is gone is passed over."""
    for member in members:
        try:
            volume = cluster.get(PERSISTENT_VOLUME, member.volume)
            wanted = policy or member.policy
            if part_of(volume, "spec", "persistentVolumeReclaimPolicy") != wanted:
                cluster.patch(PERSISTENT_VOLUME, member.volume, {"spec": {"persistentVolumeReclaimPolicy": wanted}})
        except errors.NotFound:
            if policy:
                raise


def release_volume(cluster: Cluster, name: str, *, claim: str) -> bool:
    """Makes the volume free for a new claim of the same name; False when it is gone.

    Without uid the claimRef is a reservation: only a claim of that name and namespace can be bound (kubernetes
    pkg/controller/volume/persistentvolume, "pre-bound" volumes).
    """
    try:
        volume = cluster.get(PERSISTENT_VOLUME, name)
    except errors.NotFound:
        return False
    if part_of(volume, "spec", "claimRef", "name") not in (None, claim):
        return False
    if part_of(volume, "spec", "claimRef", "uid"):
        cluster.patch(PERSISTENT_VOLUME, name, {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}})
    return True


def delete_claims(
    cluster: Cluster, uids: Mapping[str, str], *, deadline: Deadline, progress: Progress
) -> None:
    """Deletes exactly these claims (name → uid) and returns when they are gone. Raises TimedOut."""
    bounded = cluster.within(deadline)
    for name, uid in uids.items():
        try:
            bounded.delete(PERSISTENT_VOLUME_CLAIM, name, namespace=cluster.namespace, uid=uid)
            progress.note(f"persistentvolumeclaim/{name} deleted")
        except (errors.NotFound, errors.Conflict):
            continue

    def judge(seen: Manifest | None) -> Readiness:
        if seen is None or uid_of(seen) != uids[str(seen["metadata"]["name"])]:
            return Readiness(Phase.READY)
        return Readiness(Phase.WAITING, ", ".join(part_of(seen, "metadata", "finalizers") or ()))

    outcomes = wait_for(
        cluster, PERSISTENT_VOLUME_CLAIM, list(uids), namespace=cluster.namespace, judge=judge, deadline=deadline
    )
    left = {name: outcome.readiness.reason for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING}
    if left:
        held = ", ".join(f"{name} (finalizers: {reason})" for name, reason in left.items())
        raise errors.TimedOut(
            f"claims are still there {format_duration(deadline.seconds)} after their deletion began: {held}; "
            f"why: kubectl rwx diagnose {' '.join(f'pvc/{name}' for name in left)} -n {cluster.namespace}"
        )
