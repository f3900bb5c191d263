"""kubectl rwx verify (ReadWriteMany unless told) against kubestr's csicheck, which does one ReadWriteOnce check.

kubestr itself cannot be had here (the Go module proxy answers 403 for github.com/kastenhq/kubestr), so a stand-in takes
its place: the steps and waits of its csicheck as its source has them (pkg/csi/snapshot_restore.go, csi_ops.go), with
kanister's polling (100 ms, doubled up to 10 s). It is favoured: it runs in this process, so its start costs nothing,
and it is over when its deletions are asked for, as kubestr is; verify is timed as a process, and waits until all is
gone.

Runs on KUBECONFIG's cluster, else on the sandbox; arguments: the class, the image, the number of alternations,
further options of verify.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from gsb_status import environment

from plugin_core.kube.cluster import Cluster
from plugin_core.kube.connection import ConnectionOptions, connect
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)
from plugin_core.model.manifests import Manifest, part_of

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0


class StandIn:
    """One csicheck. requests: how many it sent. proven: the seconds until its last comparison."""

    def __init__(self, cluster: Cluster, storage_class: str, image: str) -> None:
        self._cluster, self._class, self._image = cluster, storage_class, image
        self._mark = uuid.uuid4().hex[:8]
        self.requests = 0
        self.proven = 0.0

    def run(self) -> float:
        """Seconds it took, without its process's start."""
        began = time.monotonic()
        self._get(STORAGE_CLASS, self._class)
        self._get(VOLUME_SNAPSHOT_CLASS, self._class)
        self._start_application("original", f"echo {self._mark} >> /data/out.txt; sync; tail -f /dev/null")
        self._compare("original")
        restore_size = self._snapshot()
        self._snapshot_again()
        source = {"apiGroup": VOLUME_SNAPSHOT.group, "kind": "VolumeSnapshot", "name": self._name("snapshot")}
        self._start_application("cloned", "tail -f /dev/null", source=source, size=restore_size)
        self._compare("cloned")
        self.proven = time.monotonic() - began
        for kind, name in ((PERSISTENT_VOLUME_CLAIM, "original"), (POD, "original"),
                           (PERSISTENT_VOLUME_CLAIM, "cloned"),
                           (POD, "cloned"), (VOLUME_SNAPSHOT, "snapshot")):
            self._delete(kind, name)
        return time.monotonic() - began

    def _name(self, part: str) -> str:
        return f"csicheck-{self._mark}-{part}"

    def _start_application(self, part: str, script: str, *, source: Manifest | None = None, size: str = "1Gi") -> None:
        spec: Manifest = {"accessModes": ["ReadWriteOnce"], "storageClassName": self._class,
                          "resources": {"requests": {"storage": size}}}
        self._create(PERSISTENT_VOLUME_CLAIM, part, {"spec": spec | ({"dataSource": source} if source else {})})
        self._create(POD, part, {"spec": {
            "terminationGracePeriodSeconds": 1,  # not kubestr's: without it its pods would linger into the next run
            "containers": [{"name": "c", "image": self._image, "command": ["/bin/sh"], "args": ["-c", script],
                            "volumeMounts": [{"name": "v", "mountPath": "/data"}]}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": self._name(part)}}],
        }})
        self._poll(PERSISTENT_VOLUME_CLAIM, part, lambda claim: part_of(claim, "status", "phase") == "Bound")
        self._poll(POD, part, lambda pod: part_of(pod, "status", "phase") == "Running")

    def _compare(self, part: str) -> None:
        self.requests += 1
        seen = self._cluster.execute(self._name(part), ["cat", "/data/out.txt"], namespace=self._cluster.namespace)
        if seen.stdout.strip() != self._mark:
            sys.exit(f"the stand-in read {seen.stdout!r} instead of {self._mark}: {seen.stderr}")

    def _snapshot(self) -> str:
        self._create(VOLUME_SNAPSHOT, "snapshot", {"spec": {
            "volumeSnapshotClassName": self._class,
            "source": {"persistentVolumeClaimName": self._name("original")}}})
        ready = self._poll(VOLUME_SNAPSHOT, "snapshot", _is_ready)
        self._get(VOLUME_SNAPSHOT, self._name("snapshot"))
        size = str(part_of(ready, "status", "restoreSize") or "0")
        return size if size not in ("0", "") else "1Gi"

    def _snapshot_again(self) -> None:
        """A second class, content and snapshot for the same handle: what csicheck does unless told --skipcfs."""
        snapshot = self._get(VOLUME_SNAPSHOT, self._name("snapshot"))
        content = self._get(VOLUME_SNAPSHOT_CONTENT, part_of(snapshot, "status", "boundVolumeSnapshotContentName"))
        driver = part_of(content, "spec", "driver")
        self._create(VOLUME_SNAPSHOT_CLASS, "class", {"driver": driver, "deletionPolicy": "Retain"})
        self._create(VOLUME_SNAPSHOT_CONTENT, "again", {"spec": {
            "driver": driver, "deletionPolicy": "Retain", "volumeSnapshotClassName": self._name("class"),
            "source": {"snapshotHandle": part_of(content, "status", "snapshotHandle")},
            "volumeSnapshotRef": {"name": self._name("again"), "namespace": self._cluster.namespace}}})
        self._create(VOLUME_SNAPSHOT, "again", {"spec": {
            "volumeSnapshotClassName": self._name("class"),
            "source": {"volumeSnapshotContentName": self._name("again")}}})
        self._poll(VOLUME_SNAPSHOT, "again", _is_ready)
        for kind, name in ((VOLUME_SNAPSHOT, "again"), (VOLUME_SNAPSHOT_CLASS, "class")):
            self._delete(kind, name)

    def forget(self) -> None:
        """What csicheck leaves behind: the content that retains."""
        self._delete(VOLUME_SNAPSHOT_CONTENT, "again")

    def _create(self, kind: Kind, part: str, body: Manifest) -> None:
        self.requests += 1
        where = {"namespace": self._cluster.namespace} if kind.namespaced else {}
        self._cluster.create({"apiVersion": kind.api_version, "kind": kind.name,
                              "metadata": {"name": self._name(part), **where}, **body})

    def _get(self, kind: Kind, name: str) -> Manifest:
        self.requests += 1
        return self._cluster.get(kind, name, namespace=self._cluster.namespace if kind.namespaced else None)

    def _delete(self, kind: Kind, part: str) -> None:
        self.requests += 1
        self._cluster.delete(kind, self._name(part), namespace=self._cluster.namespace if kind.namespaced else None)

    def _poll(self, kind: Kind, part: str, holds: Callable[[Manifest], bool]) -> Manifest:
        pause = FIRST_PAUSE
        while True:
            seen = self._get(kind, self._name(part))
            if holds(seen):
                return seen
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _is_ready(snapshot: Manifest) -> bool:
    return part_of(snapshot, "status", "readyToUse") is True


def verify(
    env: dict[str, str], namespace: str, storage_class: str, image: str, options: list[str]
) -> tuple[float, float, int]:
    """Seconds of the whole process, seconds until its last comparison, and how many requests it sent."""
    command = ["kubectl-rwx", "-n", namespace, "verify", storage_class, "--image", image, "--no-record", "-v",
               "-o", "json", *options]
    began = time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)} exited {done.returncode}\n{done.stderr[-2000:]}")
    document: Any = json.loads(done.stdout)
    sent = re.findall(r"^(?:(?:GET|POST|PATCH|DELETE) http|exec )", done.stderr, re.MULTILINE)
    return seconds, float(document["seconds"]), len(sent)


def main() -> None:
    """Prints medians and ratios; exits 1 when verify was slower than the stand-in to its last comparison."""
    words, options = sys.argv[1:4], sys.argv[4:]
    storage_class, image, rounds = (*words, *("shared", "sandbox.local/tools:1", "5")[len(words):])
    env, namespace = environment(), f"bench-{uuid.uuid4().hex[:8]}"
    os.environ["KUBECONFIG"] = env["KUBECONFIG"]
    cluster = connect(ConnectionOptions(namespace=namespace))
    kubectl = ["kubectl", "--kubeconfig", env["KUBECONFIG"]]
    subprocess.run([*kubectl, "create", "namespace", namespace], env=env, check=True, capture_output=True)
    ours: list[tuple[float, float, int]] = []
    theirs: list[tuple[float, float, int]] = []
    try:
        for _ in range(int(rounds)):
            check = StandIn(cluster, storage_class, image)
            theirs.append((check.run(), check.proven, check.requests))
            check.forget()
            _wait_until_gone(cluster)
            ours.append(verify(env, namespace, storage_class, image, options))
    finally:
        subprocess.run([*kubectl, "delete", "namespace", namespace, "--wait=false"], env=env, capture_output=True)
    (whole, proven, sent), (others, other_proven, other_sent) = _medians(ours), _medians(theirs)
    print(f"verify {' '.join([storage_class, *options])}, medians of {rounds} alternations")
    print(f"{'':32}{'to the last comparison':>24}{'in all':>10}{'pods':>6}{'requests':>10}")
    pods = 3 if "--no-clone" in options else 4
    print(f"{'kubectl rwx verify':32}{proven:>23.2f}s{whole:>9.2f}s{pods:>6}{sent:>10.0f}")
    print(f"{'csicheck stand-in (RWO)':32}{other_proven:>23.2f}s{others:>9.2f}s{2:>6}{other_sent:>10.0f}")
    print(f"{'ratio':32}{proven / other_proven:>24.2f}{whole / others:>10.2f}")
    pairs = sorted(mine[1] / other[1] for mine, other in zip(ours, theirs))
    print(f"ratios of the pairs: {' '.join(f'{pair:.2f}' for pair in pairs)}")
    if proven > other_proven:
        sys.exit("verify was slower to its last comparison than the stand-in")


def _wait_until_gone(cluster: Cluster) -> None:
    """What the stand-in left to be deleted must not slow down the next run; verify waits for its own."""
    while any(cluster.list_all(kind, namespace=cluster.namespace).items for kind in (POD, PERSISTENT_VOLUME_CLAIM)) or (
        any(part_of(volume, "spec", "claimRef", "namespace") == cluster.namespace
            for volume in cluster.list_all(PERSISTENT_VOLUME).items)
    ):
        time.sleep(FIRST_PAUSE)


def _medians(runs: list[tuple[float, float, int]]) -> tuple[float, float, float]:
    whole, proven, sent = zip(*runs)
    return statistics.median(whole), statistics.median(proven), statistics.median(sent)


if __name__ == "__main__":
    main()
