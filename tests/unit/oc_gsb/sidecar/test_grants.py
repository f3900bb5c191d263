from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.workloads import NAMESPACE, pod, workload
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.grants import Grant, binding_manifest, ensure_grant, our_grants, role_manifest, withdraw
from oc_gsb.sidecar.template import add_sidecar
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.manifests import Manifest
from plugin_core.names import GSB, MANAGED_BY_LABEL
from plugin_core.workloads.templates import template_of
from unit.oc_gsb.sidecar.world import COPY, GRANT_DELETES, GRANT_WRITES, names_of

GRANT = Grant(scc=COPY, namespace=NAMESPACE, account="default")
SCC: Manifest = {"apiVersion": "security.openshift.io/v1", "kind": "SecurityContextConstraints",
                 "metadata": {"name": COPY, "labels": {MANAGED_BY_LABEL: GSB}}, "users": [], "groups": []}
ALL = [role_manifest(GRANT), SCC, binding_manifest(GRANT)]
RESOURCES = ("clusterroles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
             "securitycontextconstraints.security.openshift.io")


def ensure(cluster: FakeCluster) -> list[Manifest]:
    created: list[Manifest] = []
    ensure_grant(cluster, GRANT, copy=SCC, created=created, progress=Recorder())
    return created


def left(cluster: FakeCluster) -> int:
    return sum(len(names_of(cluster, resource)) for resource in RESOURCES)


def test_what_is_granted() -> None:
    assert role_manifest(GRANT)["rules"] == [{
        "apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "verbs": ["use"],
        "resourceNames": [COPY]}]
    binding = binding_manifest(GRANT)
    assert binding["roleRef"]["name"] == role_manifest(GRANT)["metadata"]["name"] == f"system:openshift:scc:{COPY}"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "default", "namespace": NAMESPACE}]


def test_made_once() -> None:
    cluster = FakeCluster(expect=GRANT_WRITES)
    assert len(ensure(cluster)) == 3
    writes = len(cluster.requests)
    assert ensure(cluster) == []
    assert all(words.startswith("get ") for words in cluster.requests[writes:])


def test_what_vanishes_meanwhile_is_made_again() -> None:
    def take_away(cluster: FakeCluster, manifest: Manifest) -> None:
        cluster.objects.pop((RESOURCES[2], "", COPY), None)

    cluster = FakeCluster(expect=GRANT_WRITES, reactions={"create rolebindings.rbac.authorization.k8s.io": take_away})
    ensure(cluster)
    assert left(cluster) == 3


def test_forbidden_names_who_can_help() -> None:
    cluster = FakeCluster(expect=GRANT_WRITES, denied=["create clusterroles.rbac.authorization.k8s.io"])
    with pytest.raises(errors.Forbidden) as raised:
        ensure(cluster)
    assert raised.value.hint.endswith(f"oc adm policy add-scc-to-user {COPY} -z default -n {NAMESPACE}")


def test_dry_run_makes_nothing() -> None:
    cluster = FakeCluster(expect=GRANT_WRITES, dry_run=DryRun.SERVER)
    progress = Recorder()
    ensure_grant(cluster, GRANT, copy=SCC, created=[], progress=progress)
    assert left(cluster) == 0
    assert all(note.endswith("created (server dry run)") for note in progress.notes) and len(progress.notes) == 3


def test_withdrawn_when_nothing_needs_it() -> None:
    cluster = FakeCluster(ALL, expect=GRANT_DELETES)
    assert our_grants(cluster) == [GRANT]
    assert withdraw(cluster, GRANT, progress=Recorder()) == []
    assert left(cluster) == 0
    assert withdraw(cluster, GRANT, progress=Recorder()) == [], "a second time there is nothing to do"


def other_binding(kind: str) -> Manifest:
    where = {"namespace": "elsewhere"} if kind == "RoleBinding" else {}
    return {**binding_manifest(GRANT), "kind": kind, "metadata": {"name": "other", **where}}


def injected(name: str = "web") -> Manifest:
    return add_sidecar(workload(name=name), options=SidecarOptions(image="tools:1"), scc=COPY)


@pytest.mark.parametrize("extra, words, remaining", [
    (injected(), "deployment/web needs it", 3),
    (pod("job-1", workload(), template_of(workload()), scc=COPY), "pod/job-1 needs it", 3),
    (other_binding("RoleBinding"), "rolebinding other in namespace elsewhere grants it", 3),
    (other_binding("ClusterRoleBinding"), "clusterrolebinding other grants it", 2),
    (pod("x", workload(), template_of(workload()), scc=COPY, namespace="elsewhere"), "pod elsewhere/x runs under", 2),
])
def test_kept_while_something_needs_it(extra: Manifest, words: str, remaining: int) -> None:
    cluster = FakeCluster([*ALL, extra], expect=GRANT_DELETES)
    reasons = withdraw(cluster, GRANT, progress=Recorder())
    assert words in reasons[0]
    assert left(cluster) == remaining


@pytest.mark.parametrize("key", ["users", "groups"])
def test_an_scc_that_names_users_itself_is_kept(key: str) -> None:
    cluster = FakeCluster([role_manifest(GRANT), {**SCC, key: ["system:someone"]}, binding_manifest(GRANT)],
                          expect=GRANT_DELETES)
    assert f"its own {key} name system:someone" in withdraw(cluster, GRANT, progress=Recorder())[0]


def without_label(made: Manifest) -> Manifest:
    return {**made, "metadata": {**made["metadata"], "labels": {}}}


def test_what_is_not_ours_is_never_deleted() -> None:
    cluster = FakeCluster([without_label(one) for one in ALL])
    withdraw(cluster, GRANT, progress=Recorder())
    assert left(cluster) == 3


def marked(made: Manifest, **marks: Any) -> Manifest:
    metadata = made["metadata"]
    return {**made, "metadata": {**metadata, "labels": {**metadata["labels"], **marks.get("labels", {})},
                                 "annotations": marks.get("annotations", {})}}


@pytest.mark.parametrize("marks, words", [
    ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:rbac/x"}}, "Argo CD application shop keeps it"),
    ({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, "Flux Kustomization shop keeps it"),
    ({"annotations": {"meta.helm.sh/release-name": "shop"}}, "Helm release shop keeps it"),
    ({"labels": {"app.kubernetes.io/instance": "shop"}}, "shop keeps it (label app.kubernetes.io/instance"),
])
def test_what_is_kept_in_git_is_left_alone_and_told(marks: Manifest, words: str) -> None:
    cluster = FakeCluster([marked(one, **marks) for one in ALL])
    reasons = withdraw(cluster, GRANT, progress=Recorder())
    assert left(cluster) == 3
    assert reasons[0].startswith(f"rolebinding.rbac.authorization.k8s.io/{GRANT.binding} stays: {words}")


def test_a_copy_and_role_in_git_outlive_a_binding_of_ours() -> None:
    marks = {"labels": {"argocd.argoproj.io/instance": "access"}}
    cluster = FakeCluster([marked(ALL[0], **marks), marked(SCC, **marks), ALL[2]], expect=GRANT_DELETES)
    reasons = withdraw(cluster, GRANT, progress=Recorder())
    assert left(cluster) == 2 and names_of(cluster, RESOURCES[1]) == []
    assert len(reasons) == 2 and all("Argo CD application access keeps it" in one for one in reasons)


def test_only_what_a_run_made_itself() -> None:
    cluster = FakeCluster(ALL, expect=GRANT_DELETES)
    binding = cluster.objects[RESOURCES[1], NAMESPACE, GRANT.binding]
    withdraw(cluster, GRANT, progress=Recorder(), only=[binding])
    assert (names_of(cluster, RESOURCES[1]), left(cluster)) == ([], 2)


def test_a_grant_made_meanwhile_gets_its_scc_back() -> None:
    def grant_again(cluster: FakeCluster, manifest: Manifest) -> None:
        cluster.put(other_binding("RoleBinding"))

    reactions: dict[str, Any] = {"delete securitycontextconstraints.security.openshift.io": grant_again}
    cluster = FakeCluster(ALL, expect=[*GRANT_DELETES, *GRANT_WRITES], reactions=reactions)
    assert "someone was granted it meanwhile" in withdraw(cluster, GRANT, progress=Recorder())[0]
    assert names_of(cluster, RESOURCES[2]) == [COPY] and names_of(cluster, RESOURCES[0]) == [GRANT.role]


def test_a_workload_injected_meanwhile_gets_its_binding_back() -> None:
    reactions: dict[str, Any] = {
        "delete rolebindings.rbac.authorization.k8s.io": lambda cluster, manifest: cluster.put(injected()) and None}
    cluster = FakeCluster(ALL, expect=[*GRANT_DELETES, *GRANT_WRITES], reactions=reactions)
    assert "deployment/web needs it" in withdraw(cluster, GRANT, progress=Recorder())[0]
    assert left(cluster) == 3


def test_what_cannot_be_read_is_kept() -> None:
    cluster = FakeCluster(ALL, expect=GRANT_DELETES, denied=["list clusterrolebindings.rbac.authorization.k8s.io"])
    assert "could not be read" in withdraw(cluster, GRANT, progress=Recorder())[0]
    assert names_of(cluster, RESOURCES[2]) == [COPY]
