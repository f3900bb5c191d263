"""kubectl rwx snapshot on a real cluster: what it makes, what it says, and what is there when it stops early."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, pod
from cluster.proxies import Proxy, proxy_to
from cluster.rwx_objects import bind_claims, checksum, checksum_of_claim, snapshot_names, start_application, start_pods

NAME = "volumesnapshot.snapshot.storage.k8s.io/"


def test_shared_data_comes_back_as_it_was(rwx: Plugin, namespace: Kubectl) -> None:
    start_application(namespace)
    nodes = namespace("get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}").stdout.split()
    assert len(set(nodes)) == min(2, len(namespace.json("get", "nodes")["items"]))
    before = checksum(namespace)
    assert checksum(namespace, name="writer-b") == before

    taken = rwx("snapshot", "pvc/data", "--name", "before")
    assert taken.returncode == 0, taken.stderr
    assert namespace.jsonpath("get", "vs/before", path="{.status.readyToUse}") == "true"
    namespace.sh("writer-a", "rm -rf /data/* && echo lost > /data/note")

    restored = rwx("restore", "vs/before")
    assert restored.returncode == 0, restored.stderr
    assert checksum_of_claim(namespace, "data-restored") == before
    assert checksum(namespace) != before
    assert namespace.sh("writer-b", "cat /data/note") == "lost\n"


def test_the_snapshot_carries_what_a_restore_needs(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", size="64Mi"))
    report = rwx.json("snapshot", "pvc/data")
    [item] = report["items"]
    made = namespace.json("get", f"vs/{item['name']}")
    assert made["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "kubectl-rwx", "kubectl-rwx.io/set": item["set"],
        "kubectl-rwx.io/run": item["run"],
    }
    annotations = made["metadata"]["annotations"]
    assert annotations["kubectl-rwx.io/source-size"] == "64Mi"
    assert annotations["kubectl-rwx.io/source-access-modes"] == "ReadWriteMany"
    assert annotations["kubectl-rwx.io/source-storage-class"] == "shared"
    assert annotations["kubectl-rwx.io/consistency"] == "crash"
    assert made["spec"]["volumeSnapshotClassName"] == "shared"
    assert item["name"] == item["set"] == report["set"]


@pytest.mark.parametrize("storage_class", ["fuzzy", "sized"])
def test_each_driver_has_its_own_class(rwx: Plugin, namespace: Kubectl, storage_class: str) -> None:
    bind_claims(namespace, claim("data", storage_class=storage_class))
    [item] = rwx.json("snapshot", "pvc/data")["items"]
    assert (item["class"], item["ready"], item["driver"]) == (storage_class, True, f"{storage_class}.csi.sandbox.local")


def test_all_claims_of_a_namespace_are_one_set(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, *(claim(name, size="10Mi") for name in ("a", "b", "c")),
                claim("block", storage_class="block", access_mode="ReadWriteOnce", size="10Mi"))
    done = rwx("snapshot", "--all", "--name", "nightly", "--group", "never")
    assert done.returncode == 0, done.stderr
    assert snapshot_names(namespace) == ["nightly-a", "nightly-b", "nightly-block", "nightly-c"]
    ready = namespace.jsonpath("get", "vs", "-l", "kubectl-rwx.io/set=nightly", path="{.items[*].status.readyToUse}")
    assert ready.split() == ["true"] * 4
    assert done.stdout.splitlines()[0].split()[:3] == ["NAME", "SOURCE", "READY"]


def test_a_selector_takes_only_its_own(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("in", labels={"app": "shop"}), claim("out"))
    assert [item["source"] for item in rwx.json("snapshot", "-l", "app=shop")["items"]] == ["in"]


def test_the_good_ones_are_done_and_the_others_are_told(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data"), claim("none", storage_class="nosnap"))
    done = rwx("snapshot", "--all", "-o", "json")
    assert done.returncode == 6
    report = json.loads(done.stdout)
    assert [item["source"] for item in report["items"]] == ["data"]
    assert [problem["object"] for problem in report["problems"]] == ["persistentvolumeclaim/none"]
    assert "1 of 2 claims have no ready snapshot" in done.stderr


def test_a_failing_driver_is_quoted_at_the_timeout(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", storage_class="failing"))
    done = rwx("snapshot", "pvc/data", "--name", "broken", "--timeout", "8s")
    assert done.returncode == 4
    assert "not ready after 8s (--timeout)" in done.stderr
    words = namespace.jsonpath("get", "vs/broken", path="{.status.error.message}")
    assert words and " ".join(words.split()) in done.stderr
    assert "broken at status.error: " in done.stderr
    assert "kubectl rwx wait" in done.stderr and "kubectl delete vs" in done.stderr
    assert "broken" in done.stdout


def test_a_slow_driver_is_waited_for(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", storage_class="slow"))
    done = rwx("snapshot", "pvc/data", "--name", "slow")
    assert done.returncode == 0, done.stderr
    assert "cut, not ready to use yet" in done.stderr
    assert namespace.jsonpath("get", "vs/slow", path="{.status.readyToUse}") == "true"


def test_no_wait_returns_before_it_is_ready(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", storage_class="slow"))
    [item] = rwx.json("snapshot", "pvc/data", "--name", "slow", "--no-wait")["items"]
    assert item["ready"] is False
    assert snapshot_names(namespace) == ["slow"]


def test_a_claim_still_being_bound_is_waited_for(rwx: Plugin, namespace: Kubectl) -> None:
    namespace.apply(claim("data"))
    done = rwx("snapshot", "pvc/data", "--name", "early")
    assert done.returncode == 0, done.stderr


def test_first_consumers_are_told_at_once_and_then_snapshotted(rwx: Plugin, namespace: Kubectl) -> None:
    namespace.apply(claim("data", storage_class="late"))
    refused = rwx("snapshot", "pvc/data")
    assert refused.returncode == 3
    assert 'its class "late" waits for the first pod that uses it' in refused.stderr
    start_pods(namespace, pod("user", {"data": "/data"}))
    assert rwx("snapshot", "pvc/data").returncode == 0


@pytest.mark.parametrize("mode", ["client", "server"])
def test_dry_run_changes_nothing(rwx: Plugin, namespace: Kubectl, mode: str) -> None:
    bind_claims(namespace, claim("data"))
    done = rwx("snapshot", "pvc/data", "--name", "dry", f"--dry-run={mode}")
    assert done.returncode == 0, done.stderr
    assert "created (" in done.stderr and "dry run)" in done.stderr
    assert "dry" in done.stdout
    assert snapshot_names(namespace) == []


def test_a_second_run_of_the_same_name_adds_nothing(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data"), claim("logs"))
    assert rwx("snapshot", "pvc/data", "--name", "once").returncode == 0
    uid = namespace.jsonpath("get", "vs/once", path="{.metadata.uid}")
    again = rwx("snapshot", "pvc/data", "pvc/logs", "--name", "once")
    assert again.returncode == 1
    assert 'the snapshot set "once" exists already' in again.stderr
    assert snapshot_names(namespace) == ["once"]
    assert namespace.jsonpath("get", "vs/once", path="{.metadata.uid}") == uid


def test_names_can_be_piped_to_kubectl(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data"))
    name = rwx.ok("snapshot", "pvc/data", "-o", "name").strip()
    assert name.startswith(NAME)
    assert namespace("get", name).returncode == 0


@pytest.fixture
def proxied(kubectl: Kubectl, tmp_path: Path) -> Iterator[tuple[Proxy, Path]]:
    """A proxy before the API server, and a kubeconfig that goes through it."""
    config = kubectl.json("config", "view", "--raw", "--flatten")
    cluster = config["clusters"][0]["cluster"]
    with proxy_to(cluster["server"]) as proxy:
        cluster["server"] = f"https://127.0.0.1:{proxy.port}"
        file = tmp_path / "kubeconfig"
        file.write_text(json.dumps(config))
        yield proxy, file


def start_slow_snapshot(namespace: Kubectl, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """A run that waits for a snapshot which takes 20 s; the snapshot is there when this returns."""
    bind_claims(namespace, claim("data", storage_class="slow"))
    command = subprocess.Popen(
        ["kubectl-rwx", "-n", namespace.name, "snapshot", "pvc/data", "--name", "slow", *arguments], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    namespace.wait_until(lambda: namespace("get", "vs/slow", check=False).returncode == 0, "the snapshot")
    return command


def test_a_wait_goes_on_after_dropped_connections(
    namespace: Kubectl, cluster_environment: dict[str, str], proxied: tuple[Proxy, Path]
) -> None:
    proxy, file = proxied
    command = start_slow_snapshot(namespace, cluster_environment, "--kubeconfig", str(file))
    for _ in range(3):
        namespace.wait_until(proxy.cut, "a connection to cut")
    stdout, stderr = command.communicate(timeout=90)
    assert command.returncode == 0, stderr
    assert "true" in stdout
    assert "Traceback" not in stderr


def test_a_server_that_stays_away_is_a_timeout_that_says_how_to_go_on(
    namespace: Kubectl, cluster_environment: dict[str, str], proxied: tuple[Proxy, Path]
) -> None:
    proxy, file = proxied
    command = start_slow_snapshot(namespace, cluster_environment, "--kubeconfig", str(file), "--timeout", "10s")
    proxy.stop()
    _, stderr = command.communicate(timeout=60)
    assert command.returncode == 4, stderr
    assert "until the time for it, 10s, was over; last seen of slow: " in stderr
    assert "; 1 snapshot was created and goes on without us" in stderr
    assert "kubectl rwx wait" in stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_says_what_remains(
    namespace: Kubectl, cluster_environment: dict[str, str], number: signal.Signals
) -> None:
    command = start_slow_snapshot(namespace, cluster_environment)
    os.kill(command.pid, number)
    _, stderr = command.communicate(timeout=60)
    assert command.returncode == 130
    assert "created and left in place, they become ready by themselves: slow" in stderr
    assert "kubectl delete vs/slow" in stderr
    assert "Traceback" not in stderr
    assert snapshot_names(namespace) == ["slow"]


def test_kubectl_finds_the_plugin(kubectl: Kubectl, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data"))
    assert "before" in kubectl("rwx", "-n", namespace.name, "snapshot", "pvc/data", "--name", "before").stdout
