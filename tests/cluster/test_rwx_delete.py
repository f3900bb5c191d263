"""kubectl rwx delete and cleanup on a real cluster."""

from __future__ import annotations

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, pod
from cluster.rwx_objects import bind_claims, let_go_of, snapshot_names


def test_a_set_goes_whole_and_the_storage_with_it(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", size="16Mi"), claim("b", size="16Mi"))
    rwx.ok("snapshot", "--all", "--name", "s1")
    rwx.ok("snapshot", "pvc/a", "--name", "s2")
    contents = namespace.jsonpath("get", "vs", path="{.items[*].status.boundVolumeSnapshotContentName}").split()
    refused = rwx("delete", "s1", stdin="")
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert rwx("delete", "s1", "--dry-run=server").returncode == 0
    assert len(snapshot_names(namespace)) == 3
    done = rwx("delete", "s1", "--yes")
    assert done.returncode == 0, done.stderr
    assert snapshot_names(namespace) == ["s2"]
    left = namespace("get", "volumesnapshotcontent", "-o", "name").stdout
    assert sum(content in left for content in contents) == 1
    assert rwx("delete", "s1", "--yes").returncode == 1


def test_what_holds_a_snapshot_is_said(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", size="16Mi"))
    rwx.ok("snapshot", "pvc/a", "--name", "held")
    namespace("patch", "vs/held", "--type=json", "-p",
              '[{"op": "add", "path": "/metadata/finalizers/-", "value": "example.org/held"}]')
    done = rwx("delete", "vs/held", "--yes", "--timeout", "4s")
    assert done.returncode == 4
    assert "finalizer example.org/held: its owner has not let go" in done.stderr
    assert snapshot_names(namespace) == ["held"]
    finalizers = namespace.json("get", "vs/held")["metadata"]["finalizers"]
    assert "example.org/held" in finalizers, "nothing was stripped"
    namespace("patch", "vs/held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def test_failed_snapshots_and_pods_of_crashed_runs_are_cleaned_up(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", size="16Mi"), claim("f", storage_class="failing", size="16Mi"))
    rwx.ok("snapshot", "pvc/a", "--name", "good")
    rwx("snapshot", "pvc/f", "--name", "broken", "--no-wait")
    namespace.wait_until(lambda: namespace.jsonpath("get", "vs/broken", path="{.status.error.message}"), "the refusal")
    left = pod("rwx-bind-left", {"a": "/a"})
    left["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "kubectl-rwx", "kubectl-rwx.io/run": "crashed",
                                  "kubectl-rwx.io/temporary": "bind"}
    namespace.apply(left)
    young = rwx("cleanup", "--yes")
    assert young.returncode == 0 and "a run may still need it" in young.stdout
    assert sorted(snapshot_names(namespace)) == ["broken", "good"]
    done = rwx("cleanup", "--yes", "--older-than", "0s")
    assert done.returncode == 0, done.stderr
    assert snapshot_names(namespace) == ["good"]
    assert namespace("get", "pods", "-o", "name").stdout == ""
    assert "Nothing is left behind." in rwx("cleanup", "--yes", "--older-than", "0s").stderr


def test_a_failed_restores_snapshot_can_be_deleted_later(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", storage_class="block", access_mode="ReadWriteOnce", size="16Mi"))
    rwx.ok("snapshot", "pvc/a", "--name", "s1")
    assert rwx("restore", "vs/s1", "--access-mode", "RWX", "--timeout", "4s").returncode == 4
    assert rwx("delete", "vs/s1", "--yes", "--timeout", "4s").returncode == 3
    namespace("delete", "pvc", "a-restored")
    let_go_of(namespace, "s1")
    assert rwx("delete", "vs/s1", "--yes").returncode == 0
