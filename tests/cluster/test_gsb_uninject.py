"""oc gsb uninject: the object is what it was, and what was made for it is gone once nobody needs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from cluster.gsb_objects import pods_of, sccs_of, shown, start, version_of, wait_ready
from cluster.kubectl import Kubectl, Plugin

OURS = "app.kubernetes.io/managed-by=oc-gsb"


@pytest.mark.parametrize("kind, replicas", [("deploy", 2), ("sts", 2), ("dc", 1)])
def test_the_object_is_what_it_was(gsb: Plugin, namespace: Kubectl, kind: str, replicas: int) -> None:
    start(namespace, kind, replicas=replicas)
    before = shown(namespace, kind)
    gsb.ok("inject", f"{kind}/{kind}")
    assert shown(namespace, kind) != before
    answer = gsb.json("uninject", f"{kind}/{kind}")["items"][0]
    assert (answer["result"], answer["scc"], answer["ready"]) == ("uninjected", "restricted-v2", replicas)
    assert shown(namespace, kind) == before
    wait_ready(namespace, kind, replicas)
    assert sccs_of(namespace, kind) == {"restricted-v2"}
    assert namespace("get", "rolebindings", "-l", OURS, "-o", "name").stdout == ""
    again = gsb.json("uninject", f"{kind}/{kind}")["items"][0]
    assert again["result"] == "unchanged"


@pytest.mark.parametrize("value", ["false", "true"])
def test_an_annotation_that_was_there_is_there_again(gsb: Plugin, namespace: Kubectl, value: str) -> None:
    start(namespace, "deploy")
    namespace("annotate", "deploy", "deploy", f"k10.kasten.io/forcegenericbackup={value}")
    before = shown(namespace, "deploy")
    gsb.ok("inject", "deploy/deploy")
    gsb.ok("uninject", "deploy/deploy")
    assert shown(namespace, "deploy") == before


@pytest.mark.parametrize("mode", ["client", "server"])
def test_dry_run_changes_nothing(gsb: Plugin, namespace: Kubectl, mode: str) -> None:
    start(namespace, "deploy")
    gsb.ok("inject", "deploy/deploy")
    before = version_of(namespace, "deploy")
    assert gsb.json("uninject", "deploy/deploy", f"--dry-run={mode}")["items"][0]["result"] == "uninjected"
    assert version_of(namespace, "deploy") == before
    assert namespace("get", "rolebindings", "-l", OURS, "-o", "name").stdout != ""


def test_changes_of_others_are_kept(gsb: Plugin, namespace: Kubectl) -> None:
    start(namespace, "deploy")
    gsb.ok("inject", "deploy/deploy")
    namespace("set", "env", "deploy/deploy", "-c", "app", "ADDED=later")
    answer = gsb.json("uninject", "deploy/deploy")["items"][0]
    assert answer["result"] == "uninjected" and "changes were kept" in answer["message"]
    spec = namespace.json("get", "deploy", "deploy")["spec"]["template"]["spec"]
    assert [one["name"] for one in spec["containers"]] == ["app"]
    assert spec["containers"][0]["env"] == [{"name": "ADDED", "value": "later"}]
    assert [one["name"] for one in spec["volumes"]] == ["data"]


@pytest.fixture
def own_scc(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    """An SCC of this test's own that the namespace's pods get, so that its copy is nobody else's."""
    name = namespace.name
    scc = kubectl.json("get", "scc", "restricted-v2")
    scc = {**scc, "metadata": {"name": name}, "priority": 5, "users": [], "groups": []}
    kubectl("create", "--validate=false", "-f", "-", stdin=json.dumps(scc))
    grant(namespace, name)
    yield name
    copy = f"{name}-gsb"
    for kind, left in (("scc", name), ("scc", copy), ("clusterrole", f"system:openshift:scc:{copy}"),
                       ("clusterrole", f"test:{name}")):
        kubectl("delete", kind, left, "--ignore-not-found")


def grant(namespace: Kubectl, scc: str) -> None:
    rule = {"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "verbs": ["use"],
            "resourceNames": [scc]}
    namespace.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                     "metadata": {"name": f"test:{scc}"}, "rules": [rule]})
    namespace("create", "rolebinding", "own-scc", f"--clusterrole=test:{scc}",
              f"--serviceaccount={namespace.name}:default")


def exists(kubectl: Kubectl, kind: str, name: str) -> bool:
    return kubectl("get", kind, name, check=False).returncode == 0


def test_scc_role_and_binding_are_gone(gsb: Plugin, kubectl: Kubectl, namespace: Kubectl, own_scc: str) -> None:
    start(namespace, "deploy", "sts")
    assert sccs_of(namespace, "deploy") == {own_scc}
    gsb.ok("inject", "--all")
    copy = f"{own_scc}-gsb"
    assert sccs_of(namespace, "deploy") == sccs_of(namespace, "sts") == {copy}
    made = kubectl.json("get", "scc", copy)
    assert (made["users"], made["groups"], made.get("priority")) == ([], [], None)
    gsb.ok("uninject", "deploy/deploy")
    assert exists(kubectl, "scc", copy), "the StatefulSet's pods still need it"
    gsb.ok("uninject", "sts/sts")
    assert not exists(kubectl, "scc", copy)
    assert not exists(kubectl, "clusterrole", f"system:openshift:scc:{copy}")
    assert namespace("get", "rolebindings", "-o", "name").stdout == "rolebinding.rbac.authorization.k8s.io/own-scc\n"


def test_access_that_is_kept_in_git_stays_and_is_told(
    gsb: Plugin, kubectl: Kubectl, namespace: Kubectl, own_scc: str
) -> None:
    start(namespace, "deploy")
    copy, mark = f"{own_scc}-gsb", "argocd.argoproj.io/tracking-id=access:rbac"
    namespace("apply", "--validate=false", "-f", "-", stdin=gsb.ok("render", "deploy/deploy", "--only", "access"))
    binding = namespace("get", "rolebindings", "-l", OURS, "-o", "name").stdout.strip()
    assert binding.endswith(f"{copy}:default")
    namespace("annotate", binding, mark)
    kubectl("annotate", "scc", copy, mark)
    kubectl("annotate", "clusterrole", f"system:openshift:scc:{copy}", mark)
    done = gsb("uninject", "deploy/deploy")
    assert done.returncode == 0 and f"/oc-gsb:{copy}:default stays: Argo CD application access" in done.stderr
    assert namespace("get", "rolebindings", "-l", OURS, "-o", "name").stdout.strip() == binding
    assert exists(kubectl, "scc", copy) and exists(kubectl, "clusterrole", f"system:openshift:scc:{copy}")
    namespace("annotate", binding, "argocd.argoproj.io/tracking-id-")
    done = gsb("uninject", "deploy/deploy")
    assert done.returncode == 0 and f"{copy} stays: Argo CD application access" in done.stderr
    assert namespace("get", "rolebindings", "-l", OURS, "-o", "name").stdout == ""
    assert exists(kubectl, "scc", copy) and exists(kubectl, "clusterrole", f"system:openshift:scc:{copy}")


def test_the_scc_stays_while_another_namespace_uses_it(
    gsb: Plugin, kubectl: Kubectl, namespace: Kubectl, own_scc: str, make_namespace: Callable[..., Kubectl]
) -> None:
    other = make_namespace()
    grant(other, own_scc)
    for one in (namespace, other):
        start(one, "deploy")
    there = Plugin(executable="oc-gsb", namespace=other.name, environment=gsb.environment)
    gsb.ok("inject", "deploy/deploy")
    there.ok("inject", "deploy/deploy")
    done = gsb("uninject", "deploy/deploy")
    assert done.returncode == 0 and f"in namespace {other.name} grants it" in done.stderr
    assert exists(kubectl, "scc", f"{own_scc}-gsb")
    name = pods_of(other, "deploy")[0]["metadata"]["name"]
    other("label", "pod", name, "still=updatable")
    there.ok("uninject", "deploy/deploy")
    assert not exists(kubectl, "scc", f"{own_scc}-gsb")


def test_a_rollback_takes_back_what_the_run_had_made(
    gsb: Plugin, kubectl: Kubectl, namespace: Kubectl, own_scc: str
) -> None:
    start(namespace, "deploy")
    before = shown(namespace, "deploy")
    done = gsb("inject", "deploy/deploy", "--image", "sandbox.local/absent:1", "--no-image-check", "--timeout", "6s")
    assert done.returncode == 4
    assert shown(namespace, "deploy") == before
    assert not exists(kubectl, "scc", f"{own_scc}-gsb")
    assert not exists(kubectl, "clusterrole", f"system:openshift:scc:{own_scc}-gsb")
