"""Builders of what `check` and `feature-gates` look at: a cluster whose chain is whole, piece by piece."""

from __future__ import annotations

from typing import Any

from fakes.storage import DRIVER, timestamp
from plugin_core.model.manifests import Manifest

SNAPSHOT_CRDS = ("volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses")
GROUPS = {"snapshot.storage.k8s.io": ["v1"]}


def storage_class(
    name: str = "one", *, driver: str = DRIVER, parameters: dict[str, str] | None = None, uid: str = "uid-one",
    annotations: dict[str, str] | None = None, **fields: Any,
) -> Manifest:
    return {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": driver,
        "parameters": parameters or {},
        "metadata": {"name": name, "uid": uid, "annotations": annotations or {}}, **fields,
    }


def storage_profile(
    *modes: str, name: str = "one", driver: str = DRIVER, clone_strategy: str = "", by_spec: bool = False
) -> Manifest:
    """CDI's. modes: "ReadWriteMany Block", or "ReadWriteMany" without a volume mode, each in a set of its own."""
    sets = [dict(zip(("accessModes", "volumeMode"), ([words[0]], *words[1:]))) for words in map(str.split, modes)]
    return {
        "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "StorageProfile", "metadata": {"name": name},
        "spec": {"claimPropertySets": sets} if by_spec else {},
        "status": {"provisioner": driver, "storageClass": name, "claimPropertySets": sets,
                   **({"cloneStrategy": clone_strategy} if clone_strategy else {})},
    }


def csi_driver(name: str = DRIVER) -> Manifest:
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": name}, "spec": {}}


def csi_node(name: str, *drivers: str) -> Manifest:
    return {
        "apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name},
        "spec": {"drivers": [{"name": driver, "nodeID": name} for driver in drivers] or None},
    }


def shared_volume(
    name: str = "pv-1", *, storage_class: str = "one", driver: str = DRIVER, made_by: str | None = None,
    modes: tuple[str, ...] = ("ReadWriteMany",), volume_mode: str | None = "Filesystem", phase: str = "Bound",
) -> Manifest:
    """A bound volume that its class's provisioner made; made_by "" means made by hand."""
    maker = driver if made_by is None else made_by
    return {
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": maker} if maker else {}},
        "spec": {"accessModes": list(modes), "storageClassName": storage_class, "volumeMode": volume_mode,
                 "csi": {"driver": driver, "volumeHandle": f"handle-{name}"}},
        "status": {"phase": phase},
    }


def ready_content(name: str = "content-1", *, volume: str = "pv-1", driver: str = DRIVER, seconds_ago: float = 60,
                  ready: bool = True) -> Manifest:
    """A content of a snapshot of that volume, as the snapshot-controller leaves it."""
    return {
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent",
        "metadata": {"name": name, "managedFields": [
            {"manager": "csi-snapshotter", "time": timestamp()},
            {"manager": "snapshot-controller", "time": timestamp(seconds_ago=seconds_ago)},
        ]},
        "spec": {"driver": driver, "source": {"volumeHandle": f"handle-{volume}"}}, "status": {"readyToUse": ready},
    }


def definitions(*, stored: tuple[str, ...] = ("v1",), rules: bool = True, leave_out: str = "") -> list[Manifest]:
    """The three CRDs; rules: whether their schema has validation rules, as since 8.0."""
    schema = {"x-kubernetes-validations": [{"rule": "true"}]} if rules else {}
    return [
        {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.snapshot.storage.k8s.io", "annotations": {
                "api-approved.kubernetes.io": "https://github.com/kubernetes-csi/external-snapshotter/pull/814"}},
            "spec": {"versions": [{"name": "v1", "schema": schema}]}, "status": {"storedVersions": list(stored)},
        }
        for plural in SNAPSHOT_CRDS if plural != leave_out
    ]


def lease(*, seconds_ago: float = 3, namespace: str = "kube-system") -> Manifest:
    return {
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "snapshot-controller-leader", "namespace": namespace},
        "spec": {"holderIdentity": "snapshot-controller-1", "renewTime": timestamp(seconds_ago=seconds_ago)},
    }


def deployment(name: str = "snapshot-controller", *, namespace: str = "kube-system", ready: int = 1,
               image: str = "registry.k8s.io/sig-storage/snapshot-controller:v8.6.0") -> Manifest:
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}},
        "status": {"readyReplicas": ready} if ready else {},
    }


def chain(*drivers: str) -> list[Manifest]:
    """CRDs, a living controller, and each driver (default: DRIVER) on two nodes."""
    names = drivers or (DRIVER,)
    return [*definitions(), lease(), *map(csi_driver, names), csi_node("node-a", *names), csi_node("node-b", *names)]
