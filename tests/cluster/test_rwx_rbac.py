"""kubectl rwx rbac on a real cluster: what it prints is enough for each command, and each part of it is needed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.rwx_objects import bind_claims
from plugin_core.storage.verifications import Verification, hash_parameters

IMAGE = ("--image", "sandbox.local/tools:1")
Granter = Callable[[list[dict[str, Any]]], None]


@pytest.fixture
def grant(kubectl: Kubectl, namespace: Kubectl) -> Iterator[Granter]:
    """grant(items of `rbac`) applies them under names of this test's own; a later call replaces the earlier one."""
    def apply(items: list[dict[str, Any]]) -> None:
        own = copy.deepcopy(items)
        for item in own:
            item["metadata"]["name"] = namespace.name
            if "roleRef" in item:
                item["roleRef"]["name"] = namespace.name
        kubectl.apply(*own)

    yield apply
    kubectl("delete", "clusterrole,clusterrolebinding", namespace.name, "--ignore-not-found")


def printed(rwx: Plugin, *commands: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = rwx.json("rbac", *commands, "--bind-to", f"user/{rwx.namespace}")["items"]
    return items


def act(rwx: Plugin, *arguments: str) -> Any:
    return rwx("--as", rwx.namespace, *arguments)


@pytest.fixture
def proven_class(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    """A StorageClass of this test's own with a record of verify."""
    kubectl.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": namespace.name},
                   "provisioner": "shared.csi.sandbox.local"})
    manifest = kubectl.json("get", "storageclass", namespace.name)
    record = Verification(
        date="2026-11-21T12:00:00Z", access_mode="ReadWriteMany", result="passed", driver="shared.csi.sandbox.local",
        uid=manifest["metadata"]["uid"], parameters_hash=hash_parameters(manifest),
        proved={"rwx": True, "snapshot": True},
    )
    [(key, value)] = record.annotation().items()
    kubectl("annotate", "storageclass", namespace.name, f"{key}={value}")
    yield namespace.name
    kubectl("delete", "storageclass", namespace.name)


def test_what_is_printed_is_enough_for_verify_and_every_part_is_needed(rwx: Plugin, grant: Granter) -> None:
    items = printed(rwx, "verify")
    grant(items)
    done = act(rwx, "verify", "shared", *IMAGE)
    assert done.returncode == 0, done.stderr
    assert "not written" in done.stdout
    for position, item in enumerate(items):
        for number, rule in enumerate(item.get("rules", [])):
            for verb in rule["verbs"]:
                less = copy.deepcopy(items)
                less[position]["rules"][number]["verbs"].remove(verb)
                if not less[position]["rules"][number]["verbs"]:
                    del less[position]["rules"][number]
                grant(less)
                refused = act(rwx, "verify", "shared", *IMAGE, "--dry-run=server")
                assert refused.returncode == 5, f"{verb} {rule['resources']}: {refused.stdout}{refused.stderr}"


def test_what_is_printed_is_enough_for_the_others(
    rwx: Plugin, namespace: Kubectl, grant: Granter, proven_class: str
) -> None:
    bind_claims(namespace, claim("data", storage_class=proven_class))
    grant(printed(rwx, "check"))
    assert act(rwx, "check", proven_class).returncode == 0
    for commands in (
        ["provision", "backup", "--size", "1Gi", "--class", proven_class], ["snapshot", "pvc/data", "--name", "one"],
        ["list"], ["clone", "pvc/data", "copy"],
    ):
        grant(printed(rwx, commands[0]))
        done = act(rwx, *commands)
        assert done.returncode == 0, done.stdout + done.stderr
    assert act(rwx, "list").returncode == 5
