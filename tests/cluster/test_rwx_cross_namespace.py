"""kubectl rwx restore --to-namespace on a real cluster: the data arrives, and nothing else stays."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, pod
from cluster.rwx_objects import bind_claims, checksum, checksum_of_claim, claim_names, start_application, start_pods


def transfers(target: Kubectl) -> str:
    """Pairs that are still there, of this target."""
    contents = target.json("get", "volumesnapshotcontent", "-l", "kubectl-rwx.io/temporary=transfer")["items"]
    own = [one["metadata"]["name"] for one in contents if one["spec"]["volumeSnapshotRef"]["namespace"] == target.name]
    return " ".join(own) + target("get", "vs", "-o", "name").stdout


def test_the_data_arrives_and_the_original_is_untouched(
    rwx: Plugin, namespace: Kubectl, make_namespace: Callable[..., Kubectl]
) -> None:
    target = make_namespace()
    start_application(namespace, size="32Mi")
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    content = namespace.jsonpath("get", "vs/good", path="{.status.boundVolumeSnapshotContentName}")
    done = rwx("restore", "vs/good", "--to-namespace", target.name, "--to", "data")
    assert done.returncode == 0, done.stderr
    assert checksum_of_claim(target, "data") == checksum(namespace)
    assert transfers(target) == ""
    assert namespace.jsonpath("get", "vs/good", path="{.status.readyToUse}") == "true"
    policy = namespace.jsonpath("get", "volumesnapshotcontent", content, path="{.spec.deletionPolicy}")
    assert policy == "Delete", "the original's own"
    again = rwx("restore", "vs/good", "--to-namespace", target.name, "--to", "data")
    assert again.returncode == 0 and "unchanged" in again.stdout
    here = rwx("restore", "vs/good")
    assert here.returncode == 0, "the storage still has it: " + here.stderr


def test_a_set_and_a_late_claim(rwx: Plugin, namespace: Kubectl, make_namespace: Callable[..., Kubectl]) -> None:
    target = make_namespace({"pod-security.kubernetes.io/enforce": "restricted"})
    bind_claims(namespace, claim("a", size="16Mi"), claim("b", size="16Mi"))
    namespace.apply(claim("late", storage_class="late", size="16Mi"))
    start_pods(namespace, pod("user", {"late": "/data"}, command="echo kept > /data/file; sleep infinity"))
    rwx.ok("snapshot", "--all", "--name", "nightly")
    told = rwx("restore", "nightly", "--to-namespace", target.name, "--suffix", "")
    assert told.returncode == 0, told.stderr
    assert "is not filled yet" in told.stderr
    assert transfers(target) != ""
    done = rwx("restore", "nightly", "--to-namespace", target.name, "--suffix", "", "--bind", "--image",
               "sandbox.local/tools:1")
    assert done.returncode == 0, done.stderr
    assert sorted(claim_names(target)) == ["a", "b", "late"]
    assert set(target.jsonpath("get", "pvc", path="{.items[*].status.phase}").split()) == {"Bound"}
    assert transfers(target) == ""
    assert target("get", "pods", "-o", "name").stdout == ""


def test_what_a_killed_run_leaves_is_cleaned_up(
    rwx: Plugin, namespace: Kubectl, make_namespace: Callable[..., Kubectl]
) -> None:
    target = make_namespace()
    bind_claims(namespace, claim("a", size="16Mi"))
    rwx.ok("snapshot", "pvc/a", "--name", "good")
    client = subprocess.Popen(
        [rwx.executable, "-n", namespace.name, "restore", "vs/good", "--to-namespace", target.name],
        env=rwx.environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )
    assert client.stderr
    for line in client.stderr:
        if "created for the time of the restore" in line:
            os.kill(client.pid, signal.SIGKILL)
            break
    client.wait(timeout=60)
    assert transfers(target) != ""
    cleaner = Plugin(executable=rwx.executable, namespace=target.name, environment=rwx.environment)
    target.wait_until(
        lambda: set(target.jsonpath("get", "pvc", path="{.items[*].status.phase}").split()) <= {"Bound"},
        "claims that were being filled",
    )
    done = cleaner("cleanup", "--older-than", "0s", "--yes")
    assert done.returncode == 0, done.stderr
    assert transfers(target) == ""
    assert namespace.jsonpath("get", "vs/good", path="{.status.readyToUse}") == "true"
    assert rwx("restore", "vs/good", "--to-namespace", target.name).returncode == 0


def test_missing_rights_and_namespaces_are_named(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", size="16Mi"))
    rwx.ok("snapshot", "pvc/a", "--name", "good")
    absent = rwx("restore", "vs/good", "--to-namespace", "absent-namespace")
    assert absent.returncode == 1 and 'there is no namespace "absent-namespace"' in absent.stderr
    namespace("create", "role", "reader", "--verb=get,list,create", "--resource=volumesnapshots,persistentvolumeclaims")
    namespace("create", "rolebinding", "reader", "--role=reader", "--user=reader")
    denied = rwx("restore", "vs/good", "--to-namespace", "default", "--as", "reader")
    assert denied.returncode == 5
    assert "create volumesnapshotcontents.snapshot.storage.k8s.io" in denied.stderr
