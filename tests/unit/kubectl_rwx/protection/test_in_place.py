"""Restoring in place: the steps in order, the way back, going on after a crash, and what is refused at the start."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import claim, content, snapshot, snapshot_class, storage_class, volume
from fakes.workloads import pod, rolled_out, workload
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.protection.in_place import restore_in_place
from kubectl_rwx.protection.in_place.journals import Step, read_journals
from kubectl_rwx.protection.restore_requests import RestoreRequest
from kubectl_rwx.protection.thawing import ThawRequest, thaw
from kubectl_rwx.readiness.leftovers.cleanups import clean_up
from kubectl_rwx.readiness.leftovers.requests import CleanupRequest
from plugin_core import errors, names
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    VOLUME_SNAPSHOT,
)
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, part_of
from plugin_core.model.refs import Target
from plugin_core.storage.claims import source_annotations, source_of_claim

CLAIM = claim(labels={"team": "a"}, annotations={"owner": "b", "pv.kubernetes.io/bind-completed": "yes"}, uid="uid-old")
GOOD = snapshot("good", annotations=source_annotations(source_of_claim(CLAIM)), uid="uid-good")
WRITES = [
    f"{verb} {kind.resource}" for kind, verbs in {
        CONFIG_MAP: "create patch delete", VOLUME_SNAPSHOT: "create delete", PERSISTENT_VOLUME_CLAIM: "create delete",
        PERSISTENT_VOLUME: "patch", DEPLOYMENT: "patch",
    }.items() for verb in verbs.split()
]
CREATE_CLAIM = f"create {PERSISTENT_VOLUME_CLAIM.resource}"


def ripen(cluster: FakeCluster, stored: Manifest) -> None:
    """A driver that cuts at once."""
    cluster.put({**stored, "status": {"readyToUse": True, "boundVolumeSnapshotContentName": "c"}})


def bind(cluster: FakeCluster, stored: Manifest) -> None:
    """A provisioner that fills at once, and a binder for claims that name their volume."""
    spec = {"volumeName": "pv-new", **stored["spec"]}
    capacity = stored["spec"]["resources"]["requests"]
    cluster.put({**stored, "spec": spec, "status": {"phase": "Bound", "capacity": capacity}})


def old_volume() -> Manifest:
    made = volume()
    made["spec"].update(persistentVolumeReclaimPolicy="Delete",
                        claimRef={"name": "data", "namespace": "app", "uid": "uid-old"})
    return made


def make_cluster(*objects: Manifest, **options: Any) -> FakeCluster:
    ground = [CLAIM, GOOD, content("content-good"), old_volume(), storage_class(), snapshot_class()]
    reactions = {f"create {VOLUME_SNAPSHOT.resource}": ripen, CREATE_CLAIM: bind, **options.pop("reactions", {})}
    groups = {"snapshot.storage.k8s.io": ["v1"]}
    cluster = FakeCluster([*ground, *objects], expect=WRITES, reactions=reactions, groups=groups, **options)
    if not objects:
        reactions[f"patch {DEPLOYMENT.resource}"] = rolled_out(cluster, workload())
    return cluster


def run(cluster: FakeCluster, **options: Any) -> Answer:
    settings = {"snapshots": ("good",), "in_place": True, "timeout": 5.0, **options}
    return restore_in_place(cluster, RestoreRequest(**settings), Recorder(), consent=lambda question: None)


def there(cluster: FakeCluster) -> Manifest:
    return cluster.objects[PERSISTENT_VOLUME_CLAIM.resource, "app", "data"]


def assert_tidy(cluster: FakeCluster, *, policy: str = "Delete") -> None:
    found = cluster.objects[DEPLOYMENT.resource, "app", "web"]
    assert found["spec"]["replicas"] == 2 and names.SCALE_RECORD not in annotations_of(found)
    assert not [key for key in cluster.objects if key[0] == CONFIG_MAP.resource]
    pv = cluster.objects[PERSISTENT_VOLUME.resource, "", "pv-data"]
    assert part_of(pv, "spec", "persistentVolumeReclaimPolicy") == policy


def test_replaced_with_what_matters_of_the_old_one() -> None:
    cluster = make_cluster()
    answer = run(cluster)
    assert answer.failure is None and answer.report.items[0]["change"] == "replaced"
    made = there(cluster)
    assert part_of(made, "spec", "dataSource", "name") == "good"
    assert labels_of(made)["team"] == "a" and annotations_of(made)["owner"] == "b"
    assert "pv.kubernetes.io/bind-completed" not in annotations_of(made)
    safety = [item for key, item in cluster.objects.items() if key[0] == VOLUME_SNAPSHOT.resource and key[2] != "good"]
    assert [annotations_of(item)[names.CONSISTENCY] for item in safety] == ["quiesced"]
    assert_tidy(cluster)


def test_each_step_is_recorded_before_it_is_taken() -> None:
    cluster = make_cluster()
    run(cluster)
    writes = [words for words in cluster.requests if words in WRITES]
    scale = writes.index(f"patch {DEPLOYMENT.resource}")
    assert writes.index(f"create {CONFIG_MAP.resource}") < scale < writes.index(f"create {VOLUME_SNAPSHOT.resource}")
    hold = writes.index(f"patch {PERSISTENT_VOLUME.resource}")
    assert hold < writes.index(f"delete {PERSISTENT_VOLUME_CLAIM.resource}") < writes.index(CREATE_CLAIM)
    assert writes[-1] == f"delete {CONFIG_MAP.resource}"


def refuse(cluster: FakeCluster, stored: Manifest) -> None:
    """A quota that refuses the restored claim, and lets the old one back in."""
    if part_of(stored, "spec", "dataSource"):
        del cluster.objects[PERSISTENT_VOLUME_CLAIM.resource, "app", "data"]
        raise errors.Forbidden("exceeded quota", status=403, server_message="exceeded quota")
    bind(cluster, stored)


def test_a_failure_binds_the_old_volume_again() -> None:
    cluster = make_cluster(reactions={CREATE_CLAIM: refuse})
    with pytest.raises(errors.Forbidden, match="replacing the claims failed: exceeded quota") as raised:
        run(cluster)
    assert "all is as it was" in raised.value.message
    assert part_of(there(cluster), "spec", "volumeName") == "pv-data"
    reference = part_of(cluster.objects[PERSISTENT_VOLUME.resource, "", "pv-data"], "spec", "claimRef")
    assert reference == {"name": "data", "namespace": "app"}
    assert [key[2] for key in cluster.objects if key[0] == VOLUME_SNAPSHOT.resource] == ["good"]
    assert_tidy(cluster)


def test_a_workload_that_somebody_started_again_is_not_robbed_of_what_it_wrote() -> None:
    def start_again(cluster: FakeCluster, changed: Manifest) -> None:
        found = cluster.objects[DEPLOYMENT.resource, "app", "web"]
        cluster.put({**found, "spec": {**found["spec"], "replicas": 2}})

    cluster = make_cluster()
    cluster._reactions[f"patch {PERSISTENT_VOLUME.resource}"] = start_again
    with pytest.raises(errors.NotReady, match="deployment/web was started again since the safety snapshot"):
        run(cluster)
    assert f"delete {PERSISTENT_VOLUME_CLAIM.resource}" not in cluster.requests
    assert_tidy(cluster)


class Killed(BaseException):
    """The client is gone at once: nothing of it runs any more."""


@pytest.mark.parametrize("rollback", [False, True])
@pytest.mark.parametrize("deadly", [
    f"patch {DEPLOYMENT.resource}", f"create {VOLUME_SNAPSHOT.resource}", f"patch {PERSISTENT_VOLUME.resource}",
    f"delete {PERSISTENT_VOLUME_CLAIM.resource}", CREATE_CLAIM,
])
def test_killed_after_a_write_and_run_again(deadly: str, rollback: bool) -> None:
    cluster = make_cluster()
    reactions = cluster._reactions
    before = reactions.get(deadly)

    def die(fake: FakeCluster, changed: Manifest) -> None:
        if before:
            before(fake, changed)
        raise Killed

    reactions[deadly] = die
    with pytest.raises(Killed):
        run(cluster)
    reactions[deadly] = before or (lambda fake, changed: None)
    assert len(read_journals(cluster)) == 1
    answer = run(cluster, rollback=rollback)
    assert answer.failure is None
    assert answer.report.items[0]["change"] == ("put back" if rollback else "replaced")
    wanted = "pv-data" if rollback else "pv-new"
    assert part_of(there(cluster), "spec", "volumeName") == wanted
    assert_tidy(cluster)


def test_an_unfinished_one_of_another_snapshot_is_refused_and_named_by_cleanup() -> None:
    cluster = make_cluster()
    cluster.put(snapshot("other", annotations=annotations_of(GOOD), uid="uid-other"))
    cluster._reactions[f"create {VOLUME_SNAPSHOT.resource}"] = lambda fake, stored: (_ for _ in ()).throw(Killed())
    with pytest.raises(Killed):
        run(cluster)
    assert read_journals(cluster)[0].step is Step.SAFETY
    with pytest.raises(errors.NotReady, match="from vs/good is unfinished") as raised:
        run(cluster, snapshots=("other",))
    assert "--rollback" in raised.value.hint
    told = clean_up(cluster, CleanupRequest(), Recorder(), consent=lambda question: None)
    assert "kubectl rwx restore vs/good --in-place" in told.report.notes[0]


@pytest.mark.parametrize("denied", [False, True])
def test_thaw_leaves_stopped_what_an_unfinished_one_stopped(denied: bool) -> None:
    cluster = make_cluster()
    cluster._reactions[f"create {VOLUME_SNAPSHOT.resource}"] = lambda fake, stored: (_ for _ in ()).throw(Killed())
    with pytest.raises(Killed):
        run(cluster)
    cluster._denied = {f"list {CONFIG_MAP.resource}"} if denied else set()
    cluster._expect.add(f"patch {VOLUME_SNAPSHOT.resource}")
    progress = Recorder()
    answer = thaw(cluster, ThawRequest(targets=(Target(DEPLOYMENT, "web"),)), progress)
    replicas = cluster.objects[DEPLOYMENT.resource, "app", "web"]["spec"]["replicas"]
    if denied:
        # it cannot be known, and an application that is down for good is worse: said, and brought back
        assert replicas and answer.failure is None
        assert any("whether an in-place restore is at work cannot be seen" in words for words in progress.warnings)
    else:
        assert replicas == 0 and answer.failure and answer.report.items == ()
        assert "deployment/web: stays at 0 replicas: the in-place restore of data" in answer.failure.message
        assert "kubectl rwx restore vs/good --in-place -n app goes on, with --rollback" in str(answer.failure.hint)


def test_a_garbled_journal_is_said() -> None:
    cluster = make_cluster()
    cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "data": {"journal": "{"},
                 "metadata": {"name": "j", "namespace": "app", "labels": {names.IN_PLACE: "journal"}}})
    with pytest.raises(errors.NotReady, match="configmap/j, cannot be read"):
        run(cluster)


@pytest.mark.parametrize("mode", [DryRun.CLIENT, DryRun.SERVER])
def test_a_dry_run_asks_for_no_write(mode: DryRun) -> None:
    cluster = make_cluster(dry_run=mode)
    assert run(cluster).report.items[0]["change"] == "would be replaced"
    assert not set(cluster.requests) & set(WRITES)


def test_without_consent_nothing_is_written() -> None:
    cluster, asked = make_cluster(), []

    def no(question: str) -> None:
        asked.append(question)
        raise errors.UsageError("no")

    with pytest.raises(errors.UsageError):
        restore_in_place(cluster, RestoreRequest(snapshots=("good",), in_place=True), Recorder(), consent=no)
    assert "stopping deployment/web" in asked[0]
    assert not set(cluster.requests) & set(WRITES)


def test_rollback_without_a_journal() -> None:
    with pytest.raises(errors.NotFound, match="no unfinished in-place restore"):
        run(make_cluster(), rollback=True)


def using(kind: str, **spec: Any) -> list[Manifest]:
    owner = workload(kind, replicas=1, **spec)
    return [owner, pod("web-0", owner, owner["spec"]["template"])]


LONELY = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lonely", "namespace": "app"}, "spec": {
    "containers": [], "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}}
OPERATED = using("StatefulSet")
OPERATED[0]["metadata"]["ownerReferences"] = [{"kind": "Postgres", "name": "db", "uid": "u", "controller": True}]


@pytest.mark.parametrize(("objects", "words"), [
    ([LONELY], r"pod/lonely \(no owner\): nobody would start it again"),
    (using("DaemonSet"), "daemonset/web: it has no replica count"),
    (using("StatefulSet", persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"}), "deletes its claims when"),
    (OPERATED, "postgres/db owns it"),
])
def test_users_that_cannot_be_brought_back(objects: list[Manifest], words: str) -> None:
    cluster = make_cluster(*objects)
    with pytest.raises(errors.NotReady, match=words):
        run(cluster)
    assert not set(cluster.requests) & set(WRITES)
    assert [key for key in cluster.objects if key[0] == POD.resource]


def test_a_source_that_is_gone_is_restored_otherwise() -> None:
    cluster = make_cluster()
    del cluster.objects[PERSISTENT_VOLUME_CLAIM.resource, "app", "data"]
    with pytest.raises(errors.NotFound, match='source claim "data" is gone') as raised:
        run(cluster)
    assert "kubectl rwx restore vs/good --to data" in raised.value.hint
