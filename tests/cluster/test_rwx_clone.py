"""kubectl rwx clone on a real cluster."""

from __future__ import annotations

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, pod
from cluster.rwx_objects import bind_claims, checksum, checksum_of_claim, claim_names, start_application, start_pods


def test_a_clone_has_the_data_and_a_second_run_changes_nothing(rwx: Plugin, namespace: Kubectl) -> None:
    start_application(namespace, size="48Mi")
    done = rwx("clone", "pvc/data", "copy", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert checksum_of_claim(namespace, "copy") == checksum(namespace)
    spec = namespace.json("get", "pvc/copy")["spec"]
    assert (spec["storageClassName"], spec["accessModes"]) == ("shared", ["ReadWriteMany"])
    assert spec["resources"]["requests"]["storage"] == "48Mi"
    again = rwx("clone", "pvc/data", "copy")
    assert again.returncode == 0 and "unchanged" in again.stdout
    assert rwx("clone", "pvc/copy", "data").returncode == 1


def test_dry_run_changes_nothing(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data"))
    for mode in ("client", "server"):
        assert rwx("clone", "pvc/data", "copy", f"--dry-run={mode}").returncode == 0
    assert claim_names(namespace) == ["data"]


def test_what_a_clone_cannot_do_names_what_can(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", size="64Mi"))
    for arguments, code, words in (
        (["--storage-class", "block"], 2, "a clone has the class of its source"),
        (["--to-namespace", "elsewhere"], 2, "restore vs/copy"),
        (["--size", "1Mi"], 2, "--size 1Mi is too small"),
    ):
        done = rwx("clone", "pvc/data", "copy", *arguments)
        assert done.returncode == code and words in done.stderr, done.stderr
    absent = rwx("clone", "pvc/absent", "copy")
    assert absent.returncode == 1 and 'there is no claim "absent"' in absent.stderr
    assert claim_names(namespace) == ["data"]


def test_a_late_class_is_told_at_once_or_bound(rwx: Plugin, namespace: Kubectl) -> None:
    namespace.apply(claim("data", storage_class="late", size="16Mi"))
    early = rwx("clone", "pvc/data", "copy")
    assert early.returncode == 3 and "clones Bound claims only" in early.stderr
    start_pods(namespace, pod("user", {"data": "/data"}, command="echo kept > /data/file; sleep infinity"))
    done = rwx("clone", "pvc/data", "copy")
    assert done.returncode == 0 and "waits for its first consumer" in done.stderr
    bound = rwx("clone", "pvc/data", "copy", "--bind", "--image", "sandbox.local/tools:1")
    assert bound.returncode == 0, bound.stderr
    assert namespace.jsonpath("get", "pvc/copy", path="{.status.phase}") == "Bound"
    assert namespace("get", "pods", "-o", "name").stdout.split() == ["pod/user"]


def test_a_driver_without_clones_is_told_early_and_nothing_stays(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", storage_class="block", access_mode="ReadWriteOnce", size="16Mi"))
    done = rwx("clone", "pvc/data", "copy", "--timeout", "2m")
    assert done.returncode == 3, done.stderr
    assert "does not support clone operations" in done.stderr and "kubectl rwx restore vs/copy" in done.stderr
    namespace.wait_until(lambda: claim_names(namespace) == ["data"], "the clone's removal")
