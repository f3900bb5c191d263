"""check: verdicts, exit codes, what is read, and what happens when reading is forbidden."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.readiness import (
    GROUPS,
    chain,
    csi_driver,
    csi_node,
    deployment,
    lease,
    ready_content,
    shared_volume,
    storage_class,
    storage_profile,
)
from fakes.storage import DRIVER, snapshot_class
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.readiness.checks import CheckRequest, check_storage
from plugin_core import errors
from plugin_core.model.manifests import Manifest
from plugin_core.render.reports import render
from plugin_core.storage.verifications import Verification, hash_parameters

CDI = {**GROUPS, "cdi.kubevirt.io": ["v1beta1"]}
SCHEMA = Path(__file__).parents[4] / "docs" / "schemas" / "kubectl-rwx-storagecheck.v1.json"
CEPHFS, NFS = "openshift-storage.cephfs.csi.ceph.com", "nfs.csi.k8s.io"
PROOF = {"date": "2026-11-01T09:00:00Z", "access_mode": "ReadWriteMany", "driver": DRIVER, "uid": "uid-one"}


def proven(**changes: Any) -> Manifest:
    """A class that verify proved (or failed)."""
    given: dict[str, Any] = {
        "result": "passed", "proved": {"rwx": True, "snapshot": True},
        "parameters_hash": hash_parameters(storage_class()), **PROOF, **changes,
    }
    return storage_class(annotations=Verification(**given).annotation())


def look(objects: Iterable[Manifest], *classes: str, **options: Any) -> Answer:
    options.setdefault("groups", GROUPS)
    return check_storage(FakeCluster(objects, **options), CheckRequest(classes=classes), Recorder())


def shown(answer: Answer, output: str = "table") -> str:
    return render(answer.report, output=output, api_version="kubectl-rwx/v1")


def rows(answer: Answer) -> dict[str, Any]:
    return {str(item["name"]): item for item in answer.report.items}


def findings(answer: Answer) -> dict[str, Any]:
    section = next(section for section in answer.report.sections if section.key == "findings")
    return {str(item["code"]): item for item in section.items}


@pytest.mark.parametrize(("proved", "shown"), [({}, True), ({"expansion": True}, True), ({"expansion": False}, False)])
def test_growing_that_was_refuted_is_no_longer_told(proved: dict[str, bool], shown: bool) -> None:
    item = proven(result="failed", reason="expand: kept its size", proved={"rwx": True, "snapshot": True, **proved})
    item["allowVolumeExpansion"] = True
    others = [one for one in chain() if one["kind"] != "StorageClass"]
    row = rows(look([*others, item, snapshot_class()]))["one"]
    assert row["expansion"] is shown and row["verdict"] == "usable"
    assert ("its volumes do not grow in use, though it offers that (kubectl rwx verify, 2026-11-01)"
            in row["caveats"]) is not shown


@pytest.mark.parametrize(("objects", "verdict", "level", "code"), [
    pytest.param([proven(), snapshot_class(default=True)], "usable", "proven", 0, id="proven"),
    pytest.param([storage_class(), snapshot_class(default=True), shared_volume(), ready_content()],
                 "usable", "observed", 0, id="observed"),
    pytest.param([storage_class(driver=CEPHFS), snapshot_class(driver=CEPHFS, default=True), *chain(CEPHFS)],
                 "usable", "known", 0, id="known"),
    pytest.param([storage_class(), snapshot_class(default=True)], "unknown", "unknown", 3, id="stranger"),
    pytest.param([storage_class(), snapshot_class(default=True), shared_volume()], "unknown", "unknown", 3, id="half"),
    pytest.param([storage_class(), shared_volume()], "rejected", "no", 3, id="without snapshot class"),
    pytest.param([storage_class(driver="rancher.io/local-path")], "rejected", "no", 3, id="not CSI"),
    pytest.param([storage_class(driver="never.heard.of")], "rejected", "no", 3, id="registered nowhere"),
    pytest.param([proven(result="failed", proved={"snapshot": False}, reason="content differs"), snapshot_class()],
                 "rejected", "no", 3, id="proven bad"),
    pytest.param([proven(uid="another"), snapshot_class()], "unknown", "unknown", 3, id="stale proof"),
])
def test_verdict_and_exit_code(objects: list[Manifest], verdict: str, level: str, code: int) -> None:
    present = {(item["kind"], item["metadata"]["name"]) for item in objects}
    whole = [item for item in chain() if (item["kind"], item["metadata"]["name"]) not in present]
    answer = look([*whole, *objects])
    row = rows(answer)["one"]
    assert (row["verdict"], row["level"]) == (verdict, level)
    assert (answer.failure.exit_code if answer.failure else 0) == code
    assert row["reasons"] or verdict == "usable", "a rejection says why"
    assert row["next"]


def test_knowledge_is_never_told_as_a_plain_yes() -> None:
    text = shown(look([*chain(CEPHFS), storage_class(driver=CEPHFS), snapshot_class(driver=CEPHFS, default=True)]))
    assert "yes (not proven)   yes (not proven)" in text
    assert "one: usable (known, not proven)" in text


def test_the_best_class_comes_first_and_is_recommended_to_the_rejected() -> None:
    answer = look([
        *chain(), storage_class("bad", driver="rancher.io/local-path"), proven(), snapshot_class(default=True),
    ])
    assert list(rows(answer)) == ["one", "bad"]
    assert rows(answer)["bad"]["next"] == "use class one instead"
    assert answer.report.facts["best"] == "one"


def test_csi_driver_nfs_is_told_as_what_it_is() -> None:
    answer = look([*chain(NFS), storage_class(driver=NFS), snapshot_class(driver=NFS, default=True)])
    assert rows(answer)["one"]["pointInTime"] == "no"
    assert "not crash-consistent" in rows(answer)["one"]["caveats"][0]


def test_an_administrators_mark_says_more_than_the_catalogue() -> None:
    marked = snapshot_class(default=True, **{"kubectl-rwx.io/consistency": "fuzzy"})
    assert rows(look([*chain(), storage_class(), marked]))["one"]["pointInTime"] == "no"


def test_named_classes_limit_rows_findings_and_exit_code() -> None:
    objects = [
        *chain(DRIVER, "two.csi.test"), proven(), snapshot_class(default=True),
        storage_class("two", driver="two.csi.test"),
    ]
    answer = look(objects, "two")
    assert list(rows(answer)) == ["two"]
    assert isinstance(answer.failure, errors.NotReady)
    assert {item["subject"] for item in findings(answer).values()} == {"driver/two.csi.test"}
    assert look(objects, "one").failure is None


def test_a_class_that_is_not_there() -> None:
    with pytest.raises(errors.NotFound) as raised:
        look([*chain(), storage_class()], "ghost")
    assert raised.value.message == "there is no StorageClass ghost; there are: one"


def test_one_list_for_each_kind_and_no_pods() -> None:
    cluster = FakeCluster([*chain(), proven(), snapshot_class(default=True)], groups=GROUPS)
    check_storage(cluster, CheckRequest(), Recorder())
    lists = [request for request in cluster.requests if request.startswith("list ")]
    assert len(lists) == len(set(lists)) == 8
    assert "list pods" not in lists and "list volumesnapshots.snapshot.storage.k8s.io" not in lists


def test_an_opinion_of_cdi_makes_a_class_usable_at_best_as_known() -> None:
    """And it says nothing of snapshots: those of a provisioner that nobody knows stay to be proven or observed."""
    mine = storage_profile("ReadWriteMany Filesystem", clone_strategy="csi-clone")
    objects = [*chain(), storage_class(), snapshot_class(default=True), mine]
    one_node = shared_volume(modes=("ReadWriteOnce",))
    answer = look([*objects, one_node, ready_content()], groups=CDI)
    assert (rows(answer)["one"]["verdict"], answer.report.facts["level"]) == ("usable", "known")
    assert rows(answer)["one"]["storageProfile"] == {
        "lists": ["ReadWriteMany Filesystem"], "shared": True, "cloneStrategy": "csi-clone", "source": "CDI"}
    assert "yes (not proven)   yes (observed)   yes (not proven)" in shown(answer)
    alone = look(objects, groups=CDI)
    assert rows(alone)["one"]["verdict"] == "unknown" and isinstance(alone.failure, errors.NotReady)
    assert "RWX: CDI StorageProfile one lists ReadWriteMany Filesystem (from CDI's own table); the" in shown(alone)


def test_profiles_are_asked_for_only_where_they_are_served_and_may_be_forbidden() -> None:
    objects = [*chain(), proven(), snapshot_class(default=True), storage_profile("ReadWriteMany Filesystem")]
    asked = "list storageprofiles.cdi.kubevirt.io"
    for groups, wanted in ((GROUPS, False), ({**GROUPS, "cdi.kubevirt.io": ["v1alpha1"]}, False), (CDI, True)):
        cluster = FakeCluster(objects, groups=groups)
        answer = check_storage(cluster, CheckRequest(), Recorder())
        assert (asked in cluster.requests) is wanted
        assert bool(rows(answer)["one"]["storageProfile"]) is wanted and not findings(answer)
    refused = look(objects, groups=CDI, denied=[asked])
    assert refused.failure is None and findings(refused)["unseen"]["subject"] == asked
    assert rows(refused)["one"]["storageProfile"] is None


def test_snapshots_are_read_only_when_nothing_else_tells_of_the_controller() -> None:
    objects = [item for item in chain() if item["kind"] != "Lease"]
    cluster = FakeCluster([*objects, storage_class()], groups=GROUPS)
    check_storage(cluster, CheckRequest(), Recorder())
    assert "list volumesnapshots.snapshot.storage.k8s.io" in cluster.requests


@pytest.mark.parametrize("resource", [
    "persistentvolumes", "csidrivers.storage.k8s.io", "csinodes.storage.k8s.io", "deployments.apps",
    "leases.coordination.k8s.io", "volumesnapshotclasses.snapshot.storage.k8s.io",
    "volumesnapshotcontents.snapshot.storage.k8s.io",
])
def test_what_may_not_be_read_is_named_and_done_without(resource: str) -> None:
    answer = look([*chain(), proven(), snapshot_class(default=True)], denied=[f"list {resource}"])
    assert answer.failure is None, "the proof still stands"
    assert findings(answer)["unseen"]["subject"] == f"list {resource}"
    assert answer.report.facts["unseen"] == [{"request": f"list {resource}", "words": "forbidden"}]


def test_everything_but_one_class_forbidden() -> None:
    denied = [f"list {resource}" for resource in (
        "storageclasses.storage.k8s.io", "persistentvolumes", "csidrivers.storage.k8s.io", "csinodes.storage.k8s.io",
        "deployments.apps", "leases.coordination.k8s.io", "volumesnapshotclasses.snapshot.storage.k8s.io",
        "volumesnapshotcontents.snapshot.storage.k8s.io", "volumesnapshots.snapshot.storage.k8s.io",
    )] + ["get customresourcedefinitions.apiextensions.k8s.io"]
    objects = [*chain(), storage_class(driver=CEPHFS)]
    answer = look(objects, "one", denied=denied)
    assert rows(answer)["one"]["level"] == "known"
    assert len(answer.report.facts["unseen"]) == len(denied)
    blind = look(objects, denied=denied)
    assert isinstance(blind.failure, errors.Forbidden) and blind.failure.exit_code == 5


def test_a_stopped_controller_rejects_every_class() -> None:
    objects = [item for item in chain() if item["kind"] != "Lease"]
    answer = look([*objects, lease(seconds_ago=9000), deployment(ready=0), proven(), snapshot_class(default=True)])
    assert rows(answer)["one"]["verdict"] == "rejected"
    assert findings(answer)["controller-stopped"]["severity"] == "fail"


@pytest.mark.parametrize(("versions", "code"), [([], "snapshot-api-absent"), (["v1beta1"], "snapshot-api-old")])
def test_without_the_snapshot_api(versions: list[str], code: str) -> None:
    answer = look([*chain(), proven()], groups={"snapshot.storage.k8s.io": versions} if versions else {})
    assert rows(answer)["one"]["snapshot"]["level"] == "no"
    assert code in findings(answer)
    assert isinstance(answer.failure, errors.NotReady)


def test_the_table_has_every_part() -> None:
    text = shown(look([*chain(), proven(), snapshot_class(default=True)]))
    assert text.startswith("CLASS   PROVISIONER    RWX                       SNAPSHOT                  CLONE")
    assert "one     one.csi.test   yes (proven 2026-11-01)   yes (proven 2026-11-01)   unknown" in text
    for title in ("\nWHY\n", "\nCHAIN\n", "\nSNAPSHOT CLASSES\n"):
        assert title in text
    assert "FINDINGS" not in text, "nothing is wrong"


def test_names_are_those_of_classes() -> None:
    answer = look([*chain(), proven(), snapshot_class(default=True)])
    assert shown(answer, "name") == "storageclass.storage.k8s.io/one\n"


@pytest.mark.parametrize("objects", [
    pytest.param([*chain(), proven(), snapshot_class(default=True)], id="whole"),
    pytest.param([storage_class(driver=NFS), snapshot_class(driver="gone.csi.test")], id="broken"),
    pytest.param([csi_driver(), csi_node("node-a")], id="without classes"),
    pytest.param([], id="empty"),
    pytest.param([*chain(), storage_class(), storage_profile("ReadWriteMany Block", by_spec=True)], id="profile"),
])
def test_json_keeps_to_its_schema(objects: list[Manifest]) -> None:
    document = json.loads(shown(look(objects, groups=CDI), "json"))
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
