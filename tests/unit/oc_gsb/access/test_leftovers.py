from __future__ import annotations

from datetime import datetime, timedelta, timezone

from fakes.progress import Recorder
from fakes.workloads import NAMESPACE, workload
from oc_gsb.access.bindings import binding_for, group_grant
from oc_gsb.access.leftovers import CleanupRequest, clean_up
from oc_gsb.access.plans import fresh_copy
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.grants import Grant, binding_manifest, role_manifest
from oc_gsb.sidecar.images import begin_upgrade
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.template import add_sidecar, hold_at_zero
from plugin_core.kube.cluster import DryRun
from unit.oc_gsb.access.openshift import BINDINGS, COPIES, make_openshift
from unit.oc_gsb.sidecar.world import COPY, SCCS, names_of

GRANT = Grant(scc=COPY, namespace=NAMESPACE, account="default")
LEFT = [fresh_copy(SCCS["restricted-v2"]), role_manifest(GRANT), binding_manifest(GRANT)]


def clean(cluster, *, older_than=0.0, **request):
    return clean_up(cluster, CleanupRequest(older_than=older_than, **request), progress=Recorder())


def results(answer):
    return [(item["kind"], item["result"]) for item in answer.report.items]


def test_shown_first_deleted_with_yes():
    cluster = make_openshift(*LEFT)
    answer = clean(cluster)
    assert results(answer) == [("RoleBinding", "to be deleted"), ("SecurityContextConstraints", "to be deleted"),
                               ("ClusterRole", "to be deleted")]
    assert "add --yes to delete 3 objects" in answer.report.notes[0]
    assert results(clean(cluster, confirmed=True)) == [
        ("RoleBinding", "deleted"), ("SecurityContextConstraints", "deleted"), ("ClusterRole", "deleted")]
    assert results(clean(cluster, everywhere=True)) == []
    assert names_of(cluster, BINDINGS) == [] and COPY not in names_of(cluster, COPIES)


def test_dry_run_deletes_nothing():
    cluster = make_openshift(*LEFT, dry_run=DryRun.SERVER)
    assert results(clean(cluster, confirmed=True)) == [
        ("RoleBinding", "deleted"), ("SecurityContextConstraints", "deleted"), ("ClusterRole", "deleted")]
    assert names_of(cluster, BINDINGS) and COPY in names_of(cluster, COPIES)


def kept_in_git(manifest):
    metadata = {**manifest["metadata"], "annotations": {"argocd.argoproj.io/tracking-id": "shop:x"}}
    return {**manifest, "metadata": metadata}


def test_what_is_kept_in_git_is_left_there():
    cluster = make_openshift(*map(kept_in_git, LEFT))
    (binding,) = clean(cluster, confirmed=True).report.items
    # the copy is in use as long as the binding stays
    assert (binding["kind"], binding["result"]) == ("RoleBinding", "unchanged")
    assert "left alone: Argo CD application shop keeps it" in binding["message"]
    cluster = make_openshift(*map(kept_in_git, LEFT[:2]))
    assert results(clean(cluster, confirmed=True, everywhere=True)) == [("SecurityContextConstraints", "unchanged")]
    assert COPY in names_of(cluster, COPIES)


def created(manifest, *, minutes_ago):
    made = datetime.now(timezone.utc) - timedelta(minutes=minutes_ago)
    stamp = made.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**manifest, "metadata": {**manifest["metadata"], "creationTimestamp": stamp}}


def test_what_is_young_may_be_about_to_be_used():
    cluster = make_openshift(*(created(one, minutes_ago=9) for one in LEFT))
    (binding,) = clean(cluster, confirmed=True, older_than=600).report.items
    assert (binding["kind"], binding["result"]) == ("RoleBinding", "unchanged")
    assert binding["message"].startswith("unused, and left alone: younger than 10m")
    cluster = make_openshift(*(created(one, minutes_ago=11) for one in LEFT))
    assert len(clean(cluster, confirmed=True, older_than=600).report.items) == 3
    cluster = make_openshift(created(LEFT[0], minutes_ago=9))
    (copy,) = clean(cluster, confirmed=True, everywhere=True, older_than=600).report.items
    assert (copy["result"], COPY in names_of(cluster, COPIES)) == ("unchanged", True)


def test_a_copy_that_this_namespace_was_never_granted_goes_with_all_namespaces_only():
    cluster = make_openshift(*LEFT[:2])
    (copy,) = clean(cluster, confirmed=True).report.items
    assert copy["result"] == "unchanged" and copy["message"].endswith("oc gsb cleanup -A")
    assert results(clean(cluster, confirmed=True, everywhere=True)) == [
        ("SecurityContextConstraints", "deleted"), ("ClusterRole", "deleted")]


def test_what_is_in_use_is_no_leftover():
    made = add_sidecar(workload(), options=SidecarOptions(image="tools:1"), scc=COPY)
    assert results(clean(make_openshift(*LEFT, made))) == []


def test_a_group_grant_was_asked_for():
    assert results(clean(make_openshift(*LEFT[:2], binding_for(group_grant(COPY, namespace=NAMESPACE))))) == []


def test_an_interrupted_run_is_named_with_what_finishes_it():
    made = add_sidecar(workload(), options=SidecarOptions(image="tools:1"), scc=COPY)
    (item,) = clean(make_openshift(hold_at_zero(made, read_record(made)))).report.items
    assert item["message"].endswith("finish it: oc gsb inject deployment/web -n app")


def test_an_upgrade_that_was_killed_is_named_with_the_way_back():
    made = begin_upgrade(add_sidecar(workload(), options=SidecarOptions(image="tools:1"), scc=COPY), "tools:2")
    (item,) = clean(make_openshift(made)).report.items
    assert item["message"].startswith("an interrupted upgrade from tools:1 was never proven")
    assert item["message"].endswith("oc gsb upgrade deployment/web -n app [--image tools:1]")


def trial_pod(name, created):
    labels = {"app.kubernetes.io/managed-by": "oc-gsb", "kubectl-rwx.io/temporary": "image-check"}
    return {"apiVersion": "v1", "kind": "Pod", "spec": {}, "metadata": {
        "name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "labels": labels, "creationTimestamp": created}}


def test_pods_that_tried_an_image_go_but_not_those_of_a_run_that_goes_on():
    young = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    cluster = make_openshift(trial_pod("old", "2020-01-01T00:00:00Z"), trial_pod("young", young),
                             expect=["delete pods"])
    assert results(clean(cluster)) == [("Pod", "to be deleted")]
    assert results(clean(cluster, confirmed=True)) == [("Pod", "deleted")]
    assert names_of(cluster, "pods") == ["young"]
