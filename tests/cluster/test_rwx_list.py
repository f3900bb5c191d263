"""kubectl rwx list on a real cluster: ours and others', in every format."""

from __future__ import annotations

import json

import pytest
import yaml

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.rwx_objects import bind_claims
from cluster.test_rwx_restore import foreign_snapshot, wait_ready


@pytest.fixture
def snapshots(rwx: Plugin, namespace: Kubectl) -> Kubectl:
    """A set of two, and one snapshot that somebody made with kubectl."""
    bind_claims(namespace, claim("a", size="10Mi"), claim("b", size="10Mi"))
    rwx.ok("snapshot", "--all", "--name", "nightly", "--group", "never")
    namespace.apply(foreign_snapshot("by-hand", source="a"))
    wait_ready(namespace, "by-hand")
    return namespace


def test_every_format_shows_the_same_objects(rwx: Plugin, snapshots: Kubectl) -> None:
    there = set(snapshots("get", "vs", "-o", "name").stdout.split())
    assert set(rwx.ok("list", "-o", "name").split()) == there
    listed = rwx.json("list")
    assert listed["kind"] == "SnapshotList" and listed["apiVersion"] == "kubectl-rwx/v1"
    names = [item["name"] for item in listed["items"]]
    assert names in (["nightly-a", "nightly-b", "by-hand"], ["by-hand", "nightly-a", "nightly-b"])
    assert yaml.safe_load(rwx.ok("list", "-o", "yaml")) == listed
    assert [line.split()[0] for line in rwx.ok("list").splitlines()] == ["NAME", *names]


def test_ours_and_others_are_told_apart(rwx: Plugin, snapshots: Kubectl) -> None:
    items = {item["name"]: item for item in rwx.json("list")["items"]}
    ours, foreign = items["nightly-a"], items["by-hand"]
    assert (ours["managed"], ours["set"], ours["consistency"]) == (True, "nightly", "crash")
    assert (foreign["managed"], foreign["set"], foreign["source"], foreign["ready"]) == (False, None, "a", True)


def test_all_namespaces_and_selectors(rwx: Plugin, snapshots: Kubectl) -> None:
    everywhere = rwx.ok("list", "-A", "-o", "wide").splitlines()
    assert everywhere[0].split()[0] == "NAMESPACE"
    assert sum(line.split()[0] == snapshots.name for line in everywhere) == 3
    chosen = rwx.json("list", "-l", "kubectl-rwx.io/set=nightly")
    assert [item["name"] for item in chosen["items"]] == ["nightly-a", "nightly-b"]


def test_an_empty_namespace(rwx: Plugin) -> None:
    done = rwx("list")
    assert (done.returncode, done.stdout) == (0, "")
    assert f"No snapshots found in namespace {rwx.namespace}." in done.stderr
    assert json.loads(rwx.ok("list", "-o", "json"))["items"] == []


def test_what_a_driver_complains_of_is_shown(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", storage_class="failing"))
    rwx("snapshot", "pvc/data", "--name", "broken", "--no-wait")
    namespace.wait_until(
        lambda: namespace.jsonpath("get", "vs/broken", path="{.status.error.message}"), "the driver's refusal"
    )
    done = rwx("list")
    assert done.returncode == 0
    assert "volumesnapshot/broken: " in done.stderr and "stand-in fault" in done.stderr
