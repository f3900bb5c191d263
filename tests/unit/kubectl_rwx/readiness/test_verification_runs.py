"""Before and after the trial itself: what is refused with nothing made, and removal in its order."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fakes import storage
from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.readiness import GROUPS, storage_class
from kubectl_rwx.readiness.images import list_images
from kubectl_rwx.readiness.verification.objects import RESTORE, SOURCE, WRITER, Objects
from kubectl_rwx.readiness.verification.proofs import verify
from kubectl_rwx.readiness.verification.removal import how_to_remove, remove_everything
from kubectl_rwx.readiness.verification.requests import VerifyRequest
from kubectl_rwx.readiness.verification.trials import Trial
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.render.reports import render
from plugin_core.workloads.helper_pods import ELSEWHERE

SCHEMAS = Path(__file__).parents[4] / "docs" / "schemas"
RWX_CREATES = ["create persistentvolumeclaims", "create pods", "create volumesnapshots.snapshot.storage.k8s.io"]
DELETES = ["delete persistentvolumeclaims", "delete pods", "delete volumesnapshots.snapshot.storage.k8s.io"]
REQUEST = VerifyRequest(storage_class="one")
CLASSES = {"storageclasses.storage.k8s.io", "volumesnapshotclasses.snapshot.storage.k8s.io"}
UNTIL = "2026-11-21T12:00:00Z"


def world(*, snapshots: bool = True, **options: Any) -> FakeCluster:
    classes = [storage.snapshot_class(default=True)] if snapshots else []
    return FakeCluster([storage_class(), *classes], groups=GROUPS, expect=RWX_CREATES, **options)


def objects() -> Objects:
    return Objects("app", "run1", request=REQUEST, security=ELSEWHERE[0], two_nodes=True, until=UNTIL)


def validate(report: Any, schema: str) -> Any:
    document = json.loads(render(report, output="json", api_version="kubectl-rwx/v1"))
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / schema).read_text())).validate(document)
    return document


@pytest.mark.parametrize("way", [DryRun.CLIENT, DryRun.SERVER])
def test_a_dry_run_names_what_would_be_made(way: DryRun) -> None:
    cluster = world(dry_run=way)
    answer = verify(cluster, REQUEST, Recorder())
    document = validate(answer.report, "kubectl-rwx-verification.v1.json")
    assert document["result"] == "planned" and document["snapshotClass"] == "one"
    assert answer.report.notes[0].count("pod/") == 4
    assert {kind for kind, _, _ in cluster.objects} == CLASSES


def test_an_absent_class_is_told_with_those_there_are() -> None:
    with pytest.raises(errors.NotFound, match='no StorageClass "two"; there are: one'):
        verify(world(), VerifyRequest(storage_class="two"), Recorder())


@pytest.mark.parametrize(("denied", "words"), [
    ("create pods", "missing rights in namespace \"app\": create pods"),
    ("list volumesnapshotclasses.snapshot.storage.k8s.io", "you may not list volumesnapshotclasses"),
])
def test_missing_rights_are_named_before_anything_is_made(denied: str, words: str) -> None:
    cluster = world(denied=[denied])
    with pytest.raises(errors.Forbidden, match=words):
        verify(cluster, REQUEST, Recorder())
    assert {kind for kind, _, _ in cluster.objects} == CLASSES


def test_the_reader_keeps_away_from_the_writer_or_stays_with_it() -> None:
    apart = objects().pod("reader", claim=SOURCE)["spec"]["affinity"]
    assert list(apart) == ["podAntiAffinity"]
    single = dataclasses.replace(objects(), request=VerifyRequest(storage_class="one", access_mode="ReadWriteOnce"))
    assert list(single.pod("reader", claim=SOURCE)["spec"]["affinity"]) == ["podAffinity"]
    assert "affinity" not in objects().pod(WRITER, claim=SOURCE)["spec"]


def test_removal_lets_go_of_a_restore_before_its_snapshot_and_its_source() -> None:
    made = objects()
    cluster = FakeCluster(
        [made.source_claim(), made.restored_claim(size=1), made.snapshot(snapshot_class="one"),
         made.pod(WRITER, claim=SOURCE), storage.claim("mine")], expect=DELETES,
    )
    order: list[str] = []
    delete = cluster.delete
    cluster.delete = lambda kind, name, **rest: (order.append(name), delete(kind, name, **rest))[1]  # type: ignore
    removal = remove_everything(cluster, made, progress=Recorder())
    assert order == [made.name(WRITER), made.name(RESTORE), made.name(SOURCE), made.name(SOURCE)]
    assert (removal.removed, removal.left) == (4, [])
    assert [name for _, _, name in cluster.objects] == ["mine"]
    assert how_to_remove(made).startswith("kubectl delete pod -n app -l kubectl-rwx.io/run=run1 && ")


@pytest.mark.parametrize(("thrown", "raised", "words"), [
    (KeyboardInterrupt(), errors.Interrupted, "all that was made is removed again"),
    (errors.Unavailable("the server is away"), errors.Unavailable, "the server is away"),
    (ZeroDivisionError("a mistake"), ZeroDivisionError, "a mistake"),
], ids=["interrupted", "failed", "mistaken"])
@pytest.mark.parametrize("keep", [False, True])
def test_whatever_ends_a_run_tidies_up_unless_it_is_to_be_kept(
    monkeypatch: pytest.MonkeyPatch, thrown: BaseException, raised: type[BaseException], words: str, keep: bool
) -> None:
    def run(trial: Trial) -> None:
        trial._stage.create([trial._stage.objects.source_claim()])
        raise thrown

    monkeypatch.setattr(Trial, "run", run)
    cluster = world()
    cluster._expect |= set(DELETES)
    with pytest.raises(raised, match=words if not keep or raised is not errors.Interrupted else "is kept"):
        verify(cluster, VerifyRequest(storage_class="one", keep=keep), Recorder())
    assert ("persistentvolumeclaims" in {kind for kind, _, _ in cluster.objects}) is keep


def test_the_image_list_keeps_to_its_schema() -> None:
    validate(list_images(registry="r.example.com"), "kubectl-rwx-imagelist.v1.json")
