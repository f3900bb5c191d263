"""A world in which all is well with one claim, for tests to break one link of."""

from __future__ import annotations

from typing import Any

from fakes.cluster import FakeCluster
from fakes.storage import DRIVER, NAMESPACE, claim, content, snapshot_class, storage_class, timestamp, volume
from kubectl_rwx.diagnosis.claims import walk_claim
from kubectl_rwx.diagnosis.links import Chain
from kubectl_rwx.diagnosis.sights import Sight
from kubectl_rwx.diagnosis.snapshots import walk_snapshot
from plugin_core.model.manifests import Manifest

SERVED = {"snapshot.storage.k8s.io": ["v1"]}
CLUSTER_WIDE = (
    "list leases.coordination.k8s.io", "list deployments.apps", "list statefulsets.apps", "list daemonsets.apps",
    "list csidrivers.storage.k8s.io", "list csinodes.storage.k8s.io", "list storageclasses.storage.k8s.io",
    "list volumesnapshotclasses.snapshot.storage.k8s.io", "get volumesnapshotcontents.snapshot.storage.k8s.io",
    "list volumesnapshotcontents.snapshot.storage.k8s.io", "get persistentvolumes", "list persistentvolumes",
)
"""What a user with rights in one namespace only is denied."""


def csi_driver(name: str = DRIVER) -> Manifest:
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": name}}


def csi_node(name: str = "node-a", *drivers: str) -> Manifest:
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name},
            "spec": {"drivers": [{"name": one, "nodeID": name} for one in drivers]}}


def lease(name: str, *, seconds_ago: float, holder: str = "pod-1", namespace: str = "kube-system") -> Manifest:
    return {
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": namespace},
        "spec": {"holderIdentity": holder, "renewTime": timestamp(seconds_ago=seconds_ago)},
    }


def workload(name: str, *images: str, ready: int = 1, arguments: str = "", kind: str = "Deployment") -> Manifest:
    containers = [{"name": f"c{number}", "image": image, "args": [arguments]} for number, image in enumerate(images)]
    field = "numberReady" if kind == "DaemonSet" else "readyReplicas"
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "storage"},
        "spec": {"template": {"spec": {"containers": containers}}}, "status": {field: ready},
    }


def bound_content(name: str = "content-nightly", *, snapshot: str = "nightly", **status: Any) -> Manifest:
    """A content bound back to the snapshot, without status unless some is given; made a minute ago."""
    made = content(name, handle="", **status)
    made["spec"]["volumeSnapshotRef"] = {"namespace": NAMESPACE, "name": snapshot}
    made["metadata"]["creationTimestamp"] = timestamp(seconds_ago=60)
    return made


def ground(**replaced: Manifest) -> list[Manifest]:
    """Bound claim `data` of class `one` with its volume, both classes, the driver on one node."""
    things = {
        "claim": claim(), "volume": volume(), "snapshot_class": snapshot_class(), "storage_class": storage_class(),
        "csi_driver": csi_driver(), "csi_node": csi_node("node-a", DRIVER), **replaced,
    }
    return [thing for thing in things.values() if thing]


def walk(subject: Manifest, *around: Manifest, served: dict[str, list[str]] | None = None, denied: Any = (),
         count: int = 1) -> Chain:
    """The chain of a snapshot or claim that lies in the world with those around it."""
    cluster = FakeCluster([subject, *around], groups=SERVED if served is None else served, denied=denied)
    stored = next(one for one in cluster.objects.values() if one["metadata"]["name"] == subject["metadata"]["name"]
                  and one["kind"] == subject["kind"])
    sight = Sight(cluster, namespace=NAMESPACE, count=count)
    return walk_snapshot(sight, stored) if stored["kind"] == "VolumeSnapshot" else walk_claim(sight, stored)


def first(chain: Chain) -> tuple[str, str, str]:
    """State, name and code of the first broken link."""
    return (chain.first.state.value, chain.first.name, chain.first.code) if chain.first else ("", "", "")
