from __future__ import annotations

import pytest

from fakes.progress import Recorder
from fakes.workloads import NAMESPACE, pod, workload
from oc_gsb.access.copies import create, delete
from oc_gsb.access.granting import grant
from oc_gsb.access.requests import CopyRequest, DeleteRequest, GrantRequest, Reach
from oc_gsb.access.revoking import revoke
from oc_gsb.sidecar.selection import Selection
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.refs import Target
from unit.oc_gsb.access.openshift import (
    BINDINGS,
    CLUSTER_BINDINGS,
    COPIES,
    GROUP,
    account_named,
    account_subject,
    by_oc,
    made_by_hand,
    make_openshift,
    running,
)
from unit.oc_gsb.sidecar.world import COPY, NAMESPACE_MANIFEST, names_of

WEB = Selection((Target(DEPLOYMENT, "web"),))


def results(answer):
    return [(item["kind"], item["result"]) for item in answer.report.items]


def call(operation, cluster, request):
    return operation(cluster, request, progress=Recorder())


def test_create_once():
    cluster = make_openshift(*running(workload()))
    assert results(call(create, cluster, CopyRequest(WEB))) == [("SecurityContextConstraints", "created")]
    made = cluster.objects[COPIES, "", COPY]
    assert made["priority"] is None and made["users"] == made["groups"] == []
    again = call(create, cluster, CopyRequest(WEB))
    assert results(again) == [("SecurityContextConstraints", "unchanged")] and again.failure is None
    assert [words for words in cluster.requests if words.startswith("create")] == [f"create {COPIES}"]


@pytest.mark.parametrize("dry_run", [DryRun.CLIENT, DryRun.SERVER])
def test_create_under_dry_run(dry_run):
    cluster = make_openshift(dry_run=dry_run)
    assert results(call(create, cluster, CopyRequest(bases=("nonroot-v2",))))[0][1] == "created"
    assert "nonroot-v2-gsb" not in names_of(cluster, COPIES)


def test_no_copy_of_what_allows_the_capabilities_itself():
    answer = call(create, make_openshift(), CopyRequest(bases=("privileged",)))
    assert results(answer) == [("SecurityContextConstraints", "unchanged")]
    assert "no copy is needed" in answer.report.items[0]["message"]


def test_a_copy_that_is_there_but_differs_is_told():
    cluster = make_openshift(made_by_hand("restricted-v2", volumes=["emptyDir", "secret"]))
    message = call(create, cluster, CopyRequest(bases=("restricted-v2",))).report.items[0]["message"]
    assert message.startswith("differs from a fresh copy in volumes")


def test_a_copy_that_lacks_the_capabilities_is_refused():
    cluster = make_openshift(made_by_hand("restricted-v2", allowedCapabilities=None))
    answer = call(create, cluster, CopyRequest(bases=("restricted-v2",)))
    assert results(answer)[0][1] == "refused" and "does not allow CHOWN" in answer.failure.message


def test_an_unknown_base():
    with pytest.raises(errors.NotFound, match="there is no SCC nope"):
        call(create, make_openshift(), CopyRequest(bases=("nope",)))


def granted(*objects, **options):
    return make_openshift(made_by_hand("restricted-v2"), *objects, **options)


def test_grant_once_to_the_workloads_own_account():
    cluster = granted(*running(account_named("web")))
    assert results(call(grant, cluster, GrantRequest(WEB))) == [("ClusterRole", "created"), ("RoleBinding", "created")]
    subjects = cluster.objects[BINDINGS, NAMESPACE, f"oc-gsb:{COPY}:web"]["subjects"]
    assert subjects == [account_subject("web")]
    assert {result for _, result in results(call(grant, cluster, GrantRequest(WEB)))} == {"unchanged"}


def test_grant_with_default_says_why():
    cluster = granted(*running(account_named("web")))
    answer = call(grant, cluster, GrantRequest(WEB, reach=Reach(with_default=True)))
    assert [item["name"] for item in answer.report.items] == [
        f"system:openshift:scc:{COPY}", f"oc-gsb:{COPY}:web", f"oc-gsb:{COPY}:default"]
    assert "Kasten's restore pods" in answer.report.notes[0]


@pytest.mark.parametrize("everywhere, resource, words", [
    (False, BINDINGS, "It stays inside the namespace"), (True, CLUSTER_BINDINGS, "in ANY namespace of the cluster")])
def test_grant_to_the_group(everywhere, resource, words):
    cluster = granted(*running(workload()))
    answer = call(grant, cluster, GrantRequest(WEB, reach=Reach(group=True, everywhere=everywhere)))
    assert names_of(cluster, resource) == [f"oc-gsb:{COPY}:system:serviceaccounts:{NAMESPACE}"]
    assert words in answer.report.notes[0]


def test_a_binding_of_others_is_enough():
    cluster = granted(*running(account_named("web")), by_oc(COPY, account_subject("web"), namespace=NAMESPACE))
    answer = call(grant, cluster, GrantRequest(scc=COPY, reach=Reach(accounts=("web",))))
    assert results(answer)[1] == ("RoleBinding", "unchanged")
    assert answer.report.items[1]["message"].startswith("made by others")


def test_grant_refuses_what_would_move_other_pods():
    cluster = make_openshift(*running(account_named("default", "bystander")), made_by_hand("anyuid"))
    request = GrantRequest(scc="anyuid-gsb", reach=Reach(group=True))
    answer = call(grant, cluster, request)
    assert results(answer) == [("SecurityContextConstraints", "refused")]
    assert "pod/bystander-1" in answer.failure.message and names_of(cluster, BINDINGS) == []
    forced = call(grant, cluster, GrantRequest(scc="anyuid-gsb", reach=Reach(group=True), force=True))
    assert forced.failure is None and names_of(cluster, BINDINGS)


@pytest.mark.parametrize("scc, words", [("absent-gsb", "there is no such SCC"), ("nonroot", "does not allow CHOWN")])
def test_grant_of_what_helps_nobody(scc, words):
    answer = call(grant, make_openshift(), GrantRequest(scc=scc, reach=Reach(accounts=("web",))))
    assert words in answer.failure.message


def test_grant_under_dry_run():
    cluster = granted(*running(workload()), dry_run=DryRun.SERVER)
    assert results(call(grant, cluster, GrantRequest(WEB)))[1] == ("RoleBinding", "created")
    assert names_of(cluster, BINDINGS) == []


def test_forbidden_names_who_can_help():
    cluster = granted(*running(workload()), denied=["create clusterroles.rbac.authorization.k8s.io"])
    with pytest.raises(errors.Forbidden) as raised:
        call(grant, cluster, GrantRequest(WEB))
    assert "cluster administrator" in raised.value.hint


def synced(level):
    fields = {"f:metadata": {"f:labels": {"f:pod-security.kubernetes.io/enforce": {}}}}
    return {**NAMESPACE_MANIFEST, "metadata": {
        **NAMESPACE_MANIFEST["metadata"], "labels": {"pod-security.kubernetes.io/enforce": level},
        "managedFields": [{"manager": "pod-security-admission-label-synchronization-controller", "fieldsV1": fields}]}}


def test_openshift_raising_the_label_is_waited_for():
    def raise_label(cluster):
        cluster.put(synced("baseline"))

    cluster = granted(*running(workload()), namespace=synced("restricted"), script=[raise_label])
    answer = call(grant, cluster, GrantRequest(WEB))
    assert answer.report.notes == () and "watch namespaces" in cluster.requests


def test_a_label_that_is_never_raised_is_warned_of():
    cluster = granted(*running(workload()), namespace=synced("restricted"), script=[])
    answer = call(grant, cluster, GrantRequest(WEB, timeout=0.0))
    assert answer.failure is None and "refused until OpenShift raises it" in " ".join(answer.report.notes)


@pytest.mark.parametrize("binding, resource", [
    (by_oc(COPY, account_subject(), namespace=NAMESPACE), BINDINGS), (by_oc(COPY, account_subject()), CLUSTER_BINDINGS),
    (by_oc(COPY, {"kind": "User", "name": f"system:serviceaccount:{NAMESPACE}:default"}), CLUSTER_BINDINGS)])
def test_revoke_finds_what_oc_adm_policy_made(binding, resource):
    cluster = granted(workload(), binding)
    answer = call(revoke, cluster, GrantRequest(scc=COPY, reach=Reach(accounts=("default",))))
    assert results(answer) == [(binding["kind"], "deleted")]
    assert names_of(cluster, resource) == []
    again = call(revoke, cluster, GrantRequest(scc=COPY, reach=Reach(accounts=("default",))))
    assert results(again) == [("SecurityContextConstraints", "unchanged")]


def test_the_documents_group_grant_is_revoked_as_a_group():
    cluster = granted(workload(), by_oc(COPY, GROUP))
    one = call(revoke, cluster, GrantRequest(WEB))
    assert results(one)[0][1] == "unchanged" and "--group" in one.report.notes[0]
    assert results(call(revoke, cluster, GrantRequest(scc=COPY, reach=Reach(group=True)))) == [
        ("ClusterRoleBinding", "deleted")]


def test_other_subjects_of_a_shared_binding_keep_it():
    shared = by_oc(COPY, account_subject(), namespace=NAMESPACE)
    shared["subjects"] = [account_subject(), account_subject("other")]
    cluster = granted(workload(), shared)
    answer = call(revoke, cluster, GrantRequest(scc=COPY, reach=Reach(accounts=("default",))))
    assert results(answer) == [("RoleBinding", "changed")]
    assert cluster.objects[BINDINGS, NAMESPACE, shared["metadata"]["name"]]["subjects"] == [account_subject("other")]


def test_revoke_is_refused_while_a_pod_needs_it():
    made = workload()
    user = pod("web-1", made, made["spec"]["template"], scc=COPY)
    cluster = granted(made, user, by_oc(COPY, account_subject(), namespace=NAMESPACE))
    request = GrantRequest(scc=COPY, reach=Reach(accounts=("default",)))
    answer = call(revoke, cluster, request)
    assert "pod/web-1 needs it through service account default" in answer.failure.message
    cluster.put(by_oc(COPY, GROUP))
    assert results(call(revoke, cluster, request)) == [("RoleBinding", "deleted")], "the group's grant is enough for it"


def test_delete_only_when_unused_and_ours():
    cluster = granted(*running(workload()))
    call(grant, cluster, GrantRequest(WEB))
    foreign = call(delete, cluster, DeleteRequest((COPY,)))
    assert "was not made by oc-gsb" in foreign.failure.message
    cluster.objects[COPIES, "", COPY]["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "oc-gsb"}
    used = call(delete, cluster, DeleteRequest((COPY,)))
    assert f"rolebinding oc-gsb:{COPY}:default in namespace {NAMESPACE} grants it" in used.failure.message
    call(revoke, cluster, GrantRequest(WEB))
    assert results(call(delete, cluster, DeleteRequest((COPY,)))) == [
        ("SecurityContextConstraints", "deleted"), ("ClusterRole", "deleted")]
    assert results(call(delete, cluster, DeleteRequest((COPY,)))) == [("SecurityContextConstraints", "unchanged")]


@pytest.mark.parametrize("make, words", [
    (lambda: CopyRequest(), "name workloads, or SCCs to copy"),
    (lambda: GrantRequest(), "name workloads, or an SCC"),
    (lambda: GrantRequest(scc="x"), "whom SCC x is for is not said"),
    (lambda: DeleteRequest(()), "name the SCC copies"),
])
def test_requests_that_cannot_be_meant(make, words):
    with pytest.raises(errors.UsageError, match=words):
        make()
