"""A stand-in for `kubestr csicheck`, which cannot be had here (the Go module proxy answers 403 for it).

Its steps, requests and waits are those of the sources of kastenhq/kubestr (pkg/csi/snapshot_restore.go, csi_ops.go) and
of kanisterio/kanister (pkg/kube/pod.go, pkg/kube/snapshot, pkg/poll). Its dynamic client has the default limit of
client-go (rest/config.go), five requests a second after a burst of ten: kubestr raises it for the other client only
(pkg/kubestr/kubestr.go).
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable

from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    NAMESPACE,
    NODE,
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
"""Between two looks, doubled each time (github.com/jpillora/backoff, which kanister's poll uses)."""

_PER_SECOND, _BURST = 5.0, 10.0
_DYNAMIC = (VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CLASS, VOLUME_SNAPSHOT_CONTENT)
"""Kinds that kubestr reads and writes with its dynamic client."""


class StandIn:
    """One csicheck. requests: how many it sent. proven: the seconds until its last comparison."""

    def __init__(self, cluster: Cluster, storage_class: str, image: str) -> None:
        self._cluster, self._class, self._image = cluster, storage_class, image
        self._mark = uuid.uuid4().hex[:8]
        self._tokens, self._counted = _BURST, time.monotonic()
        self.requests = 0
        self.proven = 0.0

    def run(self) -> float:
        """Seconds it took, without its process's start."""
        began = time.monotonic()
        self._get(NAMESPACE, self._cluster.namespace)
        self._get(STORAGE_CLASS, self._class)
        self._discover()
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
                           (PERSISTENT_VOLUME_CLAIM, "cloned"), (POD, "cloned"), (VOLUME_SNAPSHOT, "snapshot")):
            self._delete(kind, name)
        return time.monotonic() - began

    def forget(self) -> None:
        """What csicheck leaves behind: the content that retains."""
        self._delete(VOLUME_SNAPSHOT_CONTENT, "again")

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
        self._poll(POD, part, lambda pod: self._runs(pod, part))

    def _runs(self, pod: Manifest, part: str) -> bool:
        """kanister looks at the node and the claim of a pod each time it looks at the pod."""
        if node := part_of(pod, "spec", "nodeName"):
            self._get(NODE, node)
        self._get(PERSISTENT_VOLUME_CLAIM, self._name(part))
        return part_of(pod, "status", "phase") not in ("Pending", "")

    def _compare(self, part: str) -> None:
        self.requests += 1
        seen = self._cluster.execute(self._name(part), ["sh", "-c", "cat /data/out.txt"],
                                     namespace=self._cluster.namespace)
        if seen.stdout.strip() != self._mark:
            sys.exit(f"the stand-in read {seen.stdout!r} instead of {self._mark}: {seen.stderr}")

    def _snapshot(self) -> str:
        self._discover()
        self._get(PERSISTENT_VOLUME_CLAIM, self._name("original"))
        self._create(VOLUME_SNAPSHOT, "snapshot", {"spec": {
            "volumeSnapshotClassName": self._class,
            "source": {"persistentVolumeClaimName": self._name("original")}}})
        self._poll(VOLUME_SNAPSHOT, "snapshot", _is_ready)
        self._get(VOLUME_SNAPSHOT, self._name("snapshot"))
        ready = self._get(VOLUME_SNAPSHOT, self._name("snapshot"))
        size = str(part_of(ready, "status", "restoreSize") or "0")
        return size if size not in ("0", "") else "1Gi"

    def _snapshot_again(self) -> None:
        """A second class, content and snapshot for the same handle: what csicheck does unless told --skipCFScheck."""
        self._get(VOLUME_SNAPSHOT_CLASS, self._class)
        snapshot = self._get(VOLUME_SNAPSHOT, self._name("snapshot"))
        content = self._get(VOLUME_SNAPSHOT_CONTENT, part_of(snapshot, "status", "boundVolumeSnapshotContentName"))
        driver = part_of(content, "spec", "driver")
        self._create(VOLUME_SNAPSHOT_CLASS, "class", {"driver": driver, "deletionPolicy": "Retain"})
        self._get(VOLUME_SNAPSHOT_CLASS, self._name("class"))
        self._create(VOLUME_SNAPSHOT_CONTENT, "again", {"spec": {
            "driver": driver, "deletionPolicy": "Retain", "volumeSnapshotClassName": self._name("class"),
            "source": {"snapshotHandle": part_of(content, "status", "snapshotHandle")},
            "volumeSnapshotRef": {"name": self._name("again"), "namespace": self._cluster.namespace}}})
        self._create(VOLUME_SNAPSHOT, "again", {"spec": {
            "volumeSnapshotClassName": self._name("class"),
            "source": {"volumeSnapshotContentName": self._name("again")}}})
        self._poll(VOLUME_SNAPSHOT, "again", _is_ready)
        self._get(VOLUME_SNAPSHOT, self._name("again"))
        for kind, name in ((VOLUME_SNAPSHOT, "again"), (VOLUME_SNAPSHOT_CLASS, "class")):
            self._delete(kind, name)

    def _name(self, part: str) -> str:
        return f"csicheck-{self._mark}-{part}"

    def _discover(self) -> None:
        for path in ("/api", "/apis"):
            self.requests += 1
            self._cluster.raw(path)

    def _create(self, kind: Kind, part: str, body: Manifest) -> None:
        self._count(kind)
        where = {"namespace": self._cluster.namespace} if kind.namespaced else {}
        self._cluster.create({"apiVersion": kind.api_version, "kind": kind.name,
                              "metadata": {"name": self._name(part), **where}, **body})

    def _get(self, kind: Kind, name: str) -> Manifest:
        self._count(kind)
        return self._cluster.get(kind, name, namespace=self._cluster.namespace if kind.namespaced else None)

    def _delete(self, kind: Kind, part: str) -> None:
        self._count(kind)
        self._cluster.delete(kind, self._name(part), namespace=self._cluster.namespace if kind.namespaced else None)

    def _count(self, kind: Kind) -> None:
        """Waits for a token where a request takes one: a bucket that is filled again at a constant rate."""
        self.requests += 1
        if kind not in _DYNAMIC:
            return
        now = time.monotonic()
        self._tokens = min(_BURST, self._tokens + (now - self._counted) * _PER_SECOND) - 1
        self._counted = now
        if self._tokens < 0:
            time.sleep(-self._tokens / _PER_SECOND)

    def _poll(self, kind: Kind, part: str, holds: Callable[[Manifest], bool]) -> None:
        pause = FIRST_PAUSE
        while not holds(self._get(kind, self._name(part))):
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _is_ready(snapshot: Manifest) -> bool:
    return part_of(snapshot, "status", "readyToUse") is True
