from __future__ import annotations

from typing import Any

import pytest

from oc_gsb.access.command_rights import COMMANDS
from oc_gsb.access.rights import make_roles
from plugin_core import errors

Roles = list[dict[str, Any]]


def made(*commands: str, namespace: str = "shop") -> Roles:
    return [role for _, role in make_roles(commands, namespace=namespace, k10_namespace="kasten-io")]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_commands_rights_make_roles(command: str) -> None:
    roles = made(command)
    assert roles and {one["kind"] for one in roles} <= {"Role", "ClusterRole"}
    assert all("*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"] for one in roles
               for rule in one["rules"])
    assert {one["metadata"]["name"] for one in roles} == {f"oc-gsb-{command}"}


def test_all_commands_have_a_role_here_one_in_kastens_namespace_and_a_cluster_role() -> None:
    here, kasten, everywhere = make_roles([], namespace="shop", k10_namespace="kasten-io")
    assert [here[1]["metadata"]["namespace"], kasten[1]["metadata"]["namespace"]] == ["shop", "kasten-io"]
    assert everywhere[1]["kind"] == "ClusterRole" and "keep this with administrators" in everywhere[0][1]


def test_in_kastens_own_namespace_both_roles_are_one() -> None:
    assert [one["kind"] for one in made("policy-status")] == ["Role"]
    assert [one["kind"] for one in made("backup", namespace="kasten-io")] == ["Role", "ClusterRole"]


def test_a_group_stands_for_its_subcommands() -> None:
    role = next(one for one in made("policy") if one["metadata"].get("namespace") == "kasten-io")
    verbs = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert role["metadata"]["name"] == "oc-gsb"
    assert {("policies", "delete"), ("policies", "create"), ("cancelactions", "create")} <= verbs


def test_a_verb_for_all_names_is_not_repeated_for_some() -> None:
    (kasten, _) = made("token-status", "token-set")
    deployments = [rule for rule in kasten["rules"] if rule["resources"] == ["deployments"]]
    assert sorted((rule.get("resourceNames", []), rule["verbs"]) for rule in deployments) == [
        ([], ["list", "watch"]), (["executor-svc"], ["get"])]


def test_an_unknown_command_is_named() -> None:
    with pytest.raises(errors.UsageError, match="no rights are known for nope"):
        made("nope")
