"""Pruning and deleting: what is asked of the cluster, what is refused, what stays in the storage."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import claim, content, event, snapshot
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.protection.deletion import DeleteRequest, delete_snapshots
from kubectl_rwx.protection.pruning import PruneRequest, prune_snapshots
from kubectl_rwx.protection.retention import Rules
from kubectl_rwx.protection.snapshot_selection import Chosen, choose
from plugin_core import errors, names
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.manifests import Manifest

DELETE = f"delete {VOLUME_SNAPSHOT.resource}"
LABELS = {names.MANAGED_BY_LABEL: names.RWX, names.SET_LABEL: "s"}


def ours(name: str, *, hours: float) -> Manifest:
    return snapshot(name, labels={**LABELS, names.SET_LABEL: name}, seconds_ago=hours * 3600)


def collect(cluster: FakeCluster, gone: Manifest) -> None:
    """The snapshot-controller: a content of policy Delete goes with its snapshot."""
    key = (VOLUME_SNAPSHOT_CONTENT.resource, "", gone["status"].get("boundVolumeSnapshotContentName", ""))
    bound = cluster.objects.get(key)
    if bound and bound["spec"].get("deletionPolicy") == "Delete":
        del cluster.objects[key]


def make_cluster(*objects: Manifest, **options: Any) -> FakeCluster:
    settings = {"expect": [DELETE], "reactions": {DELETE: collect},
                "groups": {"snapshot.storage.k8s.io": ["v1"]}, **options}
    return FakeCluster(objects, **settings)


def prune(cluster: FakeCluster, **options: Any) -> Answer:
    return prune_snapshots(cluster, PruneRequest(rules=Rules(keep_last=1), **options), Recorder())


def left(cluster: FakeCluster) -> list[str]:
    return sorted(name for resource, _, name in cluster.objects if resource == VOLUME_SNAPSHOT.resource)


def yes(question: str) -> None:
    pass


def test_old_ones_go_and_a_second_run_asks_for_nothing() -> None:
    cluster = make_cluster(ours("new", hours=1), ours("old", hours=2))
    answer = prune(cluster)
    assert answer.failure is None and left(cluster) == ["new"]
    assert [(item["name"], item["change"]) for item in answer.report.items] == [("new", "kept"), ("old", "deleted")]
    cluster.requests.clear()
    prune(cluster)
    assert DELETE not in cluster.requests


@pytest.mark.parametrize("mode", [DryRun.CLIENT, DryRun.SERVER])
def test_a_dry_run_shows_what_would_go(mode: DryRun) -> None:
    cluster = make_cluster(ours("new", hours=1), ours("old", hours=2), dry_run=mode)
    answer = prune(cluster)
    assert left(cluster) == ["new", "old"]
    assert [item["change"] for item in answer.report.items] == ["kept", "would go"]


def test_only_the_claims_named() -> None:
    other = snapshot("other-old", claim="logs", labels=LABELS, seconds_ago=9999)
    cluster = make_cluster(ours("new", hours=1), ours("old", hours=2), other)
    answer = prune(cluster, claims=("data",))
    assert left(cluster) == ["new", "other-old"]
    assert {item["source"] for item in answer.report.items} == {"data"}


def test_a_retained_content_is_named_with_its_handle() -> None:
    kept = content("content-old", handle="h-9")
    kept["spec"]["deletionPolicy"] = "Retain"
    answer = prune(make_cluster(ours("new", hours=1), ours("old", hours=2), kept))
    assert answer.report.facts["retainedContents"] == {"content-old": "h-9"}
    assert "the backend snapshot h-9" in answer.report.notes[0]


def test_rights_are_named() -> None:
    with pytest.raises(errors.Forbidden, match="delete volumesnapshots"):
        prune(make_cluster(denied=[DELETE]))


def test_delete_asks_first() -> None:
    cluster, asked = make_cluster(ours("s", hours=1)), []

    def no(question: str) -> None:
        asked.append(question)
        raise errors.UsageError("no")

    with pytest.raises(errors.UsageError):
        delete_snapshots(cluster, DeleteRequest(Chosen(set_name="s")), Recorder(), consent=no)
    assert asked == ["delete 1 snapshot in namespace app: s"] and left(cluster) == ["s"]
    answer = delete_snapshots(cluster, DeleteRequest(Chosen(set_name="s")), Recorder(), consent=yes)
    assert answer.failure is None and left(cluster) == []


def test_a_snapshot_that_is_restored_from_is_refused() -> None:
    pending = claim("restored", phase="Pending")
    pending["spec"]["dataSource"] = {"kind": "VolumeSnapshot", "name": "s"}
    cluster = make_cluster(ours("s", hours=1), pending)
    answer = delete_snapshots(cluster, DeleteRequest(choose(["vs/s"])), Recorder(), consent=yes)
    assert isinstance(answer.failure, errors.NotReady) and left(cluster) == ["s"]
    assert "claim restored is being restored from it" in answer.failure.message


def test_a_group_goes_as_one_or_not_at_all() -> None:
    members = [ours("a", hours=1), ours("b", hours=1)]
    for member in members:
        member["status"]["volumeGroupSnapshotName"] = "g"
    cluster = make_cluster(*members)
    answer = delete_snapshots(cluster, DeleteRequest(choose(["vs/a"])), Recorder(), consent=yes)
    assert answer.failure and "cut as one group, g, with b" in answer.failure.message
    assert left(cluster) == ["a", "b"]


def test_what_holds_it_is_said() -> None:
    held = snapshot("s", labels=LABELS, finalizers=["example.org/held"])
    told = event("VolumeSnapshot", "s", reason="SnapshotDeletePending", message="busy")

    def keep(cluster: FakeCluster, gone: Manifest) -> None:
        cluster.put({**gone, "metadata": {**gone["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}})

    cluster = make_cluster(held, told, reactions={DELETE: keep}, script=[lambda _: None] * 1000)
    request = DeleteRequest(choose(["vs/s"]), timeout=0.05)
    answer = delete_snapshots(cluster, request, Recorder(), consent=yes)
    assert isinstance(answer.failure, errors.TimedOut)
    assert "finalizer example.org/held: its owner has not let go" in answer.failure.message
    assert "SnapshotDeletePending: busy" in answer.failure.message
