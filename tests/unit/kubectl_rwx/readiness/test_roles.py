from __future__ import annotations

import pytest

from kubectl_rwx.readiness.needs import NEEDS
from kubectl_rwx.readiness.roles import RoleRequest, make_roles
from plugin_core import errors
from plugin_core.render.reports import render


def rules(*commands: str, full: bool = False) -> dict[str, dict[str, list[str]]]:
    """Verbs by kind of role and resource, of the command's namespace and of the cluster."""
    report = make_roles(RoleRequest(commands=commands, full=full), namespace="app")
    return {str(item["kind"]): {rule["resources"][0]: rule["verbs"] for rule in item["rules"] if "resources" in rule}
            for item in report.items if item["metadata"].get("namespace") != "kube-system"}


def test_one_rule_a_resource_and_cluster_scope_only_where_needed() -> None:
    assert rules("list") == {"Role": {"volumesnapshots": ["list"]}}
    assert rules("check") == {"ClusterRole": {"storageclasses": ["list"]}}
    found = rules("verify")
    assert found["Role"]["persistentvolumeclaims"] == ["create", "delete", "list", "watch", "get"]
    assert found["Role"]["pods/exec"] == ["create", "get"]
    assert found["ClusterRole"] == {"storageclasses": ["get"], "volumesnapshotclasses": ["list"]}


def test_full_adds_and_never_takes_away() -> None:
    for command in NEEDS:
        least, full = rules(command), rules(command, full=True)
        for kind, resources in least.items():
            assert all(set(verbs) <= set(full[kind][resource]) for resource, verbs in resources.items())
    assert rules("verify", full=True)["ClusterRole"]["storageclasses"] == ["get", "patch", "list"]


def test_the_answer_is_a_list_that_kubectl_applies() -> None:
    report = make_roles(RoleRequest(commands=("verify",), subject="sa/backup"), namespace="app")
    text = render(report, output="yaml", api_version="kubectl-rwx/v1")
    assert text.startswith("apiVersion: v1\nkind: List\n")
    assert [item["kind"] for item in report.items] == ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]
    assert report.items[1]["subjects"] == [{"kind": "ServiceAccount", "name": "backup", "namespace": "app"}]


def test_ways_of_restore_add_what_they_need_where_they_need_it() -> None:
    assert "configmaps" not in rules("restore")["Role"]
    in_place = make_roles(RoleRequest(commands=("restore",), in_place=True), namespace="app")
    assert any(rule["resources"] == ["configmaps"] for rule in in_place.items[0]["rules"])
    there = make_roles(RoleRequest(commands=("restore",), to_namespace="staging"), namespace="app")
    by_space = {item["metadata"].get("namespace", ""): item["rules"] for item in there.items}
    assert list(by_space) == ["app", "staging", ""]
    assert by_space["app"] == [{"apiGroups": ["snapshot.storage.k8s.io"], "resources": ["volumesnapshots"],
                                "verbs": ["get", "list"]}]


def test_what_is_lost_without_cluster_scope_is_said() -> None:
    notes = make_roles(RoleRequest(commands=("restore",), in_place=True), namespace="app").notes
    assert any("restore --in-place refuses" in note for note in notes)
    assert not make_roles(RoleRequest(commands=("feature-gates",)), namespace="app").items
    gates = make_roles(RoleRequest(commands=("feature-gates",), full=True), namespace="app").items
    assert {"nonResourceURLs": ["/metrics"], "verbs": ["get"]} in gates[-1]["rules"]
    assert gates[0]["metadata"]["namespace"] == "kube-system"


@pytest.mark.parametrize("fields", [
    {"commands": ("fly",)}, {"subject": "nobody"}, {"commands": ("list",), "in_place": True},
])
def test_what_cannot_be_meant_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(errors.UsageError):
        RoleRequest(**fields)  # type: ignore[arg-type]
