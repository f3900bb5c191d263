from __future__ import annotations

import pytest

from kubectl_rwx.readiness.roles import NEEDS, RoleRequest, make_roles
from plugin_core import errors
from plugin_core.render.reports import render


def rules(*commands: str, full: bool = False) -> dict[str, dict[str, list[str]]]:
    """Verbs by kind of role and resource."""
    report = make_roles(RoleRequest(commands=commands, full=full), namespace="app")
    return {str(item["kind"]): {rule["resources"][0]: rule["verbs"] for rule in item["rules"]} for item in report.items}


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


@pytest.mark.parametrize("fields", [{"commands": ("fly",)}, {"subject": "nobody"}])
def test_what_cannot_be_meant_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(errors.UsageError):
        RoleRequest(**fields)  # type: ignore[arg-type]
