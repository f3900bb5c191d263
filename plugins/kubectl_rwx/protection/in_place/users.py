"""The workloads whose pods use the claims, and the users that cannot be stopped and brought back by us."""

from __future__ import annotations

from collections.abc import Collection

from kubectl_rwx.protection.in_place.journals import Stopped
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import POD, STATEFUL_SET
from plugin_core.model.manifests import Manifest, name_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.owners import Owner, find_managers, find_owners
from plugin_core.workloads.scaling import can_scale
from plugin_core.workloads.writers import OVER


def pods_using(cluster: Cluster, claims: Collection[str]) -> list[Manifest]:
    """Pods that mount any of the claims, read-only too, and are not over; a claim cannot go while one is there."""
    wanted = set(claims)
    return [
        pod for pod in cluster.list_all(POD, namespace=cluster.namespace).items
        if part_of(pod, "status", "phase") not in OVER and wanted & _claims_of(pod)
    ]


def _claims_of(pod: Manifest) -> set[str]:
    found = set()
    for volume in part_of(pod, "spec", "volumes") or []:
        named = part_of(volume, "persistentVolumeClaim", "claimName")
        if named:
            found.add(str(named))
        elif volume.get("ephemeral"):
            found.add(f"{name_of(pod)}-{volume['name']}")
    return found


def find_workloads(cluster: Cluster, claims: Collection[str], *, progress: Progress) -> list[Stopped]:
    """Each workload that must be stopped, once. Raises NotReady naming what cannot be stopped and brought back."""
    pods = pods_using(cluster, claims)
    owned = find_owners(cluster, pods, namespace=cluster.namespace)
    owners: dict[str, Owner] = {}
    stuck = []
    for pod in pods:
        owner = owned[name_of(pod)].owner
        if owner is None:
            stuck.append(f"pod/{name_of(pod)} ({owned[name_of(pod)].words}): nobody would start it again")
        elif not can_scale(owner.manifest):
            stuck.append(f"{owner}: it has no replica count")
        else:
            owners[uid_of(owner.manifest)] = owner
    stuck += [f"{owner}: it deletes its claims when scaled down (persistentVolumeClaimRetentionPolicy whenScaled)"
              for owner in owners.values() if _deletes_claims(owner.manifest)]
    managers = find_managers(cluster, [owner.manifest for owner in owners.values()], namespace=cluster.namespace)
    for uid, owner in owners.items():
        for manager in managers[uid]:
            if manager.sure:
                stuck.append(f"{owner}: {manager.words}")
            elif manager.fights:
                progress.warn(f"{owner}: {manager.words}")
            else:
                progress.note(f"{owner}: {manager.words}")
    if stuck:
        listed = "".join(f"\n  {one}" for one in dict.fromkeys(stuck))
        raise errors.NotReady(
            f"users of these claims cannot be stopped and brought back, so nothing was done:{listed}",
            hint="stop them yourself (pause the operator, delete the pods), then run this again; or restore to new "
                 "claims beside them: without --in-place",
        )
    return [Stopped(owner.kind.api_version, owner.kind.name, name_of(owner.manifest)) for owner in owners.values()]


def _deletes_claims(workload: Manifest) -> bool:
    return workload.get("kind") == STATEFUL_SET.name and (
        part_of(workload, "spec", "persistentVolumeClaimRetentionPolicy", "whenScaled") == "Delete"
    )
