"""Taking snapshots: what is created, what is refused and how it reads, and what ends a wait."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import claim, content, event, snapshot, snapshot_class, storage_class, timestamp, volume
from kubectl_rwx.protection import bindings, snapshot_waits
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.protection.snapshots import SnapshotRequest, take_snapshots
from plugin_core import errors, names
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CLASS
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of

CREATE = f"create {VOLUME_SNAPSHOT.resource}"
API = {"snapshot.storage.k8s.io": ["v1"]}
GROUND = [claim(), volume(), snapshot_class(), storage_class()]
Step = Callable[[FakeCluster], None]


def become(**status: Any) -> Callable[[FakeCluster, Manifest], None]:
    """A snapshot-controller that answers at once with a status."""

    def react(cluster: FakeCluster, stored: Manifest) -> None:
        cluster.put({**stored, "status": {"boundVolumeSnapshotContentName": "content-1", **status}})

    return react


READY = become(readyToUse=True, restoreSize="1Gi", creationTime=timestamp())


def nothing_happens(cluster: FakeCluster) -> None:
    pass


def make_cluster(*objects: Manifest, **options: Any) -> FakeCluster:
    settings = {"expect": [CREATE], "reactions": {CREATE: READY}, "groups": API, **options}
    return FakeCluster(objects or GROUND, **settings)


def take(cluster: FakeCluster, progress: Recorder | None = None, **request: Any) -> Answer:
    wanted = {"claims": ("data",), **request}
    return take_snapshots(cluster, SnapshotRequest(**wanted), progress or Recorder())


def snapshots_in(cluster: FakeCluster) -> list[Manifest]:
    return [item for (resource, *_), item in cluster.objects.items() if resource == VOLUME_SNAPSHOT.resource]


@pytest.mark.parametrize(("request_", "words"), [
    ({}, "say what to snapshot"),
    ({"claims": ("data",), "everything": True}, "exclude each other"),
    ({"selector": "app=x", "everything": True}, "exclude each other"),
    ({"claims": ("data",), "name": "Nightly"}, "cannot be the name of a set"),
    ({"claims": ("data",), "name": "n" * 64}, "cannot be the name of a set"),
    ({"claims": ("data",), "timeout": 0.0}, "--timeout must be longer than 0"),
])
def test_the_request_refuses_what_cannot_be_meant(request_: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.UsageError, match=words):
        SnapshotRequest(**request_)


def test_one_claim_becomes_one_ready_snapshot_named_as_its_set() -> None:
    cluster, progress = make_cluster(), Recorder()
    answer = take(cluster, progress, name="nightly")
    [made] = snapshots_in(cluster)
    assert name_of(made) == "nightly"
    assert labels_of(made) | {names.RUN_LABEL: "*"} == {
        names.MANAGED_BY_LABEL: "kubectl-rwx", names.SET_LABEL: "nightly", names.RUN_LABEL: "*",
    }
    assert annotations_of(made) == {
        names.SOURCE_SIZE: "1Gi", names.SOURCE_REQUEST: "1Gi", names.SOURCE_ACCESS_MODES: "ReadWriteMany",
        names.SOURCE_VOLUME_MODE: "Filesystem", names.SOURCE_STORAGE_CLASS: "one", names.CONSISTENCY: "crash",
        names.SOURCE_DRIVER: "one.csi.test",
    }
    assert made["spec"] == {"volumeSnapshotClassName": "one", "source": {"persistentVolumeClaimName": "data"}}
    assert answer.failure is None
    [item] = answer.report.items
    assert (item["name"], item["ready"], item["restoreSize"], item["set"]) == ("nightly", True, "1Gi", "nightly")
    assert progress.notes == ["volumesnapshotclass/one is used: the only one of one.csi.test",
                              "volumesnapshot/nightly created"]


def test_requests_do_not_grow_with_the_number_of_claims_except_for_the_creations() -> None:
    many = [claim(f"data-{number}") for number in range(50)] + [volume(f"pv-data-{number}") for number in range(50)]
    cluster = make_cluster(*many, snapshot_class())
    answer = take(cluster, claims=(), everything=True)
    assert answer.failure is None
    assert len(answer.report.items) == 50
    assert len({item["set"] for item in answer.report.items}) == 1
    others = [request for request in cluster.requests if request != CREATE]
    assert len(others) <= 6, others


def test_a_set_already_there_is_left_alone() -> None:
    there = snapshot("nightly-data", labels={names.SET_LABEL: "nightly"})
    cluster = make_cluster(*GROUND, there)
    with pytest.raises(errors.AlreadyExists, match='"nightly" exists already'):
        take(cluster, name="nightly")
    assert snapshots_in(cluster) == [cluster.objects[VOLUME_SNAPSHOT.resource, "app", "nightly-data"]]


def test_a_strangers_snapshot_of_the_name_is_left_alone() -> None:
    answer = take(make_cluster(*GROUND, snapshot("nightly")), name="nightly")
    assert isinstance(answer.failure, errors.AlreadyExists)
    assert "volumesnapshot/nightly: it exists already and was left alone" in answer.failure.message


@pytest.mark.parametrize("dry_run", [DryRun.CLIENT, DryRun.SERVER])
def test_dry_run_shows_and_stores_nothing(dry_run: DryRun) -> None:
    cluster, progress = make_cluster(dry_run=dry_run), Recorder()
    answer = take(cluster, progress)
    assert answer.failure is None
    assert len(answer.report.items) == 1
    assert snapshots_in(cluster) == []
    assert progress.notes[-1].endswith(f"created{dry_run.suffix}")
    assert not any(request.startswith("watch") for request in cluster.requests)


def test_no_wait_names_the_command_that_waits() -> None:
    cluster = make_cluster(reactions={})
    answer = take(cluster, name="nightly", wait=False)
    assert answer.failure is None
    assert "kubectl rwx wait" in answer.report.notes[0]
    assert "vs/nightly -n app" in answer.report.notes[0]


REFUSALS: list[tuple[list[Manifest], type[errors.PluginError], str]] = [
    ([], errors.NotFound, 'it does not exist in namespace "app"'),
    ([claim(phase="Lost")], errors.NotReady, "its volume"),
    ([claim(deletionTimestamp=timestamp())], errors.NotReady, "it is being deleted"),
    ([claim()], errors.NotReady, 'its volume "pv-data" does not exist'),
    ([claim(), volume(source={"hostPath": {}})], errors.NotReady, "hostPath"),
    ([claim(), volume(driver="none.csi.test")], errors.NotReady, "none.csi.test has no VolumeSnapshotClass"),
    ([claim(phase="Pending", storage_class="late"), storage_class("late", binding="WaitForFirstConsumer")],
     errors.NotReady, 'its class "late" waits for the first pod that uses it'),
]


@pytest.mark.parametrize(("objects", "error", "words"), REFUSALS, ids=[words for *_, words in REFUSALS])
def test_refused_before_anything_is_created(
    objects: list[Manifest], error: type[errors.PluginError], words: str
) -> None:
    cluster = make_cluster(snapshot_class(), *objects, expect=[])
    answer = take(cluster)
    assert type(answer.failure) is error
    assert answer.failure is not None and words in answer.failure.message
    assert "persistentvolumeclaim/data" in answer.failure.message
    assert answer.report.facts["problems"][0]["object"] == "persistentvolumeclaim/data"


def test_all_missing_names_are_told_at_once_and_the_good_ones_are_done() -> None:
    answer = take(make_cluster(), claims=("data", "zap", "zip"))
    assert isinstance(answer.failure, errors.PartlyDone)
    assert "2 of 3 claims have no ready snapshot" in answer.failure.message
    assert "/zap:" in answer.failure.message and "/zip:" in answer.failure.message
    assert [item["source"] for item in answer.report.items] == ["data"]


@pytest.mark.parametrize(("request_", "words"), [
    ({"selector": "app=nix"}, 'no claim with labels "app=nix"'),
    ({"everything": True}, "there is no claim in namespace"),
])
def test_a_selection_of_nothing_is_no_success(request_: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.NotFound, match=words):
        take(make_cluster(snapshot_class()), claims=(), **request_)


@pytest.mark.parametrize(("served", "words"), [([], "does not serve"), (["v1beta1"], "in version v1beta1 only")])
def test_without_the_snapshot_api(served: list[str], words: str) -> None:
    with pytest.raises(errors.NotReady, match=words):
        take(make_cluster(groups={"snapshot.storage.k8s.io": served}))


def test_missing_rights_are_named_together() -> None:
    denied = [CREATE, "get persistentvolumeclaims"]
    with pytest.raises(errors.Forbidden) as raised:
        take(make_cluster(denied=denied))
    assert "get persistentvolumeclaims, create volumesnapshots.snapshot.storage.k8s.io" in raised.value.message


CLUSTER_SCOPE = [
    "get persistentvolumes", f"get {VOLUME_SNAPSHOT_CLASS.resource}", f"list {VOLUME_SNAPSHOT_CLASS.resource}",
]


def test_rights_in_one_namespace_only_need_the_class() -> None:
    with pytest.raises(errors.Forbidden, match="without --class these rights are needed and missing") as raised:
        take(make_cluster(denied=CLUSTER_SCOPE))
    assert "--class" in raised.value.hint


def test_rights_in_one_namespace_only_will_do_with_the_class() -> None:
    cluster, progress = make_cluster(denied=CLUSTER_SCOPE), Recorder()
    answer = take(cluster, progress, snapshot_class="one")
    assert answer.failure is None
    assert "not checked" in progress.warnings[0]
    [made] = snapshots_in(cluster)
    assert made["spec"]["volumeSnapshotClassName"] == "one"
    assert annotations_of(made)[names.SOURCE_DRIVER] == "one.csi.test"


def test_without_volumes_the_claims_annotation_names_the_driver() -> None:
    answer = take(make_cluster(denied=["get persistentvolumes"]))
    assert answer.failure is None
    assert answer.report.items[0]["class"] == "one"


def test_a_pending_claim_is_waited_for() -> None:
    def bind(cluster: FakeCluster) -> None:
        cluster.put(claim())

    cluster = make_cluster(claim(phase="Pending"), volume(), snapshot_class(), storage_class(), script=[bind])
    progress = Recorder()
    assert take(cluster, progress).failure is None
    assert progress.phases[0] == "waiting for claims to be Bound"


def test_a_claim_that_stays_pending_ends_with_the_provisioners_words() -> None:
    words = event("PersistentVolumeClaim", "data", reason="ProvisioningFailed", message="pool is full", count=3)
    cluster = make_cluster(
        claim(phase="Pending"), snapshot_class(), storage_class(), words, expect=[],
        script=itertools.repeat(nothing_happens),
    )
    answer = take(cluster, timeout=0.05)
    assert isinstance(answer.failure, errors.TimedOut)
    assert "ProvisioningFailed: pool is full" in answer.failure.message


def test_an_error_is_shown_and_waited_out() -> None:
    def recover(cluster: FakeCluster) -> None:
        [stored] = snapshots_in(cluster)
        READY(cluster, stored)

    cluster = make_cluster(reactions={CREATE: become(error={"message": "busy"})}, script=[nothing_happens, recover])
    progress = Recorder()
    assert take(cluster, progress, name="nightly").failure is None
    assert "nightly: busy" in progress.reasons


def test_a_timeout_tells_what_was_observed_and_how_to_go_on() -> None:
    cluster = make_cluster(
        *GROUND, content("content-1", handle="", error={"message": "array is full"}),
        event("VolumeSnapshot", "nightly", reason="CreatingSnapshot", message="Waiting"),
        reactions={CREATE: become(error={"message": "array is full"})}, script=itertools.repeat(nothing_happens),
    )
    answer = take(cluster, name="nightly", timeout=0.05)
    assert isinstance(answer.failure, errors.TimedOut)
    for words in ("not ready after", "(--timeout)", "broken at status.error: array is full",
                  "volumesnapshotcontent/content-1 status.error", "CreatingSnapshot: Waiting"):
        assert words in answer.failure.message
    assert "kubectl rwx wait" in answer.failure.hint and "kubectl delete vs -n app nightly" in answer.failure.hint
    assert [item["name"] for item in answer.report.items] == ["nightly"]


@pytest.mark.parametrize(("gone", "words"), [
    ((PERSISTENT_VOLUME_CLAIM.resource, "app", "data"), "its claim data was deleted"),
    ((VOLUME_SNAPSHOT_CLASS.resource, "", "one"), "VolumeSnapshotClass one was deleted"),
    ((VOLUME_SNAPSHOT.resource, "app", "nightly"), "it was deleted"),
])
def test_causes_that_end_a_wait_early(gone: tuple[str, str, str], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_waits, "LOOK_EVERY", 0.0)

    def vanish(cluster: FakeCluster) -> None:
        del cluster.objects[gone]

    failing = become(error={"message": "cannot"}, boundVolumeSnapshotContentName=None)
    cluster = make_cluster(reactions={CREATE: failing}, script=[vanish, *[nothing_happens] * 3])
    answer = take(cluster, name="nightly", timeout=5.0)
    assert type(answer.failure) is errors.NotReady
    assert words in answer.failure.message


def test_ctrl_c_says_what_remains() -> None:
    def interrupt(cluster: FakeCluster) -> None:
        raise KeyboardInterrupt

    cluster = make_cluster(reactions={}, script=[interrupt])
    with pytest.raises(errors.Interrupted) as raised:
        take(cluster, name="nightly")
    assert "become ready by themselves: nightly" in raised.value.message
    assert "kubectl delete vs/nightly -n app" in raised.value.hint


def test_a_lost_server_is_a_timeout_that_says_how_to_go_on() -> None:
    def drop(cluster: FakeCluster) -> None:
        lost = errors.ConnectionFailed("cannot watch: connection refused")
        lost.outlasted = True
        raise lost

    cluster = make_cluster(reactions={}, script=[drop])
    with pytest.raises(errors.ServerAway, match="connection refused") as raised:
        take(cluster, name="nightly")
    assert "1 snapshot was created and goes on without us" in raised.value.message
    assert "kubectl rwx wait vs/nightly -n app" in raised.value.hint


def test_live_copies_are_warned_of_and_marked() -> None:
    nfs = "nfs.csi.k8s.io"
    cluster = make_cluster(claim(driver=nfs), volume(driver=nfs), snapshot_class(driver=nfs))
    progress = Recorder()
    answer = take(cluster, progress)
    assert answer.report.items[0]["consistency"] == "fuzzy"
    assert "fuzzy" in progress.warnings[0]


def test_reasons_of_pending_claims_come_from_their_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(bindings, "FIRST_LOOK_AFTER", 0.0)
    words = event("PersistentVolumeClaim", "data", reason="ProvisioningFailed", message="pool is full")

    def bind(cluster: FakeCluster) -> None:
        cluster.put(claim())

    later = event("PersistentVolumeClaim", "data", reason="ExternalProvisioning", message="waiting", type="Normal",
                  seconds_ago=1)
    cluster = make_cluster(
        claim(phase="Pending"), volume(), snapshot_class(), words, later, script=[nothing_happens, bind]
    )
    progress = Recorder()
    assert take(cluster, progress).failure is None
    assert "data: ProvisioningFailed: pool is full" in progress.reasons
