from __future__ import annotations

import pytest

from fakes.progress import Recorder
from fakes.workloads import NAMESPACE, workload
from oc_gsb.access.manifest_files import parse_workloads
from oc_gsb.access.plan_reports import plan
from oc_gsb.access.plans import EXAMPLE_IDS
from oc_gsb.access.requests import PlanRequest, Reach
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.template import add_sidecar
from plugin_core import errors
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.refs import Target
from plugin_core.names import REQUIRED_SCC
from plugin_core.render.reports import render
from unit.oc_gsb.access.openshift import (
    account_named,
    account_subject,
    by_oc,
    made_by_hand,
    make_openshift,
    running,
)
from unit.oc_gsb.sidecar.world import COPY, NAMESPACE_MANIFEST

WEB = Selection((Target(DEPLOYMENT, "web"),))


def ask(cluster, reach=Reach(), selection=WEB, manifests=()):
    return plan(cluster, PlanRequest(selection, tuple(manifests), reach), progress=Recorder())


def item(*args, **options):
    answer = ask(*args, **options)
    return answer.report.items[0]


def test_before_anything_exists():
    found = item(make_openshift(*running(workload())))
    assert (found["sccNow"], found["sccPredicted"], found["sccWithSidecar"]) == ("restricted-v2", "restricted-v2", COPY)
    assert found["copy"]["exists"] is False and found["copy"]["base"] == "restricted-v2"
    assert found["grants"] == [{"kind": "ServiceAccount", "name": "default", "namespace": NAMESPACE}]
    assert (found["problems"], found["changedPods"], found["podsLookedAt"]) == ([], [], 1)


def test_why_in_the_order_openshift_tries_them():
    order = {one["scc"]: one for one in item(make_openshift(*running(workload())))["order"]}
    assert list(order)[0] == "anyuid" and list(order)[-1] == COPY
    assert order["anyuid"]["verdict"] == "not usable"
    assert order["restricted-v2"]["verdict"] == "too restrictive"
    assert order["restricted-v2"]["reasons"] == [
        "containers[1].capabilities.add: CHOWN, DAC_OVERRIDE, FOWNER: capability may not be added"]
    assert order[COPY]["verdict"] == "chosen" and "service account default" in order[COPY]["reasons"][0]


def test_the_diff_adds_the_capabilities_and_our_marks_only():
    diff = item(make_openshift(*running(workload())))["copy"]["diff"]
    added = [line[1:] for line in diff if line.startswith("+") and not line.startswith("+++")]
    assert added == ["  name: restricted-v2-gsb", "  labels:", "    app.kubernetes.io/managed-by: oc-gsb",
                     "  annotations:", "    oc-gsb.io/base: restricted-v2", "- CHOWN", "- DAC_OVERRIDE", "- FOWNER"]
    assert [line for line in diff if line.startswith("-") and not line.startswith("---")] == ["-  name: restricted-v2"]


def test_a_handmade_anyuid_copy_granted_to_the_group_captures_other_accounts():
    """Its priority of 10 puts it before restricted-v2 for every account of the namespace (facts 6.1)."""
    cluster = make_openshift(
        *running(account_named("root"), scc="anyuid"), *running(account_named("default", "bystander")),
        made_by_hand("anyuid"), by_oc("anyuid", account_subject("root"), namespace=NAMESPACE),
    )
    answer = ask(cluster, Reach(group=True))
    changed = answer.report.items[0]["changedPods"]
    assert [(one["pod"], one["sccBefore"], one["sccAfter"]) for one in changed] == [
        ("bystander-1", "restricted-v2", "anyuid-gsb")]
    assert "app runAsUser 1000680000 → unset (the image's)" in changed[0]["changes"]
    assert isinstance(answer.failure, errors.NotReady) and "pod/bystander-1" in answer.failure.message
    shown = render(answer.report, output="table", api_version="x")
    assert "pod/bystander-1 (service account default): restricted-v2 → anyuid-gsb" in shown


def test_our_own_anyuid_copy_has_no_priority_and_captures_nobody():
    cluster = make_openshift(
        *running(account_named("root"), scc="anyuid"), *running(account_named("default", "bystander")),
        by_oc("anyuid", account_subject("root"), namespace=NAMESPACE),
    )
    found = item(cluster, Reach(group=True))
    assert found["copy"]["priority"] is None
    assert (found["sccWithSidecar"], found["changedPods"], found["podsLookedAt"]) == ("anyuid-gsb", [], 2)


def test_a_copy_with_a_fixed_user_captures_others_without_any_priority():
    """MustRunAs scores less than MustRunAsRange, so it sorts before restricted-v2 (facts 6.1)."""
    fixed = made_by_hand("restricted-v2", metadata={"name": "restricted-v2-gsb"},
                         runAsUser={"type": "MustRunAs", "uid": 1234})
    cluster = make_openshift(*running(workload()), fixed)
    found = item(cluster)
    assert found["changedPods"][0]["sccAfter"] == COPY
    assert "app runAsUser 1000680000 → 1234" in found["changedPods"][0]["changes"]


def test_an_account_the_grant_does_not_reach_is_a_problem():
    found = item(make_openshift(*running(account_named("web"))), Reach(accounts=("other",)))
    assert "does not reach service account web" in found["problems"][0]


def test_default_comes_along_when_asked_for():
    found = item(make_openshift(*running(account_named("web"))), Reach(with_default=True))
    assert [one["name"] for one in found["grants"]] == ["web", "default"]


@pytest.mark.parametrize("reach, words", [
    (Reach(group=True), "ignores its -n and makes a ClusterRoleBinding"),
    (Reach(group=True, everywhere=True), "in ANY namespace of the cluster"),
])
def test_wide_grants_say_what_they_mean(reach, words):
    shown = render(ask(make_openshift(*running(workload())), reach).report, output="table", api_version="x")
    assert words in shown


def test_pod_security_that_refuses_the_capabilities():
    labelled = {**NAMESPACE_MANIFEST, "metadata": {**NAMESPACE_MANIFEST["metadata"], "labels": {
        "pod-security.kubernetes.io/enforce": "restricted"}}}
    found = item(make_openshift(*running(workload()), namespace=labelled))
    assert "enforces the Pod Security level restricted" in found["problems"][0]
    assert found["podSecurity"]["enforce"] == "restricted"


def test_the_servers_review_that_agrees():
    cluster = make_openshift(*running(workload()), reviews=["restricted-v2", ""])
    reviews = item(cluster)["reviews"]
    assert [one["verdict"] for one in reviews] == ["agrees", "agrees"]
    assert (reviews[0]["server"], reviews[1]["server"]) == ("restricted-v2", None)


def test_the_servers_review_that_differs_is_shown():
    cluster = make_openshift(*running(workload()), reviews=["nonroot", ""])
    answer = ask(cluster)
    assert answer.report.items[0]["reviews"][0]["verdict"] == "differs"
    assert "says nonroot, the prediction restricted-v2" in render(answer.report, output="table", api_version="x")


def test_the_review_ignores_required_scc_so_it_is_not_compared():
    made = workload(pod_annotations={REQUIRED_SCC: "restricted-v2"})
    found = item(make_openshift(*running(made), reviews=["restricted-v2", "restricted-v2"]))
    assert [one["verdict"] for one in found["reviews"]] == ["not compared", "not compared"]
    assert found["pinned"] is True and found["sccWithSidecar"] == COPY


def test_no_review_where_it_is_not_served():
    assert [one["verdict"] for one in item(make_openshift(*running(workload())))["reviews"]] == ["not served"] * 2


def test_an_injected_workload_is_planned_as_it_was_before():
    made = add_sidecar(workload(), options=SidecarOptions(image="tools:1"), scc=COPY)
    found = item(make_openshift(*running(made, scc=COPY), made_by_hand("restricted-v2"),
                                by_oc(COPY, account_subject(), namespace=NAMESPACE)))
    assert (found["sccNow"], found["sccPredicted"], found["sccWithSidecar"]) == (COPY, "restricted-v2", COPY)
    assert (found["granted"], found["problems"]) == (True, [])


def test_no_openshift():
    from fakes.cluster import FakeCluster

    with pytest.raises(errors.NotReady, match="has no SecurityContextConstraints"):
        ask(FakeCluster([NAMESPACE_MANIFEST]))


POD_FILE = """
apiVersion: v1
kind: Pod
metadata: {name: lone}
spec:
  containers: [{name: app, image: x}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ignored}
"""


def test_a_pod_that_does_not_exist_yet():
    manifests = parse_workloads(POD_FILE, source="pod.yaml", namespace=NAMESPACE)
    answer = ask(make_openshift(), selection=None, manifests=manifests)
    found = answer.report.items[0]
    assert (found["target"], found["sccNow"], found["sccPredicted"], found["sccWithSidecar"]) == (
        "pod/lone", None, "restricted-v2", COPY)
    assert answer.failure is None
    assert "restricted-v2 (predicted)" in render(answer.report, output="table", api_version="x")


@pytest.mark.parametrize("text, words", [
    ("a: [", "is no YAML"),
    ("kind: Service", "holds no pod and no workload"),
    ("{kind: Pod, metadata: {name: x}}", "has no spec"),
    ("{kind: Pod, metadata: {name: x}, spec: {}}", "has no containers"),
    ("{kind: Deployment, metadata: {name: x}, spec: {}}", "has no containers"),
    ("{kind: Pod, metadata: [1], spec: {containers: [{name: a}]}}", "metadata that is no object"),
    ("{kind: Pod, spec: {containers: [1]}}", "has no containers with a name"),
    ("{kind: Pod, spec: {containers: [{name: a}], volumes: {a: b}}}", "has no containers with a name"),
    (b"\xff\xfe\x00", "is no YAML"),
    ("{kind: [], a: b}", "holds no pod and no workload"),
    ("{kind: Pod, metadata: {name: x, namespace: other}, spec: {containers: [{name: a}]}}", "is of namespace other"),
])
def test_files_that_cannot_be_meant(text, words):
    with pytest.raises(errors.UsageError, match=words):
        parse_workloads(text, source="f.yaml", namespace=NAMESPACE)


def test_not_even_the_namespace_exists():
    cluster = make_openshift()
    del cluster.objects["namespaces", "", NAMESPACE]
    progress = Recorder()
    manifests = parse_workloads(POD_FILE, source="pod.yaml", namespace=NAMESPACE)
    answer = plan(cluster, PlanRequest(manifests=tuple(manifests)), progress=progress)
    assert answer.failure is None and answer.report.items[0]["sccWithSidecar"] == COPY
    assert progress.warnings == ["namespace app does not exist yet: user ids and groups are examples"]


def test_a_namespace_that_happens_to_have_the_example_ids_exists():
    cluster = make_openshift()
    cluster.objects["namespaces", "", NAMESPACE]["metadata"]["annotations"] = dict(EXAMPLE_IDS)
    progress = Recorder()
    manifests = parse_workloads(POD_FILE, source="pod.yaml", namespace=NAMESPACE)
    plan(cluster, PlanRequest(manifests=tuple(manifests)), progress=progress)
    assert progress.warnings == []


def test_lists_are_unfolded():
    text = "{kind: List, items: [{kind: Pod, metadata: {name: a}, spec: {containers: [{name: a}]}}, {kind: Job}]}"
    with pytest.raises(errors.UsageError, match="job/ in f.yaml has no spec"):
        parse_workloads(text, source="f.yaml", namespace=NAMESPACE)


@pytest.mark.parametrize("make, words", [
    (lambda: Reach(group=True, with_default=True), "reaches every service account"),
    (lambda: Reach(everywhere=True), "goes with --group only"),
    (lambda: PlanRequest(), "name workloads or give a file"),
    (lambda: PlanRequest(WEB, ({},)), "name workloads or give a file"),
])
def test_requests_that_cannot_be_meant(make, words):
    with pytest.raises(errors.UsageError, match=words):
        make()
