"""kubectl rwx diagnose as a whole: what is looked at, what the answer says, how it ends, how many requests it takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.published_schemas import validator
from fakes.storage import claim, snapshot, volume
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.readiness.diagnoses import diagnose, diagnosis_request
from plugin_core import errors, names
from plugin_core.model.kinds import VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Silence
from plugin_core.render.reports import render
from unit.kubectl_rwx.diagnosis.chains import CLUSTER_WIDE, SERVED, bound_content, ground

HEALTHY = [*ground(), snapshot(), bound_content(snapshotHandle="h", readyToUse=True)]
FAILING = snapshot("failing", ready=False, error="x", content="", labels={names.SET_LABEL: "nightly"})


def run(objects: list[Manifest], *words: str, selector: str = "", everything: bool = False, anywhere: bool = False,
        denied: Any = (), served: Any = SERVED) -> tuple[Answer, FakeCluster]:
    cluster = FakeCluster(objects, groups=served, denied=denied)
    request = diagnosis_request(words, selector=selector, everything=everything, all_namespaces=anywhere)
    answer = diagnose(cluster, request, Silence())
    for output in ("table", "wide", "json", "yaml", "name"):
        assert render(answer.report, output=output, api_version="kubectl-rwx/v1") or not answer.report.items
    document = json.loads(render(answer.report, output="json", api_version="kubectl-rwx/v1"))
    validator("kubectl-rwx/v1", "DiagnosisList").validate(document)
    return answer, cluster


def verdicts(answer: Answer) -> dict[str, str]:
    return {item["name"]: item["verdict"] for item in answer.report.items}


@pytest.mark.parametrize(("words", "options"), [
    ((), {}), (("vs/a",), {"everything": True}), (("vs/a",), {"selector": "a=b"}), (("nightly",), {"everything": True}),
    (("vs/a",), {"all_namespaces": True}), (("nightly",), {"all_namespaces": True}), (("pod/a",), {}),
])
def test_the_request_refuses_what_cannot_be_meant(words: tuple[str, ...], options: dict[str, Any]) -> None:
    settings = {"selector": "", "everything": False, "all_namespaces": False, **options}
    with pytest.raises(errors.UsageError):
        diagnosis_request(words, **settings)


def test_a_healthy_object_ends_with_0_and_says_why() -> None:
    answer, _ = run(HEALTHY, "vs/nightly", "pvc/data")
    assert answer.failure is None and verdicts(answer) == {"nightly": "healthy", "data": "healthy"}


@pytest.mark.parametrize(("words", "options", "expected"), [
    (("vs/nightly", "vs/failing"), {}, {"nightly": "healthy", "failing": "suspect"}),
    (("nightly",), {}, {"failing": "suspect"}),
    ((), {"everything": True}, {"failing": "suspect"}),
    ((), {"everything": True, "anywhere": True}, {"failing": "suspect"}),
    ((), {"selector": f"{names.SET_LABEL}=nightly"}, {"failing": "suspect"}),
])
def test_something_stuck_ends_with_3(words: tuple[str, ...], options: Any, expected: dict[str, str]) -> None:
    driver_less = [one for one in HEALTHY if one["kind"] != "VolumeSnapshotClass"]
    failing = snapshot("failing", ready=False, content="", size=None, labels={names.SET_LABEL: "nightly"})
    failing["spec"]["source"] = {"persistentVolumeClaimName": "data"}
    failing["spec"].pop("volumeSnapshotClassName")
    default = [one for one in ground() if one["kind"] == "VolumeSnapshotClass"][0]
    default["metadata"]["annotations"] = {names.DEFAULT_SNAPSHOT_CLASS: "true"}
    answer, _ = run([*driver_less, default, failing], *words, **options)
    assert verdicts(answer) == expected
    assert isinstance(answer.failure, errors.NotReady) and "failing: suspect" in answer.failure.message


def test_nothing_stuck_is_said_with_how_much_was_looked_at() -> None:
    answer, _ = run(HEALTHY, everything=True)
    assert answer.failure is None and not answer.report.items
    assert answer.report.empty == "Nothing is stuck in app: 2 snapshots and claims were looked at."


@pytest.mark.parametrize(("words", "denied", "error"), [
    (("vs/absent",), (), errors.NotFound), (("absent",), (), errors.NotFound),
    (("vs/nightly",), ["get volumesnapshots.snapshot.storage.k8s.io"], errors.Forbidden),
])
def test_what_cannot_be_looked_at(words: tuple[str, ...], denied: Any, error: type[errors.PluginError]) -> None:
    try:
        answer, _ = run(HEALTHY, *words, denied=denied)
        assert isinstance(answer.failure, error)
    except errors.NotFound as raised:
        assert isinstance(raised, error)


def test_one_that_is_not_there_does_not_hide_the_others() -> None:
    answer, _ = run(HEALTHY, "vs/nightly", "vs/absent")
    assert isinstance(answer.failure, errors.PartlyDone) and verdicts(answer) == {"nightly": "healthy"}


def test_without_the_api_every_snapshot_breaks_there() -> None:
    answer, _ = run([claim(), volume()], "vs/a", "vs/b", served={})
    assert {item["first"]["code"] for item in answer.report.items} == {"snapshot-api-absent"}
    assert isinstance(answer.failure, errors.NotReady)


def test_without_the_api_all_is_not_fine() -> None:
    class Unserved(FakeCluster):
        def list_all(self, kind: Any, **options: Any) -> Any:
            if kind == VOLUME_SNAPSHOT:
                raise errors.NotFound("no such resource", status=404)
            return super().list_all(kind, **options)

    request = diagnosis_request((), selector="", everything=True, all_namespaces=False)
    answer = diagnose(Unserved(ground()), request, Silence())
    assert [item["first"]["code"] for item in answer.report.items] == ["snapshot-api-absent"]
    assert isinstance(answer.failure, errors.NotReady)


def test_nothing_in_a_namespace_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(errors.NotFound):
        run([], everything=True)
    answer, _ = run([], everything=True, denied=["get namespaces"])
    assert answer.failure is None and "0 snapshots and claims" in answer.report.empty


def test_requests_do_not_grow_with_the_objects() -> None:
    def requests(count: int) -> int:
        many = [snapshot(f"s-{number}", ready=False, size=None) for number in range(count)]
        contents = [bound_content(f"content-s-{number}", snapshot=f"s-{number}") for number in range(count)]
        claims = [claim(f"c-{number}", phase="Pending", storage_class="gone") for number in range(count)]
        answer, cluster = run([*ground(), *many, *contents, *claims], everything=True)
        assert len(answer.report.items) == 2 * count
        assert len(answer.report.sections[0].items) == 4 and "more break as those above" in answer.report.notes[0]
        return len(cluster.requests)

    assert requests(150) <= requests(20) <= 20


def test_with_few_rights_the_answer_says_which_links_it_did_not_see() -> None:
    answer, _ = run([*HEALTHY, FAILING], "vs/nightly", denied=CLUSTER_WIDE)
    [item] = answer.report.items
    assert item["verdict"] == "healthy" and set(item["unseen"]) == {"content", "driver"}
    assert "rbac diagnose" in answer.report.notes[-1]
