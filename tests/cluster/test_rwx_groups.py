"""kubectl rwx snapshot --group on a real cluster: one cut of several claims, and the sets that come of it."""

from __future__ import annotations

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment
from cluster.rwx_objects import bind_claims, snapshot_names


def test_claims_of_one_driver_are_cut_as_one_group(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, *(claim(name, size="10Mi") for name in ("a", "b")),
                claim("other", storage_class="fuzzy", size="10Mi"))
    report = rwx.json("snapshot", "--all", "--name", "nightly")
    assert sorted(item["source"] for item in report["items"]) == ["a", "b", "other"]
    assert {item["set"] for item in report["items"]} == {"nightly"} and all(item["ready"] for item in report["items"])
    [group] = namespace.json("get", "volumegroupsnapshots")["items"]
    assert group["metadata"]["name"] == "nightly" and group["status"]["readyToUse"]
    members = {item["source"]: namespace.json("get", f"vs/{item['name']}") for item in report["items"]}
    owners = {source: one["metadata"].get("ownerReferences", [{}])[0].get("uid") for source, one in members.items()}
    assert owners == {"a": group["metadata"]["uid"], "b": group["metadata"]["uid"], "other": None}
    cuts = {members[source]["status"]["creationTime"] for source in "ab"}
    assert len(cuts) == 1
    assert members["a"]["metadata"]["annotations"]["kubectl-rwx.io/source-size"] == "10Mi"
    left = namespace("get", "pvc", "-l", "kubectl-rwx.io/group-cut", "-o", "name").stdout
    assert left == ""


def test_a_group_restores_as_a_set_and_is_deleted_whole(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, *(claim(name, size="10Mi") for name in ("a", "b")))
    rwx.ok("snapshot", "pvc/a", "pvc/b", "--name", "pair", "--group", "always")
    rwx.ok("restore", "pair", "--suffix", "-copy")
    assert namespace.jsonpath("get", "pvc/a-copy", "pvc/b-copy", path="{.items[*].status.phase}") == "Bound Bound"
    rwx.ok("delete", "pair", "--yes")
    assert snapshot_names(namespace) == [] and namespace.json("get", "volumegroupsnapshots")["items"] == []


def test_frozen_writers_are_cut_as_one_group(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, *(claim(name, size="10Mi") for name in ("a", "b")))
    namespace.apply(deployment("web", {"a": "/a", "b": "/b"}, replicas=2))
    namespace("rollout", "status", "deploy/web", "--timeout=90s")
    items = rwx.json("snapshot", "deploy/web", "--name", "still", "--group", "always",
                     "--freeze", "touch /tmp/frozen", "--thaw", "rm /tmp/frozen")["items"]
    assert sorted((item["source"], item["consistency"]) for item in items) == [("a", "quiesced"), ("b", "quiesced")]
    assert namespace.jsonpath("get", "vgs/still", path="{.status.readyToUse}") == "true"
    assert namespace.sh("deploy/web", "ls /tmp/frozen", check=False) == ""


def test_never_makes_single_snapshots(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, *(claim(name, size="10Mi") for name in ("a", "b")))
    rwx.ok("snapshot", "--all", "--name", "each", "--group", "never")
    assert snapshot_names(namespace) == ["each-a", "each-b"]
    assert namespace.json("get", "volumegroupsnapshots")["items"] == []


@pytest.mark.parametrize("mode, code", [("auto", 0), ("always", 3)])
def test_a_driver_without_groups(rwx: Plugin, namespace: Kubectl, mode: str, code: int) -> None:
    bind_claims(namespace, *(claim(name, storage_class="sized", size="10Mi") for name in ("a", "b")))
    done = rwx("snapshot", "--all", "--name", "each", "--group", mode)
    assert done.returncode == code, done.stderr
    assert "sized.csi.sandbox.local has no VolumeGroupSnapshotClass" in done.stderr
    assert snapshot_names(namespace) == ([] if code else ["each-a", "each-b"])


def test_a_label_that_a_dead_run_left_is_removed_by_thaw(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", size="10Mi"))
    namespace("label", "pvc/a", "kubectl-rwx.io/group-cut=dead")
    assert "label of a group cut removed" in rwx.ok("thaw", "--all")
    assert "group-cut" not in namespace("get", "pvc/a", "--show-labels").stdout
