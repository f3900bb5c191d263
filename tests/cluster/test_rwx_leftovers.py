"""kubectl rwx cleanup after a verify that was killed: nothing remains, and a verify that is at work is left alone."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin

IMAGE = ("--image", "sandbox.local/tools:1")
MOMENTS: dict[str, Callable[[list[Any]], bool]] = {
    "its first claim is made": lambda made: any(item["kind"] == "PersistentVolumeClaim" for item in made),
    "its pods run": lambda made: any(item.get("status", {}).get("phase") == "Running" for item in made),
    "it snapshots": lambda made: any(item["kind"] == "VolumeSnapshot" for item in made),
    "it restores": lambda made: any(item["metadata"]["name"].endswith("-restore") for item in made),
    "it cleans up": lambda made: any("deletionTimestamp" in item["metadata"] for item in made),
}


def start(rwx: Plugin, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([rwx.executable, "-n", rwx.namespace, "verify", *arguments, *IMAGE, "--no-record"],
                            env=rwx.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def made_in(namespace: Kubectl, run: str = "") -> list[Any]:
    selector = "kubectl-rwx.io/temporary=verify" + (f",kubectl-rwx.io/run={run}" if run else "")
    found: list[Any] = namespace.json("get", "pods,pvc,volumesnapshots", "-l", selector)["items"]
    return found


def runs_in(namespace: Kubectl) -> set[str]:
    return {item["metadata"]["labels"]["kubectl-rwx.io/run"] for item in made_in(namespace)}


def everything_left(kubectl: Kubectl, namespace: str) -> list[str]:
    """Of every kind that can be listed, by our label; volumes and contents by the namespace that they name."""
    kinds = kubectl("api-resources", "--verbs=list,delete", "--namespaced=true", "-o", "name").stdout.split()
    found: list[str] = kubectl("get", ",".join(kinds), "-n", namespace, "-l", "kubectl-rwx.io/run", "-o", "name",
                               "--ignore-not-found").stdout.split()
    for kind, reference in (("pv", "claimRef"), ("volumesnapshotcontents", "volumeSnapshotRef")):
        found += [f"{kind}/{item['metadata']['name']}" for item in kubectl.json("get", kind)["items"]
                  if item["spec"].get(reference, {}).get("namespace") == namespace]
    return found


def test_killed_at_any_moment_nothing_remains_and_who_is_at_work_stays(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl
) -> None:
    killed: list[str] = []
    for words, reached in MOMENTS.items():
        running, before = start(rwx, "shared"), runs_in(namespace)
        run = namespace.wait_until(lambda: runs_in(namespace) - before, "a run to begin").pop()
        namespace.wait_until(lambda: reached(made_in(namespace, run)) or running.poll() is not None, words)
        time.sleep(random.uniform(0, 0.7))
        running.kill()
        running.communicate()
        killed += [run] if made_in(namespace, run) else []
    assert len(killed) >= 3

    at_work = start(rwx, "slow")
    namespace.wait_until(lambda: runs_in(namespace) - set(killed), "another run to be at work")
    swept = rwx("cleanup", "--older-than", "0s", "--yes")
    assert swept.returncode == 0 and "removed" not in swept.stdout, swept.stdout + swept.stderr
    assert f"--run {killed[0]} --force" in swept.stdout
    careless = rwx("cleanup", "--force", "--yes")
    assert careless.returncode == 2 and "--run ID" in careless.stderr
    for run in killed:
        done = rwx("cleanup", "--run", run, "--force", "--yes")
        assert done.returncode == 0 and "removed" in done.stdout, done.stdout + done.stderr
    said = at_work.communicate(timeout=200)
    assert at_work.returncode == 0, said
    assert "Nothing is left behind." in rwx("cleanup").stderr
    assert everything_left(kubectl, namespace.name) == []


@pytest.mark.parametrize("signals", [1, 2])
def test_an_interrupt_at_any_moment_leaves_nothing(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl, signals: int
) -> None:
    """A second Ctrl-C does not keep the first one's cleanup from its end."""
    running = start(rwx, "shared")
    namespace.wait_until(lambda: made_in(namespace), "something to be made")
    time.sleep(random.uniform(0, 4))
    for _ in range(signals):
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)
    said = running.communicate(timeout=150)
    assert running.returncode in (0, 130), said
    assert everything_left(kubectl, namespace.name) == []


@pytest.fixture
def retaining(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    """The name of a StorageClass and a VolumeSnapshotClass that retain."""
    driver = "shared.csi.sandbox.local"
    kubectl.apply(
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": namespace.name},
         "provisioner": driver, "reclaimPolicy": "Retain"},
        {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass",
         "metadata": {"name": namespace.name}, "driver": driver, "deletionPolicy": "Retain"},
    )
    yield namespace.name
    kubectl("delete", f"storageclass/{namespace.name}", f"volumesnapshotclass/{namespace.name}")
    kubectl("delete", "clusterrole,clusterrolebinding", namespace.name, "--ignore-not-found")


def test_what_a_class_retained_is_named_and_swept_by_who_may(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl, retaining: str
) -> None:
    items = rwx.json("rbac", "verify", "--bind-to", f"user/{namespace.name}")["items"]
    for item in items:
        item["metadata"]["name"] = namespace.name
        if "roleRef" in item:
            item["roleRef"]["name"] = namespace.name
    kubectl.apply(*items)
    done = rwx("--as", namespace.name, "verify", retaining, "--snapshot-class", retaining, *IMAGE, "-o", "json")
    document = json.loads(done.stdout)
    left = " ".join(document["left"])
    assert "persistentvolume/" in left and "volumesnapshotcontent/" in left and "retains it" in left
    assert len(everything_left(kubectl, namespace.name)) == 4

    swept = rwx("cleanup", "--run", document["run"], "--yes")
    assert swept.returncode == 0, swept.stderr
    assert everything_left(kubectl, namespace.name) == []
