"""Cutting several claims of one driver at one moment with a VolumeGroupSnapshot.

The API chooses its members by labels of claims only, so claims carry a label of ours from before the cut until it is
made. The snapshot-controller makes one VolumeSnapshot for each member; since external-snapshotter 8.2 they are known by
their ownerReference and spec.source.persistentVolumeClaimName alone (CHANGELOG-8.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from kubectl_rwx.protection.creation import AT_ONCE
from kubectl_rwx.protection.snapshot_plans import Member
from kubectl_rwx.protection.snapshot_requests import ALWAYS, NEVER
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import follow
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import (
    GROUP_SNAPSHOT_GROUP,
    PERSISTENT_VOLUME_CLAIM,
    VOLUME_GROUP_SNAPSHOT,
    VOLUME_GROUP_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT,
    Kind,
)
from plugin_core.model.manifests import Manifest, labels_of, name_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshot_classes import driver_of_class, is_default
from plugin_core.storage.snapshots import claim_of

MOST = 10
"""Members of a group under --group=auto: each costs two requests more than a snapshot of its own."""

TIDYING = 30.0
"""Seconds that taking a group back may take, however little of --timeout is left."""


@dataclass(frozen=True)
class Group:
    """kind: VolumeGroupSnapshot in the version the server prefers."""

    kind: Kind
    class_name: str
    members: tuple[Member, ...]

    def manifest(self, *, name: str, run: str, set_name: str) -> Manifest:
        return {
            "apiVersion": self.kind.api_version, "kind": self.kind.name,
            "metadata": {
                "name": name, "namespace": self.members[0].claim["metadata"]["namespace"],
                "labels": {names.MANAGED_BY_LABEL: names.RWX, names.SET_LABEL: set_name, names.RUN_LABEL: run},
            },
            "spec": {
                "volumeGroupSnapshotClassName": self.class_name,
                "source": {"selector": {"matchLabels": {names.GROUP_LABEL: run}}},
            },
        }


def plan_groups(
    cluster: Cluster, members: Sequence[Member], *, mode: str, progress: Progress
) -> tuple[list[Group], list[Member]]:
    """The groups to be cut as one, and the members left to themselves. Raises NotReady under --group=always."""
    by_driver: dict[str, list[Member]] = {}
    for member in members:
        by_driver.setdefault(member.driver, []).append(member)
    several = {driver: own for driver, own in by_driver.items() if driver and len(own) > 1}
    if mode == NEVER or not several:
        return [], list(members)
    groups, refused = [], []
    versions = cluster.versions_of(GROUP_SNAPSHOT_GROUP)
    classes = _read_classes(cluster, versions) if versions else []
    for driver, own in several.items():
        fitting = [item for item in classes if driver_of_class(item) == driver]
        chosen = fitting if len(fitting) == 1 else [item for item in fitting if is_default(item)]
        reason = _refusal(driver, len(own), versions=versions, fitting=fitting, chosen=chosen, mode=mode)
        if reason:
            refused.append(reason)
            continue
        kind = replace(VOLUME_GROUP_SNAPSHOT, version=versions[0])
        groups.append(Group(kind, name_of(chosen[0]), tuple(own)))
    if refused and mode == ALWAYS:
        raise errors.NotReady("not cut as one group: " + "; ".join(refused), hint="--group=auto does without")
    for reason in refused:
        progress.note(f"not cut as one group: {reason}")
    grouped = {id(member) for group in groups for member in group.members}
    return groups, [member for member in members if id(member) not in grouped]


def _refusal(
    driver: str, count: int, *, versions: Sequence[str], fitting: Sequence[Manifest], chosen: Sequence[Manifest],
    mode: str,
) -> str:
    """Why there is no group of that driver; "" when there is one."""
    if not versions:
        return f"the cluster does not serve {GROUP_SNAPSHOT_GROUP}"
    if not fitting:
        return f"{driver} has no VolumeGroupSnapshotClass"
    if len(chosen) != 1:
        return f"{driver} has {len(fitting)} VolumeGroupSnapshotClasses and {len(chosen)} defaults"
    if mode != ALWAYS and count > MOST:
        return f"{count} claims are more than {MOST} (--group=always does it)"
    return ""


def _read_classes(cluster: Cluster, versions: Sequence[str]) -> list[Manifest]:
    try:
        return cluster.list_all(replace(VOLUME_GROUP_SNAPSHOT_CLASS, version=versions[0])).items
    except (errors.Forbidden, errors.NotFound):
        return []


def take_group(
    cluster: Cluster, group: Group, *, name: str, set_name: str, run: str, made: Callable[[Member], Manifest],
    deadline: Deadline, progress: Progress,
) -> list[Manifest]:
    """The members' VolumeSnapshots, labelled and annotated as `made` would have made each.

    Raises TimedOut when the group is not complete at the deadline, ServerAway when that cannot be known. A group that
    does not become complete, for whatever reason, is deleted, so that nothing of it comes later; when that cannot be
    done, a warning says what is left and how it goes.
    """
    manifest = group.manifest(name=name, run=run, set_name=set_name)
    if cluster.dry_run.on:
        cluster.create(manifest)
        return [made(member) for member in group.members]
    claims = [name_of(member.claim) for member in group.members]
    found: list[Manifest] = []
    try:
        _patch_claims(cluster.within(deadline), claims, label=run)
        stored = cluster.within(deadline).create(manifest)
        progress.note(f"volumegroupsnapshot/{name} created with {group.class_name}, of {len(claims)} claims")
        found = _await_members(cluster, group, stored, deadline=deadline, progress=progress)
    finally:
        # what tidies up must neither end with the command's deadline nor hide why it is needed
        tidying = cluster.within(Deadline.after(TIDYING))
        if not found:
            _give_up(tidying, group, name, run=run, progress=progress)
        _take_labels_off(tidying, claims, progress)
    by_claim = {claim_of(snapshot): snapshot for snapshot in found}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(
            lambda member: _adopt(cluster.within(None), by_claim[name_of(member.claim)], made(member)), group.members
        ))


def _give_up(cluster: Cluster, group: Group, name: str, *, run: str, progress: Progress) -> None:
    """Deletes the group if it is this run's, also when the answer to its creation was lost."""
    try:
        there = cluster.get(group.kind, name, namespace=cluster.namespace)
        if labels_of(there).get(names.RUN_LABEL) == run:
            cluster.delete(group.kind, name, namespace=cluster.namespace, uid=uid_of(there))
    except errors.NotFound:
        return
    except errors.PluginError as error:
        progress.warn(f"volumegroupsnapshot/{name} may still be there and make snapshots later: {error.message}; "
                      f"kubectl delete {group.kind.resource}/{name} -n {cluster.namespace}")


def _take_labels_off(cluster: Cluster, claims: Sequence[str], progress: Progress) -> None:
    try:
        _patch_claims(cluster, claims, label=None)
    except errors.PluginError as error:
        progress.warn(f"claims may still carry the label {names.GROUP_LABEL}: {error.message}; "
                      f"kubectl rwx thaw --all -n {cluster.namespace} takes it off")


def _await_members(
    cluster: Cluster, group: Group, stored: Manifest, *, deadline: Deadline, progress: Progress
) -> list[Manifest]:
    wanted = {name_of(member.claim) for member in group.members}
    progress.phase(f"waiting for the {len(wanted)} members of the group", total=len(wanted))
    for view in follow(cluster, VOLUME_SNAPSHOT, deadline=deadline, namespace=cluster.namespace):
        found = [snapshot for snapshot in view.values() if is_member(snapshot, uid_of(stored))]
        if wanted <= {claim_of(snapshot) for snapshot in found}:
            return found
        progress.update(done=len(found), waiting_for=_words(cluster, group, name_of(stored)))
    words = _words(cluster.within(Deadline.after(10)), group, name_of(stored))
    raise errors.TimedOut(
        f"volumegroupsnapshot/{name_of(stored)} had no members after {format_duration(deadline.seconds)}"
        + (f": {words}" if words else "") + "; it was deleted",
        hint="--group=never takes one snapshot of each claim",
    )


def is_member(snapshot: Manifest, group_uid: str) -> bool:
    """Whether the snapshot was made by that VolumeGroupSnapshot."""
    owners = part_of(snapshot, "metadata", "ownerReferences") or []
    return any(owner.get("kind") == VOLUME_GROUP_SNAPSHOT.name and owner.get("uid") == group_uid for owner in owners)


def _words(cluster: Cluster, group: Group, name: str) -> str:
    """The error the group reports at this moment; it is not final, as with snapshots."""
    try:
        there = cluster.get(group.kind, name, namespace=cluster.namespace)
    except errors.PluginError:
        return ""
    return " ".join(str(part_of(there, "status", "error", "message") or "").split())


def _adopt(cluster: Cluster, snapshot: Manifest, wanted: Manifest) -> Manifest:
    metadata = {key: wanted["metadata"][key] for key in ("labels", "annotations")}
    return cluster.patch(VOLUME_SNAPSHOT, name_of(snapshot), {"metadata": metadata}, namespace=cluster.namespace)


def _patch_claims(cluster: Cluster, claims: Sequence[str], *, label: str | None) -> None:
    def patch(name: str) -> None:
        try:
            cluster.patch(PERSISTENT_VOLUME_CLAIM, name, {"metadata": {"labels": {names.GROUP_LABEL: label}}},
                          namespace=cluster.namespace)
        except errors.NotFound:
            if label:
                raise

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        list(pool.map(patch, claims))


def remove_group_labels(cluster: Cluster) -> list[str]:
    """Takes our label off claims of the namespace that a run left it on; their names."""
    claims = cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=cluster.namespace, labels=names.GROUP_LABEL).items
    left = [name_of(claim) for claim in claims if names.GROUP_LABEL in labels_of(claim)]
    _patch_claims(cluster, left, label=None)
    return left
