from __future__ import annotations

import copy

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import timestamp
from fakes.workloads import NAMESPACE, claim_volume, container, rolled_out, workload
from oc_gsb.inventory.backups import newest_backups
from oc_gsb.inventory.sidecar_states import SidecarState, state_of
from oc_gsb.inventory.status import StatusRequest, status
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.template import add_sidecar, hold_at_zero, hold_removal
from plugin_core import errors
from plugin_core.model.kinds import BACKUP_ACTION
from plugin_core.names import FORCE_GENERIC_BACKUP, INJECTION_RECORD, POD_SCC
from plugin_core.render.reports import render
from unit.oc_gsb.sidecar.world import K10_CONFIG, SCCS

ACTIONS = "actions.kio.kasten.io"


def injected(name="web", image="tools:1", **options):
    return add_sidecar(workload(name=name, **options), options=SidecarOptions(image=image), scc="privileged")


def make(*workloads, scc="privileged", served=("security.openshift.io",), objects=(), **options):
    cluster = FakeCluster([K10_CONFIG, *SCCS.values(), *objects], groups={group: ["v1"] for group in served},
                          **options)
    for made in workloads:
        rolled_out(cluster, made, admit=lambda pod: pod["metadata"]["annotations"].update({POD_SCC: scc}))
    return cluster


def look(cluster, **request):
    return status(cluster, StatusRequest(**request), progress=Recorder())


def findings(*args, **options):
    answer = look(*args, **options)
    return [one["check"] for one in answer.report.items[0]["findings"]]


def test_all_is_well():
    answer = look(make(injected()))
    (item,) = answer.report.items
    assert answer.failure is None
    assert (item["state"], item["sidecar"], item["image"]) == ("ok", "injected", "tools:1")
    assert item["sccs"] == ["privileged"]
    assert (item["ready"], item["replicas"], item["lastBackup"]) == (2, 2, None)


def changed(edit):
    made = copy.deepcopy(injected())
    edit(made)
    return made


def sidecar(made):
    return made["spec"]["template"]["spec"]["containers"][1]


@pytest.mark.parametrize("edit, check", [
    (lambda made: sidecar(made).update(image="tools:0"), "image"),
    (lambda made: sidecar(made)["securityContext"]["capabilities"]["add"].remove("CHOWN"), "capabilities"),
    (lambda made: made["metadata"]["annotations"].pop(FORCE_GENERIC_BACKUP), "annotation"),
    (lambda made: made["metadata"]["annotations"].update({FORCE_GENERIC_BACKUP: "false"}), "annotation"),
    (lambda made: sidecar(made)["volumeMounts"].pop(), "claims"),
    (lambda made: made["metadata"]["annotations"].update({INJECTION_RECORD: "x"}), "record"),
    (lambda made: made["spec"]["template"]["spec"]["containers"].pop(), "record"),
])
def test_each_drift(edit, check):
    answer = look(make(changed(edit)))
    assert [one["check"] for one in answer.report.items[0]["findings"]] == [check]
    assert isinstance(answer.failure, errors.NotReady)
    assert "drifted: app/deployment/web (1 of 1 workloads)" == answer.failure.message


def test_an_scc_that_lost_the_capabilities():
    assert findings(make(injected(), scc="restricted-v2")) == ["scc"]


def test_an_scc_that_is_gone():
    assert findings(make(injected(), scc="gone-gsb")) == ["scc"]


def test_no_sccs_no_question():
    assert findings(make(injected(), scc="", served=())) == []


def test_pods_that_are_not_ready():
    assert findings(make(injected(image="broken"), scc=""), image="broken") == ["pods"]


def test_marked_without_a_sidecar():
    assert findings(make(workload(annotations={FORCE_GENERIC_BACKUP: "true"}))) == ["sidecar"]


def test_another_image_than_kastens():
    assert findings(make(injected()), image="tools:2") == ["image"]


def test_kastens_own_namespace_and_plain_workloads_are_left_out():
    answer = look(make(injected(), workload(name="plain")), k10_namespace=NAMESPACE)
    assert answer.report.items == () and answer.failure is None


def test_an_unknown_image_is_said_and_is_no_drift():
    cluster = make(injected(), denied=["get configmaps"])
    answer = look(cluster)
    assert answer.failure is None and "whether images are Kasten's" in answer.report.notes[0]


def action(state="Complete", ended=None, namespace=NAMESPACE):
    return {"metadata": {"namespace": namespace}, "spec": {"subject": {"namespace": namespace}},
            "status": {"state": state, "endTime": ended or timestamp(seconds_ago=7200)}}


def test_newest_complete_backups():
    assert newest_backups([action(ended="2026-01-01T00:00:00Z"), action(ended="2026-01-02T00:00:00Z"),
                           action("Failed", "2026-01-03T00:00:00Z"),
                           action(ended="2026-01-01T00:00:00Z", namespace="b"), {"status": {"state": "Running"}}]) == {
        NAMESPACE: "2026-01-02T00:00:00Z", "b": "2026-01-01T00:00:00Z"}


def backed_up(*actions, **options):
    cluster = make(injected(), served=("security.openshift.io", ACTIONS), **options)
    for number, one in enumerate(actions):
        cluster.objects[BACKUP_ACTION.resource, NAMESPACE, f"b{number}"] = one
    return cluster


def test_the_last_backup():
    answer = look(backed_up(action()))
    assert answer.report.items[0]["lastBackup"] and answer.failure is None
    assert "2h ago" in render(answer.report, output="table", api_version="x")


@pytest.mark.parametrize("actions, age, drift", [
    ([action()], 3600.0, ["backup"]), ([action()], 86400.0, []), ([], 3600.0, ["backup"]), ([], 0.0, [])])
def test_a_backup_that_is_too_old(actions, age, drift):
    assert findings(backed_up(*actions), oldest_backup=age) == drift


def test_an_actions_api_that_is_down_is_not_never():
    cluster = backed_up(denied=["list backupactions.actions.kio.kasten.io"])
    answer = look(cluster, oldest_backup=60.0)
    assert answer.failure is None and "last backups" in answer.report.notes[0]


def test_interrupted_runs():
    made = injected()
    record = read_record(made)
    assert state_of(hold_at_zero(made, record)) is SidecarState.HELD
    assert state_of(hold_removal(made, record)) is SidecarState.REMOVING
    (item,) = look(make(hold_at_zero(made, record))).report.items
    assert item["findings"][0]["fix"] == "oc gsb inject deployment/web -n app"


def test_a_sidecar_of_another_tool():
    made = injected()
    del made["metadata"]["annotations"][INJECTION_RECORD]
    assert state_of(made) is SidecarState.FOREIGN
    assert findings(make(made)) == []
    (item,) = look(make(made), image="tools:2").report.items
    assert item["findings"][0]["fix"] == "oc gsb inject deployment/web -n app, which takes it over"
    made["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "shop"}
    (item,) = look(make(made), image="tools:2").report.items
    assert item["findings"][0]["fix"] == (
        "where Flux Kustomization shop takes it from, by: oc gsb render deployment/web -n app --only patch")


def test_a_volume_added_after_the_injection():
    made = injected()
    spec = made["spec"]["template"]["spec"]
    spec["volumes"].append(claim_volume("more"))
    spec["containers"][0] = container(mounts={"data": "/data", "more": "/more"})
    answer = look(make(made))
    assert answer.report.items[0]["findings"][0]["message"] == "volume more is not mounted in the sidecar"


@pytest.mark.parametrize("count", [1, 300])
def test_a_fixed_number_of_requests(count):
    cluster = make(served=("security.openshift.io", "apps.openshift.io", ACTIONS),
                   objects=[injected(f"web{number}") for number in range(count)])
    assert len(look(cluster, everywhere=True).report.items) == count
    assert sorted(cluster.requests) == [
        "get configmaps", "list backupactions.actions.kio.kasten.io", "list deploymentconfigs.apps.openshift.io",
        "list deployments.apps", "list pods", "list replicasets.apps", "list replicationcontrollers",
        "list securitycontextconstraints.security.openshift.io", "list statefulsets.apps"]
