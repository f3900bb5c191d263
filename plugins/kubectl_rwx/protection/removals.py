"""Deleting snapshots in the order that cannot deadlock, and saying what holds those that do not go.

Only VolumeSnapshots (and the group they were cut with) are deleted; the snapshot-controller deletes contents while
class, secrets and source claim are still there. Finalizers are left to their owners: a finalizer taken away by force
leaves snapshots in the storage that nobody knows of any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubectl_rwx.protection.answers import Problem
from kubectl_rwx.protection.claim_selection import read_named
from kubectl_rwx.protection.deletion_holds import explain_hold
from kubectl_rwx.protection.retention import group_of, taken_at
from kubectl_rwx.protection.snapshot_reports import describe_snapshot
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT, Kind
from plugin_core.model.manifests import Manifest, name_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import content_of

GROUP_API = "groupsnapshot.storage.k8s.io"


@dataclass
class Removed:
    """gone: names of snapshots that are deleted, for sure when waited for. retained: content → the handle it keeps."""

    gone: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    retained: dict[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What stays behind by its own policy; a script that wants the storage back must know."""
        return tuple(
            f"volumesnapshotcontent/{content} stays (deletionPolicy Retain), and with it the backend snapshot {handle}"
            for content, handle in self.retained.items()
        )


def remove_snapshots(
    cluster: Cluster, snapshots: Sequence[Manifest], *, uses: Mapping[str, str], deadline: Deadline,
    progress: Progress, wait: bool = True,
) -> Removed:
    """Deletes the snapshots, the oldest first, and waits until they and their contents are gone.

    uses: snapshot → why it may not go now; such a one is refused before the API is asked. A dry run waits for nothing.
    """
    removed, bounded, namespace = Removed(), cluster.within(deadline), cluster.namespace
    contents = _read_contents(bounded, snapshots)
    oldest_first = sorted(snapshots, key=lambda item: (taken_at(item), name_of(item)))
    allowed = [snapshot for snapshot in oldest_first if name_of(snapshot) not in uses]
    removed.problems += [
        Problem(describe_snapshot(name_of(snapshot)), errors.NotReady(
            f"{uses[name_of(snapshot)]}, so it cannot be deleted now",
            hint="wait until that is over, then run this again",
        )) for snapshot in oldest_first if name_of(snapshot) in uses
    ]
    asked = _ask(bounded, allowed, removed, progress)
    if wait and asked and not cluster.dry_run.on:
        asked = _await(cluster, asked, removed, namespace=namespace, deadline=deadline, progress=progress)
        _await_contents(cluster, asked, contents, removed, deadline=deadline, progress=progress)
    removed.gone = [name_of(snapshot) for snapshot in asked]
    for snapshot in asked:
        content = contents.get(content_of(snapshot))
        if content and part_of(content, "spec", "deletionPolicy") == "Retain":
            removed.retained[name_of(content)] = str(part_of(content, "status", "snapshotHandle") or "<unknown>")
    return removed


def _read_contents(cluster: Cluster, snapshots: Sequence[Manifest]) -> dict[str, Manifest]:
    """Contents by name; {} for who may not read them."""
    try:
        return read_named(
            cluster, VOLUME_SNAPSHOT_CONTENT, [content_of(item) for item in snapshots if content_of(item)]
        )
    except errors.Forbidden:
        return {}


def _ask(
    cluster: Cluster, snapshots: Sequence[Manifest], removed: Removed, progress: Progress
) -> list[Manifest]:
    """Those whose deletion the server accepted; a group goes as one object, and only whole."""
    asked = []
    groups: dict[str, list[Manifest]] = defaultdict(list)
    for snapshot in snapshots:
        if group_of(snapshot):
            groups[group_of(snapshot)].append(snapshot)
        elif _delete(cluster, VOLUME_SNAPSHOT, name_of(snapshot), uid_of(snapshot), [snapshot], removed, progress):
            asked.append(snapshot)
    versions = cluster.versions_of(GROUP_API) if groups else []
    for group, members in groups.items():
        others = _others_of_group(cluster, group, members)
        if others:
            removed.problems += [Problem(describe_snapshot(name_of(member)), errors.NotReady(
                f"it was cut as one group, {group}, with {', '.join(others)}; the group is deleted whole or not at all",
                hint="name all of them, or their set",
            )) for member in members]
        elif not versions:
            asked += [member for member in members if _delete(
                cluster, VOLUME_SNAPSHOT, name_of(member), uid_of(member), [member], removed, progress)]
        else:
            kind = Kind("VolumeGroupSnapshot", "volumegroupsnapshots", GROUP_API, versions[0])
            if _delete(cluster, kind, group, "", members, removed, progress):
                asked += members
    return asked


def _others_of_group(cluster: Cluster, group: str, members: Sequence[Manifest]) -> list[str]:
    known = {name_of(member) for member in members}
    there = cluster.list_all(VOLUME_SNAPSHOT, namespace=cluster.namespace).items
    return [name_of(item) for item in there if group_of(item) == group and name_of(item) not in known]


def _delete(
    cluster: Cluster, kind: Kind, name: str, uid: str, members: Sequence[Manifest], removed: Removed,
    progress: Progress,
) -> bool:
    try:
        cluster.delete(kind, name, namespace=cluster.namespace, uid=uid)
    except errors.NotFound:
        return True
    except errors.PluginError as error:
        removed.problems += [Problem(describe_snapshot(name_of(member)), error) for member in members]
        return False
    progress.note(f"{kind.name.lower()}/{name} deleted{cluster.dry_run.suffix}")
    return True


def _await(
    cluster: Cluster, asked: Sequence[Manifest], removed: Removed, *, namespace: str, deadline: Deadline,
    progress: Progress,
) -> list[Manifest]:
    """Those that are gone; a problem with what holds it for each other."""
    uids = {name_of(snapshot): uid_of(snapshot) for snapshot in asked}
    progress.phase("waiting until the snapshots are gone", total=len(uids))

    def judge(seen: Manifest | None) -> Readiness:
        if seen is None or uid_of(seen) != uids[name_of(seen)]:
            return Readiness(Phase.READY)
        return Readiness(Phase.WAITING, f"finalizers: {', '.join(part_of(seen, 'metadata', 'finalizers') or ['none'])}")

    outcomes = wait_for(
        cluster, VOLUME_SNAPSHOT, list(uids), namespace=namespace, judge=judge, deadline=deadline,
        notify=lambda outcomes: progress.update(
            done=sum(outcome.phase is Phase.READY for outcome in outcomes.values())),
    )
    look = cluster.within(Deadline.after(10))
    for name, outcome in outcomes.items():
        if outcome.phase is Phase.WAITING and outcome.manifest:
            lines = explain_hold(look, outcome.manifest)
            removed.problems.append(Problem(describe_snapshot(name), errors.TimedOut(
                f"deletion was asked for, but it is still there after {format_duration(deadline.seconds)} (--timeout)"
                + "".join(f"\n    {line}" for line in lines),
                hint=f"it goes by itself when that is over; to look: kubectl describe vs {name} -n {namespace}",
            )))
    return [snapshot for snapshot in asked if outcomes[name_of(snapshot)].phase is Phase.READY]


def _await_contents(
    cluster: Cluster, asked: Sequence[Manifest], contents: Mapping[str, Manifest], removed: Removed, *,
    deadline: Deadline, progress: Progress,
) -> None:
    """A content that is to be deleted goes once the driver has deleted its snapshot: before that nothing is freed."""
    owners = {content_of(snapshot): name_of(snapshot) for snapshot in asked if content_of(snapshot) in contents
              and part_of(contents[content_of(snapshot)], "spec", "deletionPolicy") == "Delete"}
    if not owners:
        return
    progress.phase("waiting until the driver has deleted them", total=len(owners))
    outcomes = wait_for(
        cluster, VOLUME_SNAPSHOT_CONTENT, list(owners), namespace="", deadline=deadline,
        judge=lambda seen: Readiness(Phase.READY if seen is None else Phase.WAITING),
    )
    for content, outcome in outcomes.items():
        if outcome.phase is Phase.WAITING:
            said = str(part_of(outcome.manifest or {}, "status", "error", "message") or "it says nothing of why")
            removed.problems.append(Problem(describe_snapshot(owners[content]), errors.TimedOut(
                f"it is gone, but the driver has not deleted volumesnapshotcontent/{content} within "
                f"{format_duration(deadline.seconds)} (--timeout): {said}",
                hint=f"kubectl describe volumesnapshotcontent {content}",
            )))
