"""A release of the snapshot API as small as it can be, in upstream's shape."""

from __future__ import annotations

from typing import Any

from kubectl_rwx.installation.releases import Release, Source, assemble

IMAGE = "registry.k8s.io/sig-storage/snapshot-controller"


def definition(kind: str, *, group: str = "snapshot.storage.k8s.io", **content: Any) -> dict[str, Any]:
    plural = kind.lower() + ("es" if kind.endswith("Class") else "s")
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "versions": [{"name": "v1", "served": True, "schema": {"kind": kind}}]}, **content,
    }


def controller(*, image: str = f"{IMAGE}:v8.6.0", namespace: str = "kube-system", **content: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "snapshot-controller"}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "snapshot-controller", "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "containers": [{"name": "snapshot-controller", "image": image}]}}}, **content,
    }


def upstream(*, image: str = f"{IMAGE}:v8.6.0") -> list[dict[str, Any]]:
    """Out of order, as files are; the CRDs with the empty status of upstream's."""
    rbac = "rbac.authorization.k8s.io/v1"
    named = {"name": "snapshot-controller", "namespace": "kube-system"}
    return [
        controller(image=image),
        {"apiVersion": rbac, "kind": "RoleBinding", "metadata": named, "roleRef": {"kind": "Role", "name": "elect"},
         "subjects": [{"kind": "ServiceAccount", "name": "snapshot-controller"}]},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named},
        definition("VolumeSnapshot", status={"conditions": None}), definition("VolumeSnapshotContent"),
        definition("VolumeSnapshotClass"),
        definition("VolumeGroupSnapshot", group="groupsnapshot.storage.k8s.io"),
    ]


def release(*, image: str = f"{IMAGE}:v8.6.0", **source: Any) -> Release:
    return assemble(upstream(image=image), source=Source(**source), image="", origin="a folder")
