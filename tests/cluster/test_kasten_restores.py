"""Restores that cannot go on, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.kasten_objects import K10, POINTS, POLICY_KIND, Application, activate, tidy
from cluster.kubectl import Kubectl, Plugin

pytestmark = pytest.mark.xdist_group("kasten")


@pytest.fixture
def backed_up(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> Iterator[Application]:
    activate(kubectl, gsb)
    installed = Application(namespace)
    installed.install()
    gsb.ok("inject", "deploy/web")
    gsb.ok("backup")
    yield installed
    tidy(kubectl, namespace.name)


def test_nothing_to_restore(namespace: Kubectl, gsb: Plugin) -> None:
    done = gsb("restore", "--yes")
    assert done.returncode == 1 and f"there is no restore point of namespace {namespace.name}" in done.stderr
    done = gsb("restore", "nothing", "--yes")
    assert done.returncode == 1 and "has no restore point nothing" in done.stderr
    assert "There is no restore point" in gsb("restorepoints").stderr
    assert gsb("restore", "--to", K10).returncode == 2


def test_dry_run_name_clash_and_refusal_by_admission(
    backed_up: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
) -> None:
    name = namespace.name
    points = {one["type"]: one for one in gsb.json("restorepoints")["items"]}
    dry = gsb("restore", "--dry-run=server")
    assert dry.returncode == 0 and "restore         asked (server dry run)" in dry.stdout
    assert not kubectl.within(name).json("get", "restoreactions.actions.kio.kasten.io")["items"]

    # a restore point of the content's name that refers to another content
    namespace("delete", POINTS, points["exported"]["name"])
    namespace("create", "-f", "-", stdin=(
        f'{{"apiVersion": "apps.kio.kasten.io/v1alpha1", "kind": "RestorePoint", "metadata": {{"name": '
        f'"{points["exported"]["content"]}"}}, "spec": {{"restorePointContentRef": {{"name": '
        f'"{points["local"]["content"]}"}}}}}}'))
    clash = gsb("restore", f"restorepointcontent/{points['exported']['content']}", "--yes")
    assert clash.returncode == 1 and f"but of the content {points['local']['content']}" in clash.stderr

    # what the namespace needs is known to nobody: no policy, no namespace, the record and the grant not in the backup
    namespace("annotate", "deployment", "web", "--overwrite", "oc-gsb.io/injection=damaged")
    namespace("delete", "rolebinding", "oc-gsb:restricted-v2-gsb:default")
    gsb.ok("backup", "--force", "--no-export", "--policy", f"{name}-local")
    kubectl.within(K10)("delete", POLICY_KIND, f"{name}-local", f"{name}-gsb")
    newest = gsb.json("restorepoints")["items"][0]["content"]
    kubectl("delete", "namespace", name, "--timeout=120s")
    done = gsb("restore", newest, "--timeout", "25s")
    assert done.returncode == 4, done.stderr
    assert "nothing is known of the SCCs the workloads need" in done.stderr
    assert "pods are refused" in done.stderr and 'capabilities.add: Invalid value: "CHOWN"' in done.stderr
    again = gsb("restore", newest, "--yes", "--timeout", "3s")
    assert again.returncode == 4 and "is under way; following it" in again.stderr
    other = gsb("restore", points["exported"]["content"], "--yes")
    assert other.returncode == 3 and "another restore is under way" in other.stderr


def test_namespace_that_is_being_deleted(backed_up: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
                                         ) -> None:
    namespace("patch", "configmap", "kube-root-ca.crt", "--type=merge", "-p",
              '{"metadata": {"finalizers": ["tests.rwx/hold"]}}')
    kubectl("delete", "namespace", namespace.name, "--wait=false")
    try:
        done = gsb("restore", "--yes")
        assert done.returncode == 3 and f"namespace {namespace.name} is being deleted" in done.stderr
    finally:
        namespace("patch", "configmap", "kube-root-ca.crt", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')


def test_user_of_one_namespace(backed_up: Application, namespace: Kubectl, gsb: Plugin) -> None:
    """admin and k10-basic in the namespace, nothing in kasten-io: lists and restores in place."""
    for role in ("admin", "k10-basic"):
        namespace("create", "rolebinding", role, f"--clusterrole={role}", "--user=dev")
    before = backed_up.data()
    listed = gsb("restorepoints", "--as", "dev")
    assert listed.returncode == 0 and "restore points of deleted namespaces are not shown" in listed.stderr
    done = gsb("restore", "--yes", "--as", "dev")
    assert done.returncode == 0, done.stderr
    assert backed_up.data() == before
