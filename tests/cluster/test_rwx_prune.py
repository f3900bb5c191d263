"""kubectl rwx prune on a real cluster: what goes, what stays, and what is left in the storage."""

from __future__ import annotations

import signal
from datetime import datetime, timezone

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.rwx_objects import bind_claims, let_go_of, snapshot_names
from cluster.test_rwx_in_place import start_client, start_workload, stop_at
from cluster.test_rwx_restore import foreign_snapshot, wait_ready


@pytest.fixture
def series(rwx: Plugin, namespace: Kubectl) -> Kubectl:
    """Sets s1 to s3 of two claims, the oldest first, and one snapshot that somebody made with kubectl."""
    bind_claims(namespace, claim("a", size="16Mi"), claim("b", size="16Mi"))
    for number in "123":
        rwx.ok("snapshot", "--all", "--name", f"s{number}", "--group", "never")
    last = namespace.jsonpath("get", "vs/s3-a", path="{.status.creationTime}")
    namespace.wait_until(lambda: datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") > last, "the next second")
    namespace.apply(foreign_snapshot("by-hand", source="a"))
    wait_ready(namespace, "by-hand")
    return namespace


def test_the_last_stay_and_a_second_run_finds_nothing(rwx: Plugin, series: Kubectl) -> None:
    planned = rwx.json("prune", "--keep-last", "2", "--dry-run=server")
    assert {item["name"] for item in planned["items"] if item["decision"] == "delete"} == {"s1-a", "s1-b"}
    assert len(snapshot_names(series)) == 7
    done = rwx.json("prune", "--keep-last", "2")
    assert done["deleted"] == 2
    assert sorted(snapshot_names(series)) == ["by-hand", "s2-a", "s2-b", "s3-a", "s3-b"]
    assert rwx.json("prune", "--keep-last", "2")["deleted"] == 0


def test_a_group_goes_whole(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", size="16Mi"), claim("b", size="16Mi"))
    for number in "12":
        rwx.ok("snapshot", "--all", "--name", f"s{number}", "--group", "always")
    rwx.ok("snapshot", "pvc/a", "--name", "s3")
    held = rwx.json("prune", "--keep-last", "1", "--per", "source")
    assert held["deleted"] == 2, "of s2, b is the last one, so a stays with it"
    assert sorted(item["set"] for item in held["items"] if item["decision"] == "keep") == ["s2", "s2", "s3"]
    assert len(snapshot_names(namespace)) == 3
    assert len(namespace("get", "volumegroupsnapshots", "-o", "name").stdout.split()) == 1


def test_the_last_ready_one_of_a_claim_stays(rwx: Plugin, series: Kubectl) -> None:
    done = rwx.json("prune", "--keep-within", "0.001s", "--include-foreign", "--per", "source")
    kept = {item["name"]: item["reason"] for item in done["items"] if item["decision"] == "keep"}
    assert kept == {"by-hand": "the last ready one of a", "s3-b": "the last ready one of b"}
    assert sorted(snapshot_names(series)) == ["by-hand", "s3-b"]


def test_a_source_of_a_restore_under_way_stays(rwx: Plugin, series: Kubectl) -> None:
    done = rwx("restore", "vs/s1-a", "--access-mode", "RWX", "--no-wait", "--storage-class", "shared", "--to", "x")
    assert done.returncode == 0
    series("wait", "--for=jsonpath={.status.phase}=Bound", "pvc/x", "--timeout=60s")
    series.apply({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "stuck"},
        "spec": {"accessModes": ["ReadWriteMany"], "storageClassName": "shared", "volumeMode": "Block",
                 "resources": {"requests": {"storage": "16Mi"}},
                 "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s1-a"}},
    })
    pruned = rwx.json("prune", "pvc/a", "--keep-last", "1")
    reasons = {item["name"]: item["reason"] for item in pruned["items"]}
    assert reasons["s1-a"] == "claim stuck is being restored from it"
    assert sorted(snapshot_names(series)) == ["by-hand", "s1-a", "s1-b", "s2-a", "s2-b", "s3-a", "s3-b"]
    refused = rwx("delete", "vs/s1-a", "--yes")
    assert refused.returncode == 3 and "claim stuck is being restored from it" in refused.stderr
    series("delete", "pvc", "stuck")
    let_go_of(series, "s1-a")


def test_retained_contents_are_named(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", size="16Mi"))
    for number in "12":
        rwx.ok("snapshot", "pvc/a", "--name", f"s{number}")
    content = namespace.jsonpath("get", "vs/s1", path="{.status.boundVolumeSnapshotContentName}")
    namespace("patch", "volumesnapshotcontent", content, "--type=merge", "-p", '{"spec":{"deletionPolicy":"Retain"}}')
    done = rwx("prune", "--keep-last", "1")
    assert done.returncode == 0, done.stderr
    assert f"volumesnapshotcontent/{content} stays (deletionPolicy Retain)" in done.stderr
    assert snapshot_names(namespace) == ["s2"]
    namespace("patch", "volumesnapshotcontent", content, "--type=merge", "-p", '{"spec":{"deletionPolicy":"Delete"}}')
    namespace("delete", "volumesnapshotcontent", content, "--timeout=60s")


def test_a_nightly_snapshot_with_retention_and_the_safety_sets(rwx: Plugin, namespace: Kubectl) -> None:
    start_workload(namespace)
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    client = start_client(rwx)
    assert stop_at("replace", client, namespace, signal.SIGKILL)
    client.wait(timeout=60)
    unfinished = rwx("snapshot", "pvc/data", "--name", "meanwhile", "--keep-last", "1", "--timeout", "60s")
    held = {item["name"]: item["reason"] for item in rwx.json("prune", "--keep-last", "1", "--dry-run=client")["items"]}
    safety = next(name for name in held if name.startswith("before-"))
    for name in ("good", safety):
        assert name in snapshot_names(namespace), unfinished.stderr
        assert "the unfinished in-place restore kubectl-rwx-in-place-" in held[name]
    assert rwx("restore", "vs/good", "--in-place", "--yes").returncode == 0
    done = rwx.json("snapshot", "pvc/data", "--name", "tonight", "--keep-last", "2")
    # it is over, and its safety set ages like any other snapshot
    assert {"good", safety} >= set(done["pruned"]) >= {"good"}
    kept = snapshot_names(namespace)
    assert "tonight" in kept and len(kept) == 2 and "good" not in kept
    assert rwx("snapshot", "pvc/data", "--keep-last", "1", "--no-wait").returncode == 2
    bind_claims(namespace, claim("never", storage_class="failing", size="16Mi"))
    failing = rwx("snapshot", "pvc/data", "pvc/never", "--name", "late", "--keep-last", "1", "--timeout", "3s")
    assert failing.returncode == 6 and set(kept) <= set(snapshot_names(namespace)), failing.stderr
