"""What a restore takes: which point, what the namespace needs, which grants, and what stands in the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from oc_gsb.kasten.environments import Environment, Need, noted_environment, record_environment
from oc_gsb.kasten.points import Point, find_points, with_size
from oc_gsb.kasten.restore_grants import GrantKeeper
from oc_gsb.kasten.restore_plans import RestoreRequest, choose_point, plan_restore
from oc_gsb.scc import gsb_copy
from oc_gsb.sidecar.grants import Grant
from oc_gsb.sidecar.record import Record, record_text
from plugin_core import errors
from plugin_core.model.kinds import RESTORE_POINT_CONTENT
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Silence
from unit.oc_gsb.kasten.objects import GROUPS, K10

SERVED = {**GROUPS, "security.openshift.io": ["v1"], "apps.openshift.io": []}
ANNOTATIONS = {"openshift.io/sa.scc.uid-range": "1000/10", "openshift.io/sa.scc.mcs": "s0:c1,c0",
               "openshift.io/sa.scc.supplemental-groups": "1000/10"}
REQUEST = RestoreRequest(namespace="app")


def content(name: str, *, time: str = "2026-01-01T00:00:00Z", exported: bool = False) -> Manifest:
    labels = {"k10.kasten.io/appNamespace": "app", "k10.kasten.io/policyName": "app-gsb"}
    if exported:
        labels["k10.kasten.io/exportProfile"] = "s3"
    return {"apiVersion": "apps.kio.kasten.io/v1alpha1", "kind": "RestorePointContent", "status": {"actionTime": time},
            "metadata": {"name": name, "labels": labels}}


def point(name: str, of: Manifest, *, namespace: str = "app") -> Manifest:
    reference = {"restorePointContentRef": {"name": of["metadata"]["name"]}}
    return {**of, "kind": "RestorePoint", "spec": reference,
            "metadata": {**of["metadata"], "name": name, "namespace": namespace}}


def namespace(name: str = "app", **metadata: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": ANNOTATIONS, **metadata}}


def scc(name: str = "restricted-v2") -> Manifest:
    return {"apiVersion": "security.openshift.io/v1", "kind": "SecurityContextConstraints", "metadata": {"name": name},
            "allowedCapabilities": None, "requiredDropCapabilities": ["ALL"], "volumes": ["*"]}


def injected(name: str = "web", *, account: str = "default") -> Manifest:
    template = {"spec": {"serviceAccountName": account, "containers": [{"name": "app"}]}}
    record = Record(template=template, volumes=(), had_annotations=True, backup_annotation=None,
                    scc="restricted-v2-gsb")
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": template},
            "metadata": {"name": name, "namespace": "app",
                         "annotations": {"oc-gsb.io/injection": record_text(record)}}}


def policy(*needs: Need) -> Manifest:
    environment = {"annotations": ANNOTATIONS, "labels": {"team": "x"}, "workloads": ["deployment/web"],
                   "needs": [vars(need) for need in needs]}
    text = json.dumps({"version": 1, "namespaces": {"app": environment}})
    return {"apiVersion": "config.kio.kasten.io/v1alpha1", "kind": "Policy",
            "metadata": {"name": "app-gsb", "namespace": K10, "annotations": {"oc-gsb.io/environment": text}}}


def test_newest_exported_point_is_chosen_else_the_newest() -> None:
    old, new = content("old", exported=True), content("new", time="2026-02-01T00:00:00Z")
    assert choose_point(FakeCluster([old, new], groups=SERVED), REQUEST).name == "old"
    assert choose_point(FakeCluster([content("a"), new], groups=SERVED), REQUEST).name == "new"
    named = RestoreRequest(namespace="app", point="new")
    cluster = FakeCluster([point("rp", new), new], groups=SERVED)
    assert choose_point(cluster, named).name == "rp", "a content's name finds its restore point"
    with pytest.raises(errors.NotFound, match="has no restore point x"):
        choose_point(cluster, RestoreRequest(namespace="app", point="x"))
    with pytest.raises(errors.NotFound, match="there is no restore point of namespace app"):
        choose_point(FakeCluster(groups=SERVED), REQUEST)


def test_contents_that_may_not_be_listed_are_said() -> None:
    cluster = FakeCluster([point("rp", content("c"))], groups=SERVED,
                          denied=["list restorepointcontents.apps.kio.kasten.io"])
    found = find_points(cluster, namespace="app", k10_namespace=K10)
    assert [one.name for one in found.points] == ["rp"] and "forbidden" in found.unreadable


def test_deleted_namespace_is_planned_from_what_the_policy_noted() -> None:
    need = Need("web", "restricted-v2-gsb", "restricted-v2")
    plan = plan_restore(FakeCluster([content("c", exported=True), policy(need), scc()], groups=SERVED), REQUEST)
    assert plan.namespace == {"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "app", "labels": {"team": "x"}, "annotations": ANNOTATIONS}}
    (grant, copy), = plan.grants
    assert grant == Grant("restricted-v2-gsb", "app", "web") and copy and copy["metadata"]["name"] == grant.scc
    assert (plan.point_name, plan.point_namespace, plan.create_point) == ("c", "app", True)
    assert plan.known_from == "policy app-gsb" and not plan.warnings


def test_a_copy_that_is_there_is_left_and_default_is_granted_when_asked() -> None:
    need, copy = Need("web", "restricted-v2-gsb", "restricted-v2"), gsb_copy(scc())
    assert copy
    copy = {"apiVersion": "security.openshift.io/v1", "kind": "SecurityContextConstraints", **copy}
    cluster = FakeCluster([content("c"), policy(need), scc(), copy], groups=SERVED)
    plan = plan_restore(cluster, RestoreRequest(namespace="app", grant_default=True))
    assert [(grant.account, made) for grant, made in plan.grants] == [("web", None), ("default", None)]


def test_restore_points_own_objects_tell_too() -> None:
    path = "/apis/apps.kio.kasten.io/v1alpha1/restorepointcontents/c/details"
    artifacts = [{"artifact": injected(account="web")}, {"artifact": {"kind": "Odd"}}, {"artifact": None}, {}]
    text = json.dumps({"status": {"restorePointContentDetails": {"artifacts": artifacts}}})
    cluster = FakeCluster([content("c"), scc()], groups=SERVED, texts={path: text})
    plan = plan_restore(cluster, REQUEST)
    assert plan.known_from == "the restore point's own objects"
    assert [grant.account for grant, _ in plan.grants] == ["web"]
    assert len(plan.warnings) == 1 and "uid range of the old namespace is not known" in plan.warnings[0]


def test_nothing_known_is_warned_about_on_openshift_only() -> None:
    plan = plan_restore(FakeCluster([content("c")], groups=SERVED), REQUEST)
    assert len(plan.warnings) == 2 and not plan.grants
    assert not plan_restore(FakeCluster([content("c")], groups=GROUPS), REQUEST).warnings


def test_restore_to_another_namespace_takes_the_grant_there() -> None:
    objects = [content("c"), point("rp", content("c")), namespace(), injected(), scc(),
               namespace("copy", annotations={**ANNOTATIONS, "openshift.io/sa.scc.uid-range": "2000/10"})]
    plan = plan_restore(FakeCluster(objects, groups=SERVED), RestoreRequest(namespace="app", to="copy"))
    assert [grant.namespace for grant, _ in plan.grants] == ["copy"]
    assert (plan.point_name, plan.point_namespace, plan.create_point) == ("rp", "app", False)
    assert "pods in copy run as users of 2000/10, the files belong to users of 1000/10" in plan.warnings[0]


@pytest.mark.parametrize("objects, error, words", [
    ([namespace(deletionTimestamp="2026-01-01T00:00:00Z")], errors.NotReady, "is being deleted"),
    ([namespace(), point("c", content("other"))], errors.AlreadyExists, "but of the content other"),
    ([policy(Need("web", "x-gsb", "x"))], errors.NotReady, "SCC x-gsb is gone, and so is x"),
    ([policy(Need("web", "restricted-v2-gsb", "restricted-v2")), scc("restricted-v2-gsb")], errors.NotReady,
     "does not allow CHOWN, DAC_OVERRIDE, FOWNER"),
])
def test_what_stands_in_the_way(objects: list[Manifest], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        plan_restore(FakeCluster([content("c"), *objects], groups=SERVED),
                     RestoreRequest(namespace="app", point="restorepointcontent/c"))


def test_a_name_that_two_things_have_is_asked_about() -> None:
    cluster = FakeCluster([content("c"), namespace(), point("c", content("other"))], groups=SERVED)
    with pytest.raises(errors.UsageError, match="c is the name of a restore point and of another's content"):
        plan_restore(cluster, RestoreRequest(namespace="app", point="c"))
    chosen = plan_restore(cluster, RestoreRequest(namespace="app", point="restorepoint/c"))
    assert chosen.point.content == "other"


def test_environment_is_noted_once_and_read_back() -> None:
    bare = policy()
    bare["metadata"]["annotations"] = {}
    cluster = FakeCluster([bare, namespace(), injected(account="web"), scc()], groups=SERVED,
                          expect=["patch policies.config.kio.kasten.io"])
    for _ in range(2):
        there = cluster.objects["policies.config.kio.kasten.io", K10, "app-gsb"]
        record_environment(cluster, there, ["app", "not-there"], Silence())
    assert cluster.requests.count("patch policies.config.kio.kasten.io") == 1
    noted = noted_environment(cluster.objects["policies.config.kio.kasten.io", K10, "app-gsb"], "app")
    need = Need("web", "restricted-v2-gsb", "restricted-v2")
    assert noted == Environment(ANNOTATIONS, {}, (need,), ("deployment/web",))


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"version": 2, "namespaces": {"app": {}}}', '{"version": 1}'])
def test_unreadable_notes_are_none(text: str) -> None:
    odd = policy()
    odd["metadata"]["annotations"] = {"oc-gsb.io/environment": text}
    assert noted_environment(odd, "app") is None


def test_keeper_mends_a_binding_that_names_the_old_namespace() -> None:
    grant = Grant("restricted-v2-gsb", "copy", "web")
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
               "metadata": {"name": grant.binding, "namespace": "copy"},
               "subjects": [{"kind": "ServiceAccount", "name": "web", "namespace": "app"}]}
    cluster = FakeCluster([binding], expect=["patch rolebindings.rbac.authorization.k8s.io"])
    keeper = GrantKeeper(cluster, [(grant, None)], Silence(), namespace="copy", created=False)
    assert keeper.look() == "" == keeper.look()
    assert cluster.requests.count("patch rolebindings.rbac.authorization.k8s.io") == 1


def test_keeper_tells_of_pods_that_admission_refuses_until_they_are_made() -> None:
    words = "pods is forbidden: unable to validate against any security context constraint: []"

    def event(reason: str, message: str, time: str) -> Manifest:
        return {"apiVersion": "v1", "kind": "Event", "metadata": {"name": time, "namespace": "app"}, "reason": reason,
                "message": message, "lastTimestamp": time, "involvedObject": {"kind": "ReplicaSet", "uid": "u"}}

    refused = event("FailedCreate", words, "2026-01-01T00:00:00Z")
    keeper = GrantKeeper(FakeCluster([refused]), [], Silence(), namespace="app", created=False)
    assert keeper.look() == f"pods are refused: {words}"
    made = event("SuccessfulCreate", "created pod", "2026-01-01T00:00:05Z")
    assert GrantKeeper(FakeCluster([refused, made]), [], Silence(), namespace="app", created=False).look() == ""


@pytest.mark.parametrize("usage, size", [({"logical": 10}, 10), ({"logical": "12"}, 12), ({}, None), (None, None)])
def test_size_is_the_data_of_the_volumes(usage: Any, size: int | None) -> None:
    path = "/apis/apps.kio.kasten.io/v1alpha1/restorepointcontents/c/details"
    meta = {"k8sVolume": {"pvcName": "data"}, "storageUsage": usage}
    artifacts = [{"meta": {"kanister": {"meta": meta}}}, {"meta": None}, "odd"]
    text = json.dumps({"status": {"restorePointContentDetails": {"artifacts": artifacts}}})
    found = with_size(FakeCluster(texts={path: text}), Point(RESTORE_POINT_CONTENT, content("c")))
    assert found.size == size
