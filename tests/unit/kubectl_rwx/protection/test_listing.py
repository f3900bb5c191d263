"""Listing: set by set, ours and others', in every format, by one request."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from fakes.cluster import FakeCluster
from fakes.storage import claim, content, snapshot, storage_class
from kubectl_rwx.protection.listing import ListRequest, list_snapshots
from kubectl_rwx.protection.restore_plans import Wishes
from kubectl_rwx.protection.restore_requests import RestoreRequest
from kubectl_rwx.protection.restores import restore
from plugin_core import errors, names
from plugin_core.model.progress import Silence
from plugin_core.model.reports import Report
from plugin_core.render.reports import render
from plugin_core.storage.claims import source_annotations, source_of_claim

SCHEMAS = Path(__file__).parents[4] / "docs" / "schemas"
ANNOTATIONS = {**source_annotations(source_of_claim(claim())), names.CONSISTENCY: "crash", names.SOURCE_DRIVER: "d"}


def member(name: str, set_name: str, *, seconds_ago: float) -> dict[str, object]:
    labels = {names.SET_LABEL: set_name, names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: "r1"}
    return snapshot(name, labels=labels, annotations=ANNOTATIONS, seconds_ago=seconds_ago)


SNAPSHOTS = [
    member("new-a", "new", seconds_ago=60), member("old-b", "old", seconds_ago=7200),
    member("old-a", "old", seconds_ago=7140),
    snapshot("foreign", seconds_ago=600, ready=False, size=None, error="busy"),
]


def test_sets_stay_together_the_oldest_first() -> None:
    cluster = FakeCluster(SNAPSHOTS)
    report = list_snapshots(cluster, ListRequest())
    assert [item["name"] for item in report.items] == ["old-a", "old-b", "foreign", "new-a"]
    assert cluster.requests == ["list volumesnapshots.snapshot.storage.k8s.io"]


def test_table() -> None:
    report = list_snapshots(FakeCluster(SNAPSHOTS), ListRequest())
    lines = render(report, output="table", api_version="kubectl-rwx/v1").splitlines()
    assert lines[0].split() == ["NAME", "SOURCE", "READY", "RESTORESIZE", "CLASS", "CONSISTENCY", "AGE"]
    assert lines[1].split()[:-1] == ["old-a", "data", "true", "1Gi", "one", "crash"]
    assert lines[3].split()[:-1] == ["foreign", "data", "false", "<none>", "one", "<none>"]
    assert lines[3].split()[-1].startswith("10m")
    assert report.notes == ("volumesnapshot/foreign: busy",)


def test_all_namespaces_and_wide_add_columns() -> None:
    report = list_snapshots(FakeCluster(SNAPSHOTS), ListRequest(all_namespaces=True))
    head = render(report, output="wide", api_version="kubectl-rwx/v1").splitlines()[0].split()
    narrow = ["NAMESPACE", "NAME", "SOURCE", "READY", "RESTORESIZE", "CLASS", "CONSISTENCY", "AGE"]
    assert head == [*narrow, "SET", "DRIVER", "CONTENT"]


def test_names_can_be_given_to_kubectl() -> None:
    report = list_snapshots(FakeCluster(SNAPSHOTS[:1]), ListRequest())
    assert render(report, output="name", api_version="") == "volumesnapshot.snapshot.storage.k8s.io/new-a\n"


def test_nothing_found_says_where() -> None:
    assert list_snapshots(FakeCluster([]), ListRequest()).empty == "No snapshots found in namespace app."


class WithoutApi(FakeCluster):
    def list_all(self, *args: object, **options: object) -> None:  # type: ignore[override]
        raise errors.NotFound("the server could not find the requested resource", status=404)


def test_without_the_snapshot_api() -> None:
    with pytest.raises(errors.NotReady, match="does not serve snapshot.storage.k8s.io"):
        list_snapshots(WithoutApi(), ListRequest())


def validate(report: Report, schema: str) -> None:
    document = json.loads(render(report, output="json", api_version="kubectl-rwx/v1"))
    rules = json.loads((SCHEMAS / schema).read_text())
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.validate(document, rules)
    described = set(rules["properties"]["items"]["items"]["properties"])
    assert all(set(item) == described for item in document["items"])


def test_snapshots_are_as_their_schema_says() -> None:
    validate(list_snapshots(FakeCluster(SNAPSHOTS), ListRequest()), "kubectl-rwx-snapshotlist.v1.json")


def test_restored_claims_are_as_their_schema_says() -> None:
    cluster = FakeCluster(
        [snapshot(annotations=ANNOTATIONS), content(), storage_class(binding="WaitForFirstConsumer")],
        expect=["create persistentvolumeclaims"], groups={"snapshot.storage.k8s.io": ["v1"]},
    )
    request = RestoreRequest(snapshots=("nightly", "absent"), wishes=Wishes(suffix="-new"))
    report = restore(cluster, request, Silence()).report
    assert report.items and report.facts["problems"]
    validate(report, "kubectl-rwx-restorelist.v1.json")
