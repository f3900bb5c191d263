"""Policies and profiles: made once, checked, and never overwritten by accident."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cluster.kasten_objects import K10, POLICY_KIND, PROFILE, own_profile, tidy
from cluster.kubectl import Kubectl, Plugin

pytestmark = pytest.mark.xdist_group("kasten")
FAULT = "sandbox.rwx/fault-validation"


@pytest.fixture(autouse=True)
def tidied(namespace: Kubectl, kubectl: Kubectl) -> Iterator[None]:
    yield
    tidy(kubectl, namespace.name)


def test_dry_run_create_again_replace_delete(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> None:
    name, kasten = f"{namespace.name}-gsb", kubectl.within(K10)
    for dry in ("client", "server"):
        assert "created" in gsb.ok("policy", "create", f"--dry-run={dry}")
        assert kasten("get", POLICY_KIND, name, check=False).returncode == 1
    assert gsb.json("policy", "create")["items"][0]["result"] == "created"
    spec = kasten.json("get", POLICY_KIND, name)["spec"]
    reference = {"profile": {"name": PROFILE, "namespace": K10}}
    assert spec["actions"] == [
        {"action": "backup", "backupParameters": reference},
        {"action": "export", "exportParameters": {**reference, "exportData": {"enabled": True}}},
    ]
    assert spec["frequency"] == "@onDemand" and "retention" not in spec
    version = kasten.json("get", POLICY_KIND, name)["metadata"]["resourceVersion"]
    assert gsb.json("policy", "create")["items"][0]["result"] == "unchanged"
    assert kasten.json("get", POLICY_KIND, name)["metadata"]["resourceVersion"] == version

    clash = gsb("policy", "create", "--no-export")
    assert clash.returncode == 1
    assert f"there is a policy {name} in namespace {K10}, made by oc-gsb, that says something else in" in clash.stderr
    assert "--replace" in clash.stderr and "--name" in clash.stderr
    assert gsb.json("policy", "create", "--no-export", "--replace")["items"][0]["result"] == "replaced"
    assert [one["action"] for one in kasten.json("get", POLICY_KIND, name)["spec"]["actions"]] == ["backup"]
    shown = gsb.json("policy", "status")["items"]
    assert [(one["name"], one["validation"], one["exportProfile"]) for one in shown] == [(name, "Success", None)]
    assert "deleted" in gsb.ok("policy", "delete", name, "--yes")
    gone = gsb("policy", "status", name)
    assert gone.returncode == 1 and f"there is no policy {name}" in gone.stderr


def test_a_strangers_policy_is_left_alone(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> None:
    kubectl.within(K10).apply({
        "apiVersion": "config.kio.kasten.io/v1alpha1", "kind": "Policy",
        "metadata": {"name": f"{namespace.name}-gsb"},
        "spec": {"frequency": "@daily", "retention": {"daily": 7}, "actions": [{"action": "backup"}],
                 "selector": {"matchLabels": {"k10.kasten.io/appNamespace": namespace.name}}}})
    done = gsb("policy", "create")
    assert done.returncode == 1 and "not made by oc-gsb" in done.stderr
    for path in ("frequency", "retention", "selector", "actions"):
        assert path in done.stderr
    assert gsb.json("policy", "status")["items"][0]["frequency"] == "@daily"


def test_several_profiles_need_a_choice(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> None:
    with own_profile(kubectl, f"p-{namespace.name}") as other:
        done = gsb("policy", "create")
        assert done.returncode == 2
        assert "several location profiles could be used" in done.stderr
        assert other in done.stderr and PROFILE in done.stderr
        created = gsb.json("policy", "create", "--profile", PROFILE, "--export-profile", other)["items"][0]
        assert (created["profile"], created["exportProfile"]) == (PROFILE, other)


@pytest.mark.parametrize("spec, annotations, words", [
    ({"type": "Infra"}, {}, "it is of type Infra; Kanister operations need a Location profile"),
    ({}, {FAULT: "bucket is not writable"}, "its validation is Failed: bucket is not writable"),
    ({"locationSpec": {"type": "VeeamRepository"}}, {}, "a Veeam repository cannot hold restore points"),
], ids=["infra", "invalid", "veeam"])
def test_profile_that_cannot_serve(
    namespace: Kubectl, kubectl: Kubectl, gsb: Plugin, spec: dict[str, object], annotations: dict[str, str], words: str
) -> None:
    with own_profile(kubectl, f"p-{namespace.name}", spec=spec, **annotations) as name:
        done = gsb("policy", "create", "--profile", name)
        assert done.returncode == 3 and words in done.stderr
        assert gsb("policy", "create").returncode == 0, "the only one that fits is taken"


def test_absent_profile(gsb: Plugin) -> None:
    done = gsb("policy", "create", "--profile", "nowhere")
    assert done.returncode == 1 and "there is no profile nowhere in namespace kasten-io" in done.stderr


def test_immutable_profile_is_warned_about(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> None:
    base = kubectl.within(K10).json("get", "profiles.config.kio.kasten.io", PROFILE)["spec"]["locationSpec"]
    immutable = {**base, "objectStore": {**base["objectStore"], "protectionPeriod": "240h"}}
    with own_profile(kubectl, f"p-{namespace.name}", spec={"locationSpec": immutable}) as name:
        done = gsb("policy", "create", "--profile", name)
        assert done.returncode == 0
        assert "immutable (protection period 240h): for GSB the period is ignored" in done.stderr


def test_policy_kasten_does_not_accept_or_never_validates(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> None:
    kasten, name = kubectl.within(K10), f"{namespace.name}-gsb"
    gsb.ok("policy", "create")
    kasten("annotate", POLICY_KIND, name, f"{FAULT}=selector matches nothing")
    kasten.wait_until(lambda: kasten.json("get", POLICY_KIND, name)["status"]["validation"] == "Failed", "the fault")
    done = gsb("policy", "run", name)
    assert done.returncode == 3
    assert f"Kasten does not accept policy {name}: its validation is Failed: selector matches nothing" in done.stderr
    kasten("annotate", POLICY_KIND, name, "--overwrite", f"{FAULT}=pending")
    kasten("patch", POLICY_KIND, name, "--type=merge", "--subresource=status", "-p", json.dumps({"status": None}))
    done = gsb("policy", "create", "--timeout", "3s")
    assert done.returncode == 4 and "within 3s (--timeout): its validation is not done yet" in done.stderr


def test_namespaces_that_cannot_be_meant(gsb: Plugin) -> None:
    done = gsb("policy", "create", "-n", "not-there")
    assert done.returncode == 1 and "there is no namespace not-there" in done.stderr
    done = gsb("backup", "-n", K10)
    assert done.returncode == 2 and "Kasten's own namespace" in done.stderr


def test_no_kasten_in_the_namespace_named(namespace: Kubectl, gsb: Plugin) -> None:
    done = gsb("token", "status", "--k10-namespace", namespace.name)
    assert done.returncode == 3 and f"there is no Kasten in namespace {namespace.name}" in done.stderr
    assert "--k10-namespace" in done.stderr


def test_without_rights_in_kasten_io(namespace: Kubectl, gsb: Plugin) -> None:
    namespace("create", "rolebinding", "dev", "--clusterrole=admin", "--user=dev")
    for arguments in (["token", "status"], ["policy", "create"], ["policy", "status"], ["backup"], ["restorepoints"],
                      ["restore", "--yes"]):
        done = gsb(*arguments, "--as", "dev")
        assert done.returncode == 5, (arguments, done.stderr)
        assert "kasten" in done.stderr and ("may not" in done.stderr or "cannot" in done.stderr)
    created = gsb("policy", "create", "--as", "dev")
    assert "create policies.config.kio.kasten.io in namespace kasten-io" in created.stderr
    assert "k10-admin" in created.stderr
