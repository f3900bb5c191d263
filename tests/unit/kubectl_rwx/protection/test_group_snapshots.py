from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import DRIVER, claim, snapshot, snapshot_class
from kubectl_rwx.protection.group_snapshots import MOST, plan_groups, remove_group_labels, take_group
from kubectl_rwx.protection.snapshot_plans import Member
from plugin_core import errors, names
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import GROUP_SNAPSHOT_GROUP, Kind
from plugin_core.model.manifests import Manifest, annotations_of, labels_of
from plugin_core.storage.snapshot_classes import ClassChoice

API = {GROUP_SNAPSHOT_GROUP: ["v1", "v1beta1"]}


def group_class(name: str = "g", driver: str = DRIVER) -> Manifest:
    return {"apiVersion": "groupsnapshot.storage.k8s.io/v1", "kind": "VolumeGroupSnapshotClass",
            "metadata": {"name": name}, "driver": driver}


def members(*claims: str) -> list[Member]:
    choice = ClassChoice("one", "the only one", snapshot_class())
    return [Member(claim(name), DRIVER, choice) for name in claims]


def plan(cluster: FakeCluster, own: list[Member], mode: str = "auto") -> tuple[Any, list[Member], Recorder]:
    progress = Recorder()
    groups, single = plan_groups(cluster, own, mode=mode, progress=progress)
    return groups, single, progress


def test_claims_of_one_driver_become_a_group_of_the_preferred_version() -> None:
    [group], single, _ = plan(FakeCluster([group_class()], groups=API), members("a", "b"))
    assert (group.kind.version, group.class_name, len(group.members), single) == ("v1", "g", 2, [])


@pytest.mark.parametrize("cluster, own, words", [
    (FakeCluster(groups=API), members("a", "b"), "has no VolumeGroupSnapshotClass"),
    (FakeCluster(), members("a", "b"), "does not serve groupsnapshot.storage.k8s.io"),
    (FakeCluster([group_class("g"), group_class("h")], groups=API), members("a", "b"), "2 VolumeGroupSnapshotClasses"),
    (FakeCluster([group_class()], groups=API), members(*(f"c{number}" for number in range(MOST + 1))),
     "--group=always does it"),
])
def test_where_there_is_no_group_auto_does_without_and_says_so(
    cluster: FakeCluster, own: list[Member], words: str
) -> None:
    groups, single, progress = plan(cluster, own)
    assert (groups, single) == ([], own) and words in progress.notes[0]


def test_always_refuses_to_do_without() -> None:
    with pytest.raises(errors.NotReady, match="not cut as one group"):
        plan(FakeCluster(), members("a", "b"), "always")


@pytest.mark.parametrize("mode, own", [("never", members("a", "b")), ("always", members("a"))])
def test_nothing_to_group(mode: str, own: list[Member]) -> None:
    assert plan(FakeCluster([group_class()], groups=API), own, mode)[:2] == ([], own)


def make_members(cluster: FakeCluster, group: Manifest) -> None:
    """A snapshot-controller: one snapshot for each claim that the selector matches."""
    [(key, value)] = group["spec"]["source"]["selector"]["matchLabels"].items()
    for (resource, _, name), found in list(cluster.objects.items()):
        if resource == "persistentvolumeclaims" and labels_of(found).get(key) == value:
            owner = {"kind": "VolumeGroupSnapshot", "name": group["metadata"]["name"], "uid": group["metadata"]["uid"]}
            cluster.put(snapshot(f"snapshot-{name}", claim=name, ownerReferences=[owner]))


WRITES = [f"{verb} {kind}" for verb, kind in (
    ("patch", "persistentvolumeclaims"), ("create", "volumegroupsnapshots.groupsnapshot.storage.k8s.io"),
    ("patch", "volumesnapshots.snapshot.storage.k8s.io"),
    ("delete", "volumegroupsnapshots.groupsnapshot.storage.k8s.io"),
)]


def take(cluster: FakeCluster, own: list[Member]) -> list[Manifest]:
    [group], _, progress = plan(cluster, own)
    return take_group(
        cluster, group, name="nightly", set_name="nightly", run="r1", deadline=Deadline.after(0.3), progress=progress,
        made=lambda member: member.manifest(name="unused", set_name="nightly", run="r1"),
    )


def test_members_are_adopted_into_the_set_and_claims_lose_the_label() -> None:
    own = members("a", "b")
    cluster = FakeCluster(
        [group_class(), *(member.claim for member in own), claim("stranger")], groups=API, expect=WRITES,
        reactions={WRITES[1]: make_members},
    )
    taken = take(cluster, own)
    assert [labels_of(one)[names.SET_LABEL] for one in taken] == ["nightly", "nightly"]
    assert annotations_of(taken[0])[names.SOURCE_SIZE] == "1Gi"
    for name in ("a", "b", "stranger"):
        assert names.GROUP_LABEL not in labels_of(cluster.objects["persistentvolumeclaims", "app", name])


def test_a_group_without_members_is_deleted_and_claims_lose_the_label() -> None:
    own = members("a", "b")
    cluster = FakeCluster(
        [group_class(), *(member.claim for member in own)], groups=API, expect=WRITES,
        script=[lambda cluster: None] * 10_000,
    )
    with pytest.raises(errors.TimedOut, match="had no members after"):
        take(cluster, own)
    assert not [key for key in cluster.objects if key[0].startswith("volumegroupsnapshots")]
    assert names.GROUP_LABEL not in labels_of(cluster.objects["persistentvolumeclaims", "app", "a"])


def test_labels_left_by_a_dead_run_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster([claim("a", labels={names.GROUP_LABEL: "r0"}), claim("b")], expect=WRITES)
    listed = cluster.list_all
    monkeypatch.setattr(cluster, "list_all", lambda kind, *, namespace, labels: listed(kind, namespace=namespace))
    assert remove_group_labels(cluster) == ["a"]
    assert labels_of(cluster.objects["persistentvolumeclaims", "app", "a"]) == {}


class Outage(FakeCluster):
    """A server that goes away as soon as the group is there, and stays away."""

    gone = False

    def _note(self, verb: str, kind: Kind) -> None:
        if self.gone:
            error = errors.ConnectionFailed(f"cannot {verb} {kind.resource}: connection refused", may_have_acted=False)
            error.outlasted = True
            raise error
        super()._note(verb, kind)

    def _write(self, verb: str, kind: Kind) -> None:
        if self.gone:
            self._note(verb, kind)
        super()._write(verb, kind)


def test_a_server_that_goes_away_is_told_as_that_with_what_is_left() -> None:
    own = members("a", "b")

    def leave(cluster: FakeCluster, _: Manifest) -> None:
        assert isinstance(cluster, Outage)
        cluster.gone = True

    cluster = Outage([group_class(), *(member.claim for member in own)], groups=API, expect=WRITES,
                     reactions={WRITES[1]: leave})
    [group], _, progress = plan(cluster, own)
    with pytest.raises(errors.ServerAway, match="connection refused"):
        take_group(
            cluster, group, name="nightly", set_name="nightly", run="r1", deadline=Deadline.after(0.3),
            progress=progress, made=lambda member: member.manifest(name="unused", set_name="nightly", run="r1"),
        )
    told = "\n".join(progress.warnings)
    assert "kubectl delete volumegroupsnapshots.groupsnapshot.storage.k8s.io/nightly -n app" in told
    assert "kubectl rwx thaw --all -n app takes it off" in told


def test_a_group_whose_creation_was_not_answered_is_deleted() -> None:
    own = members("a", "b")

    def lose(cluster: FakeCluster, _: Manifest) -> None:
        raise errors.ConnectionFailed("cannot create volumegroupsnapshots: connection reset")

    cluster = FakeCluster([group_class(), *(member.claim for member in own)], groups=API, expect=WRITES,
                          reactions={WRITES[1]: lose})
    with pytest.raises(errors.ConnectionFailed):
        take(cluster, own)
    assert not [key for key in cluster.objects if key[0].startswith("volumegroupsnapshots")]
