"""Restoring: what claims are made of snapshots, what is refused and how it reads, and what ends a wait."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import claim, content, event, snapshot, storage_class, timestamp
from kubectl_rwx.protection import bindings
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.protection.restore_plans import Wishes
from kubectl_rwx.protection.restore_requests import RestoreRequest
from kubectl_rwx.protection.restores import restore
from plugin_core import errors, names
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS, VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.manifests import Manifest, annotations_of, labels_of
from plugin_core.storage.claims import source_annotations, source_of_claim

CREATE = f"create {PERSISTENT_VOLUME_CLAIM.resource}"
GONE_SOURCE = source_annotations(source_of_claim(claim(size="2Gi")))
OURS = snapshot(annotations=GONE_SOURCE, labels={names.SET_LABEL: "nightly"})
GROUND = [OURS, content(), storage_class()]


def bind(cluster: FakeCluster, stored: Manifest) -> None:
    """A provisioner that answers at once."""
    request = stored["spec"]["resources"]["requests"]
    cluster.put({**stored, "spec": {**stored["spec"], "volumeName": "pv-new"},
                 "status": {"phase": "Bound", "capacity": request}})


def nothing_happens(cluster: FakeCluster) -> None:
    pass


def make_cluster(*objects: Manifest, **options: Any) -> FakeCluster:
    served = {"snapshot.storage.k8s.io": ["v1"]}
    settings = {"expect": [CREATE], "reactions": {CREATE: bind}, "groups": served, **options}
    return FakeCluster(objects or GROUND, **settings)


def run(cluster: FakeCluster, progress: Recorder | None = None, **options: Any) -> Answer:
    wishes = Wishes(**{"suffix": "-restored", **options.pop("wishes", {})})
    if "set_name" not in options:
        options.setdefault("snapshots", ("nightly",))
    return restore(cluster, RestoreRequest(wishes=wishes, **options), progress or Recorder())


def made(cluster: FakeCluster, name: str = "data-restored") -> Manifest:
    return cluster.objects[PERSISTENT_VOLUME_CLAIM.resource, "app", name]


@pytest.mark.parametrize(("make", "words"), [
    (lambda: RestoreRequest(), "say what to restore"),
    (lambda: RestoreRequest(snapshots=("a",), set_name="b"), "say what to restore"),
    (lambda: RestoreRequest(snapshots=("a", "b"), wishes=Wishes(to="x")), "--to names one claim"),
    (lambda: RestoreRequest(snapshots=("a",), wishes=Wishes(to="X_1")), '--to "X_1" cannot be'),
    (lambda: RestoreRequest(snapshots=("a",), wishes=Wishes(suffix="_x")), '--suffix "_x" cannot'),
    (lambda: RestoreRequest(snapshots=("a",), timeout=0), "--timeout"),
])
def test_the_request_refuses_what_cannot_be_meant(make: Callable[[], object], words: str) -> None:
    with pytest.raises(errors.UsageError, match=words):
        make()


def test_everything_as_the_source_was_though_the_source_is_gone() -> None:
    cluster, progress = make_cluster(), Recorder()
    answer = run(cluster, progress)
    assert answer.failure is None
    new = made(cluster)
    assert new["spec"] | {"volumeName": "*"} == {
        "accessModes": ["ReadWriteMany"], "storageClassName": "one", "volumeMode": "Filesystem", "volumeName": "*",
        "resources": {"requests": {"storage": "2Gi"}},
        "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "nightly"},
    }
    assert labels_of(new)[names.MANAGED_BY_LABEL] == "kubectl-rwx"
    assert annotations_of(new)[names.RESTORED_FROM] == "nightly"
    [item] = answer.report.items
    shown = [item[key] for key in ("name", "phase", "change", "capacity")]
    assert shown == ["data-restored", "Bound", "created", "2Gi"]
    assert progress.notes == ["persistentvolumeclaim/data-restored created"]


def test_a_strangers_snapshot_is_restored_as_its_live_source_is() -> None:
    source = claim(size="3Gi", modes=("ReadWriteOnce",), storage_class="other")
    source["spec"]["volumeMode"] = "Block"
    cluster = make_cluster(snapshot(size="2042"), content(), source, storage_class("other"))
    assert run(cluster).failure is None
    spec = made(cluster)["spec"]
    assert (spec["accessModes"], spec["storageClassName"], spec["volumeMode"]) == (["ReadWriteOnce"], "other", "Block")
    assert spec["resources"]["requests"]["storage"] == "3Gi"


def test_wishes_replace_what_the_source_was() -> None:
    cluster = make_cluster(*GROUND, storage_class("fast"))
    wishes = {"to": "copy", "size": 5 * 1024**3, "storage_class": "fast", "access_modes": ("ReadWriteOncePod",)}
    assert run(cluster, wishes=wishes).failure is None
    spec = made(cluster, "copy")["spec"]
    assert (spec["accessModes"], spec["storageClassName"]) == (["ReadWriteOncePod"], "fast")
    assert spec["resources"]["requests"]["storage"] == "5Gi"


def test_a_second_run_changes_nothing() -> None:
    cluster = make_cluster()
    run(cluster)
    before = dict(cluster.objects)
    answer = run(cluster)
    assert answer.failure is None
    assert answer.report.items[0]["change"] == "unchanged"
    assert cluster.objects == before
    assert cluster.requests.count(CREATE) == 1


def existing(**changes: Any) -> Manifest:
    """A claim that an earlier run made of OURS, with something else about it."""
    there = claim("data-restored", size="2Gi", annotations={
        names.RESTORED_FROM: "nightly", names.RESTORED_FROM_UID: "uid-1", **changes.pop("annotations", {}),
    })
    there["spec"].update(changes)
    return there


@pytest.mark.parametrize(("there", "words"), [
    (claim("data-restored"), "it was not restored from a snapshot"),
    (existing(annotations={names.RESTORED_FROM_UID: "uid-0"}), "it was restored from another snapshot, nightly"),
    (existing(accessModes=["ReadWriteOnce"]), "its accessModes is ['ReadWriteOnce'], not ['ReadWriteMany']"),
    (existing(resources={"requests": {"storage": "1Gi"}}), "its request is 1Gi, not 2Gi"),
])
def test_a_claim_in_the_way_is_left_alone(there: Manifest, words: str) -> None:
    answer = run(make_cluster(*GROUND, there, expect=[]))
    assert isinstance(answer.failure, errors.AlreadyExists)
    assert words in answer.failure.message
    assert "--to" in answer.failure.hint


def test_a_set_is_restored_as_a_set_and_says_what_is_missing() -> None:
    members = [snapshot(f"n-{source}", claim=source, annotations=GONE_SOURCE, labels={names.SET_LABEL: "n"},
                        content="content-nightly", ready=source != "c") for source in ("a", "b", "c")]
    cluster = make_cluster(*members, content(), storage_class())
    answer = run(cluster, set_name="n", wishes={"suffix": "-new"})
    assert isinstance(answer.failure, errors.PartlyDone)
    assert "volumesnapshot/n-c: it is not ready to use" in answer.failure.message
    assert [item["name"] for item in answer.report.items] == ["a-new", "b-new"]


def test_one_name_for_a_set_of_several() -> None:
    members = [snapshot(name, labels={names.SET_LABEL: "n"}) for name in ("a", "b")]
    with pytest.raises(errors.UsageError, match='the set "n" has 2 snapshots'):
        run(make_cluster(*members), set_name="n", wishes={"to": "x"})


def test_two_snapshots_of_one_claim_cannot_become_one_claim() -> None:
    two = [snapshot(name, annotations=GONE_SOURCE, content="content-nightly") for name in ("a", "b")]
    answer = run(make_cluster(*two, content(), storage_class()), snapshots=("a", "b"))
    assert isinstance(answer.failure, errors.PartlyDone)
    assert 'claim "data-restored" is restored from a already' in answer.failure.message


UNKNOWN_SOURCE = snapshot()
REFUSALS: list[tuple[list[Manifest], dict[str, Any], type[errors.PluginError], str]] = [
    ([], {}, errors.NotFound, "volumesnapshot/nightly: it does not exist"),
    ([snapshot(ready=False, error="array is full"), content()], {}, errors.NotReady, "array is full"),
    ([snapshot(deletionTimestamp=timestamp()), content()], {}, errors.NotReady, "it is being deleted"),
    ([OURS, content(), storage_class()], {"size": 1024**3}, errors.UsageError, "--size 1Gi is too small"),
    ([OURS, content(), storage_class("two")], {}, errors.NotFound, "the source claim's class"),
    ([OURS, content(), storage_class(), storage_class("x", driver="other")], {"storage_class": "x"}, errors.UsageError,
     "cannot read another's snapshots"),
    ([UNKNOWN_SOURCE, content(), storage_class()], {}, errors.UsageError, "nothing tells the StorageClass"),
    ([UNKNOWN_SOURCE, content(), storage_class()], {"storage_class": "one"}, errors.UsageError,
     "nothing tells the access modes"),
]


@pytest.mark.parametrize(("objects", "wishes", "error", "words"), REFUSALS, ids=[words for *_, words in REFUSALS])
def test_refused_before_anything_is_created(
    objects: list[Manifest], wishes: dict[str, Any], error: type[errors.PluginError], words: str
) -> None:
    answer = run(make_cluster(storage_class("unrelated", driver="third"), *objects, expect=[]), wishes=wishes)
    assert type(answer.failure) is error
    assert answer.failure is not None and words in answer.failure.message


def test_an_absent_set() -> None:
    with pytest.raises(errors.NotFound, match='no snapshot set "nope"') as raised:
        run(make_cluster(), set_name="nope")
    assert "vs/nope" in raised.value.hint


def test_missing_rights_are_named_together() -> None:
    with pytest.raises(errors.Forbidden) as raised:
        run(make_cluster(denied=[CREATE, f"get {VOLUME_SNAPSHOT.resource}"]))
    assert f"get {VOLUME_SNAPSHOT.resource}, {CREATE}" in raised.value.message


def test_rights_in_one_namespace_only_will_do() -> None:
    progress = Recorder()
    denied = [f"list {STORAGE_CLASS.resource}", f"get {VOLUME_SNAPSHOT_CONTENT.resource}"]
    answer = run(make_cluster(denied=denied), progress)
    assert answer.failure is None
    assert "not checked: you may not" in progress.warnings[0]


@pytest.mark.parametrize("dry_run", [DryRun.CLIENT, DryRun.SERVER])
def test_dry_run_shows_and_stores_nothing(dry_run: DryRun) -> None:
    cluster = make_cluster(dry_run=dry_run)
    before = dict(cluster.objects)
    answer = run(cluster)
    assert answer.failure is None
    assert answer.report.items[0]["request"] == "2Gi"
    assert cluster.objects == before


def test_waiting_for_the_first_consumer_is_success() -> None:
    late = storage_class(binding="WaitForFirstConsumer")
    answer = run(make_cluster(OURS, content(), late, reactions={}))
    assert answer.failure is None
    assert answer.report.items[0]["waitsForConsumer"] is True
    assert "waits for its first consumer" in answer.report.notes[0]


def test_waiting_for_the_first_consumer_is_seen_in_events_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(bindings, "FIRST_LOOK_AFTER", 0.0)
    words = event("PersistentVolumeClaim", "data-restored", reason="WaitForFirstConsumer", message="waiting")
    cluster = make_cluster(
        *GROUND, words, reactions={}, denied=[f"list {STORAGE_CLASS.resource}"], script=[nothing_happens] * 2
    )
    answer = run(cluster)
    assert answer.failure is None
    assert answer.report.items[0]["waitsForConsumer"] is True


def test_a_timeout_tells_the_provisioners_words() -> None:
    words = event("PersistentVolumeClaim", "data-restored", reason="ProvisioningFailed", message="too small")
    cluster = make_cluster(*GROUND, words, reactions={}, script=itertools.repeat(nothing_happens))
    answer = run(cluster, timeout=0.05)
    assert isinstance(answer.failure, errors.TimedOut)
    assert "ProvisioningFailed: too small" in answer.failure.message
    assert "kubectl delete pvc -n app data-restored" in answer.failure.hint


def test_a_snapshot_deleted_meanwhile_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(bindings, "FIRST_LOOK_AFTER", 0.0)

    def vanish(cluster: FakeCluster) -> None:
        cluster.objects.pop((VOLUME_SNAPSHOT.resource, "app", "nightly"), None)

    answer = run(make_cluster(reactions={}, script=[vanish] * 3))
    assert type(answer.failure) is errors.NotReady
    assert "its snapshot nightly was deleted" in answer.failure.message


def test_ctrl_c_says_what_remains() -> None:
    def interrupt(cluster: FakeCluster) -> None:
        raise KeyboardInterrupt

    with pytest.raises(errors.Interrupted, match="filled by themselves: data-restored") as raised:
        run(make_cluster(reactions={}, script=[interrupt]))
    assert "kubectl delete pvc -n app data-restored" in raised.value.hint
