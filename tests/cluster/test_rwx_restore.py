"""kubectl rwx restore on a real cluster: claims that fit, and the reasons why others are not made."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, pod
from cluster.rwx_objects import (
    bind_claims,
    checksum,
    checksum_of_claim,
    claim_names,
    give_up_restore,
    snapshot_names,
    start_application,
    start_pods,
)


def foreign_snapshot(name: str, *, source: str, snapshot_class: str = "shared") -> dict[str, Any]:
    """A VolumeSnapshot as somebody makes it with kubectl."""
    return {
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name},
        "spec": {"volumeSnapshotClassName": snapshot_class, "source": {"persistentVolumeClaimName": source}},
    }


def wait_ready(namespace: Kubectl, *names: str) -> None:
    targets = [f"vs/{name}" for name in names]
    namespace("wait", "--for=jsonpath={.status.readyToUse}=true", *targets, "--timeout=90s")


def test_the_claim_is_as_its_source_was_though_the_source_is_gone(rwx: Plugin, namespace: Kubectl) -> None:
    start_application(namespace, size="96Mi")
    before = checksum(namespace)
    rwx.ok("snapshot", "pvc/data", "--name", "last")
    namespace("delete", "pod", "writer-a", "writer-b")
    namespace("delete", "pvc", "data", "--timeout=60s")

    done = rwx("restore", "vs/last", "--to", "data")
    assert done.returncode == 0, done.stderr
    spec = namespace.json("get", "pvc/data")["spec"]
    assert (spec["accessModes"], spec["storageClassName"]) == (["ReadWriteMany"], "shared")
    assert spec["volumeMode"] == "Filesystem"
    assert spec["resources"]["requests"]["storage"] == "96Mi"
    assert spec["dataSource"] == {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "last"}
    assert checksum_of_claim(namespace, "data") == before


def test_a_set_is_restored_as_a_set(rwx: Plugin, namespace: Kubectl) -> None:
    sources = [claim("a", size="10Mi"), claim("b", storage_class="block", access_mode="ReadWriteOnce", size="20Mi"),
               claim("c", storage_class="sized", size="30Mi")]
    bind_claims(namespace, *sources)
    rwx.ok("snapshot", "--all", "--name", "nightly")
    report = rwx.json("restore", "nightly", "--suffix", "-again")
    assert {item["phase"] for item in report["items"]} == {"Bound"}
    assert [(item["name"], item["class"], item["request"]) for item in report["items"]] == [
        ("a-again", "shared", "10Mi"), ("b-again", "block", "20Mi"), ("c-again", "sized", "30Mi"),
    ]
    assert namespace.jsonpath("get", "pvc/b-again", path="{.spec.accessModes}") == '["ReadWriteOnce"]'


def test_a_snapshot_made_with_kubectl_is_restored(rwx: Plugin, namespace: Kubectl) -> None:
    start_application(namespace)
    namespace.apply(foreign_snapshot("by-hand", source="data"))
    wait_ready(namespace, "by-hand")
    assert rwx("restore", "vs/by-hand").returncode == 0
    assert checksum_of_claim(namespace, "data-restored") == checksum(namespace)


def test_a_second_run_changes_nothing(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data"))
    rwx.ok("snapshot", "pvc/data", "--name", "once")
    rwx.ok("restore", "vs/once")
    version = namespace.jsonpath("get", "pvc/data-restored", path="{.metadata.resourceVersion}")
    again = rwx("restore", "once")
    assert again.returncode == 0
    assert "persistentvolumeclaim/data-restored unchanged" in again.stderr
    assert namespace.jsonpath("get", "pvc/data-restored", path="{.metadata.resourceVersion}") == version


@pytest.mark.parametrize("mode", ["client", "server"])
def test_dry_run_changes_nothing(rwx: Plugin, namespace: Kubectl, mode: str) -> None:
    bind_claims(namespace, claim("data"))
    rwx.ok("snapshot", "pvc/data", "--name", "once")
    done = rwx("restore", "vs/once", f"--dry-run={mode}")
    assert done.returncode == 0, done.stderr
    assert "data-restored" in done.stdout
    assert claim_names(namespace) == ["data"]


def test_a_claim_in_the_way_is_left_alone(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data"))
    rwx.ok("snapshot", "pvc/data", "--name", "once")
    uid = namespace.jsonpath("get", "pvc/data", path="{.metadata.uid}")
    done = rwx("restore", "vs/once", "--to", "data")
    assert done.returncode == 1
    assert "persistentvolumeclaim/data: it exists already and was left alone" in done.stderr
    assert namespace.jsonpath("get", "pvc/data", path="{.metadata.uid}") == uid


def test_too_small_is_refused_before_anything_is_created(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", storage_class="sized", size="64Mi"))
    rwx.ok("snapshot", "pvc/data", "--name", "big")
    done = rwx("restore", "vs/big", "--size", "32Mi")
    assert done.returncode == 2
    assert "--size 32Mi is too small" in done.stderr and "at least 64Mi" in done.stderr
    assert claim_names(namespace) == ["data"]
    larger = rwx.json("restore", "vs/big", "--size", "80Mi")
    assert larger["items"][0]["request"] == "80Mi"


def test_waiting_for_the_first_consumer_is_success(rwx: Plugin, namespace: Kubectl) -> None:
    namespace.apply(claim("data", storage_class="late"))
    start_pods(namespace, pod("user", {"data": "/data"}, command="echo kept > /data/file; sleep infinity"))
    rwx.ok("snapshot", "pvc/data", "--name", "late")
    done = rwx("restore", "vs/late")
    assert done.returncode == 0, done.stderr
    assert "waits for its first consumer" in done.stderr
    assert "WaitsForConsumer" in done.stdout
    assert namespace.jsonpath("get", "pvc/data-restored", path="{.status.phase}") == "Pending"
    start_pods(namespace, pod("reader", {"data-restored": "/data"}))
    assert namespace.sh("reader", "cat /data/file") == "kept\n"


def test_what_the_provisioner_says_is_quoted_at_the_timeout(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", storage_class="block", access_mode="ReadWriteOnce"))
    rwx.ok("snapshot", "pvc/data", "--name", "one-node")
    done = rwx("restore", "vs/one-node", "--access-mode", "RWX", "--timeout", "8s")
    assert done.returncode == 4
    assert "not Bound after 8s (--timeout)" in done.stderr
    assert "ProvisioningFailed" in done.stderr and "is not offered" in done.stderr
    assert "kubectl delete pvc" in done.stderr
    give_up_restore(namespace, snapshot="one-node", claim="data-restored")


def test_a_snapshot_that_is_not_ready(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", storage_class="failing"))
    rwx("snapshot", "pvc/data", "--name", "broken", "--no-wait")
    namespace.wait_until(
        lambda: namespace.jsonpath("get", "vs/broken", path="{.status.error.message}"), "the driver's refusal"
    )
    done = rwx("restore", "vs/broken")
    assert done.returncode == 3
    assert "it is not ready to use" in done.stderr and "out of snapshot reserve" in done.stderr
    assert claim_names(namespace) == ["data"]


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["--storage-class", "block"], 2, 'StorageClass "block" is of block.csi.sandbox.local'),
    (["--storage-class", "absent"], 1, 'there is no StorageClass "absent" (--storage-class)'),
])
def test_a_class_that_cannot_read_the_snapshot(
    rwx: Plugin, namespace: Kubectl, arguments: list[str], code: int, words: str
) -> None:
    bind_claims(namespace, claim("data"))
    rwx.ok("snapshot", "pvc/data", "--name", "once")
    done = rwx("restore", "vs/once", *arguments)
    assert done.returncode == code
    assert words in done.stderr and "--storage-class: shared" in done.stderr
    assert claim_names(namespace) == ["data"]


def test_an_interrupt_says_what_remains(
    rwx: Plugin, namespace: Kubectl, cluster_environment: dict[str, str]
) -> None:
    bind_claims(namespace, claim("data", storage_class="block", access_mode="ReadWriteOnce"))
    rwx.ok("snapshot", "pvc/data", "--name", "once")
    command = subprocess.Popen(
        ["kubectl-rwx", "-n", namespace.name, "restore", "vs/once", "--access-mode", "RWX"], env=cluster_environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    namespace.wait_until(lambda: "data-restored" in claim_names(namespace), "the restored claim")
    os.kill(command.pid, signal.SIGINT)
    _, stderr = command.communicate(timeout=60)
    assert command.returncode == 130
    assert "filled by themselves: data-restored" in stderr
    assert f"kubectl delete pvc -n {namespace.name} data-restored" in stderr
    assert snapshot_names(namespace) == ["once"]
    give_up_restore(namespace, snapshot="once", claim="data-restored")
