"""oc gsb scc on a cluster with SCC admission: the prediction comes true, grants come and go, nothing is left."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cluster.kasten_objects import K10
from cluster.kubectl import Kubectl, Plugin
from cluster.scc_objects import ACCOUNT, application, own_base, rolled_out, scc_of


@pytest.fixture
def base(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    with own_base(kubectl, namespace) as name:
        yield name


def exists(kubectl: Kubectl, *what: str) -> bool:
    return kubectl("get", *what, check=False).returncode == 0


def test_a_plan_of_what_does_not_exist_yet_comes_true(namespace: Kubectl, gsb: Plugin, base: str) -> None:
    claim, made = application()
    planned = gsb("scc", "plan", "-f", "-", "-o", "json", stdin=json.dumps(made))
    assert planned.returncode == 0, planned.stderr
    (item,) = json.loads(planned.stdout)["items"]
    assert (item["sccNow"], item["sccPredicted"], item["sccWithSidecar"]) == (None, base, f"{base}-gsb")
    namespace.apply(claim, made)
    rolled_out(namespace, "deploy/web")
    assert scc_of(namespace, "app=web") == {item["sccPredicted"]}
    gsb.ok("inject", "deploy/web")
    assert scc_of(namespace, "app=web") == {item["sccWithSidecar"]}
    gsb.ok("uninject", "deploy/web")


def test_step_by_step_and_back(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin, base: str) -> None:
    namespace.apply(*application())
    rolled_out(namespace, "deploy/web")
    copy, binding = f"{base}-gsb", f"oc-gsb:{base}-gsb:{ACCOUNT}"
    for mode in ("client", "server"):
        assert "dry run" in gsb.ok("scc", "create", "deploy/web", f"--dry-run={mode}")
        assert not exists(kubectl, "scc", copy)
    assert {each["result"] for each in gsb.json("scc", "create", "deploy/web")["items"]} == {"created"}
    assert {each["result"] for each in gsb.json("scc", "create", "deploy/web")["items"]} == {"unchanged"}
    gsb.ok("scc", "grant", "deploy/web", "--dry-run=server")
    assert not exists(namespace, "rolebinding", binding)
    assert {each["result"] for each in gsb.json("scc", "grant", "deploy/web")["items"]} == {"created"}
    assert {each["result"] for each in gsb.json("scc", "grant", "deploy/web")["items"]} == {"unchanged"}
    assert scc_of(namespace, "app=web") == {base}, "the grant alone moves no pod"
    namespace("rollout", "restart", "deploy/web")
    rolled_out(namespace, "deploy/web")
    assert scc_of(namespace, "app=web") == {base}, "nor does a restart"
    used = gsb("scc", "delete", copy)
    assert used.returncode == 3 and f"rolebinding {binding} in namespace {namespace.name} grants it" in used.stderr
    gsb.ok("scc", "revoke", "deploy/web", "--dry-run=server")
    assert exists(namespace, "rolebinding", binding)
    assert {each["result"] for each in gsb.json("scc", "revoke", "deploy/web")["items"]} == {"deleted"}
    assert {each["result"] for each in gsb.json("scc", "revoke", "deploy/web")["items"]} == {"unchanged"}
    gsb.ok("scc", "delete", copy, "--dry-run=server")
    assert exists(kubectl, "scc", copy)
    gsb.ok("scc", "delete", copy)
    assert {each["result"] for each in gsb.json("scc", "delete", copy)["items"]} == {"unchanged"}
    assert not exists(kubectl, "scc", copy) and not exists(kubectl, "clusterrole", f"system:openshift:scc:{copy}")


def test_the_documents_grant_is_found_and_refused_while_used(
    namespace: Kubectl, kubectl: Kubectl, gsb: Plugin, base: str
) -> None:
    """A ClusterRoleBinding for the group, as oc adm policy add-scc-to-group makes it whatever its -n says."""
    namespace.apply(*application())
    rolled_out(namespace, "deploy/web")
    copy, role = f"{base}-gsb", f"system:openshift:scc:{base}-gsb"
    gsb.ok("scc", "create", "deploy/web")
    rule = {"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "verbs": ["use"],
            "resourceNames": [copy]}
    kubectl.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": role},
                   "rules": [rule]})
    kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}",
            f"--group=system:serviceaccounts:{namespace.name}")
    gsb.ok("inject", "deploy/web")
    namespace("delete", "rolebinding", "--all")
    refused = gsb("scc", "revoke", "--scc", copy, "--group")
    assert refused.returncode == 3 and f"needs it through service account {ACCOUNT}" in refused.stderr
    gsb.ok("uninject", "deploy/web")
    shown = gsb.json("scc", "revoke", "--scc", copy, "--group")
    assert [(each["kind"], each["result"]) for each in shown["items"]] == [("ClusterRoleBinding", "deleted")]
    assert not exists(kubectl, "clusterrolebinding", role)


def test_a_copy_that_captures_others_is_predicted_and_does_so(
    namespace: Kubectl, kubectl: Kubectl, gsb: Plugin, base: str
) -> None:
    """The document's way with anyuid: the priority copied along, granted to the namespace's group (facts 6.1)."""
    copied = kubectl.json("get", "scc", "anyuid")
    copied.update(metadata={"name": f"{base}-gsb"}, users=[], groups=[], priority=10,
                  allowedCapabilities=["CHOWN", "DAC_OVERRIDE", "FOWNER"])
    kubectl("create", "--validate=false", "-f", "-", stdin=json.dumps(copied))
    grant = ("scc", "grant", "--scc", f"{base}-gsb", "--group")
    _, made = application("idle")
    made["spec"]["template"]["spec"].update(serviceAccountName="default", volumes=[])
    made["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = []
    namespace.apply(made)
    rolled_out(namespace, "deploy/idle")
    assert scc_of(namespace, "app=idle") == {"restricted-v2"}
    predicted = gsb(*grant)
    assert predicted.returncode == 3 and f"restricted-v2 → {base}-gsb" in predicted.stderr
    gsb.ok(*grant, "--force")
    namespace("rollout", "restart", "deploy/idle")
    rolled_out(namespace, "deploy/idle")
    assert scc_of(namespace, "app=idle") == {f"{base}-gsb"}, "and so it happens"


def test_least_rights_are_enough_to_look(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> None:
    """discover and status under exactly what `oc gsb rbac` prints."""
    printed = gsb.ok("rbac", "discover", "status").replace("name: oc-gsb\n", f"name: {namespace.name}\n")
    kubectl("apply", "-f", "-", stdin=printed)
    namespace("create", "serviceaccount", "auditor")
    user = f"system:serviceaccount:{namespace.name}:auditor"
    try:
        for where in (namespace, kubectl.within(K10)):
            where("create", "rolebinding", namespace.name, f"--role={namespace.name}", f"--user={user}")
        kubectl("create", "clusterrolebinding", namespace.name, f"--clusterrole={namespace.name}", f"--user={user}")
        for command in ("discover", "status"):
            done = gsb(command, "--as", user)
            assert done.returncode == 0 and "not known" not in done.stderr, done.stderr
    finally:
        kubectl("delete", "clusterrole,clusterrolebinding", namespace.name, "--ignore-not-found")
        kubectl.within(K10)("delete", "role,rolebinding", namespace.name, "--ignore-not-found")
