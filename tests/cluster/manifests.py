"""Objects the cluster tests put into their namespaces: claims, writers, workloads. Images are the sandbox's own."""

from __future__ import annotations

import os
from typing import Any

IMAGE = os.environ.get("TEST_IMAGE", "sandbox.local/tools:1")
RESOURCES = {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}


def claim(name: str, *, storage_class: str = "shared", size: str = "1Gi", access_mode: str = "ReadWriteMany",
          **metadata: Any) -> dict[str, Any]:
    """A PersistentVolumeClaim; metadata: labels or annotations."""
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, **metadata},
        "spec": {"accessModes": [access_mode], "storageClassName": storage_class,
                 "resources": {"requests": {"storage": size}}},
    }


def pod_spec(claims: dict[str, str], *, command: str = "sleep infinity", node: str = "") -> dict[str, Any]:
    """A pod that mounts claims (name → path) and runs a shell command; node: the name of the node it must run on."""
    spec: dict[str, Any] = {
        "terminationGracePeriodSeconds": 0,
        "containers": [{
            "name": "app", "image": IMAGE, "command": ["sh", "-c", command], "resources": RESOURCES,
            "volumeMounts": [{"name": name, "mountPath": path} for name, path in claims.items()],
        }],
        "volumes": [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims],
    }
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    return spec


def pod(name: str, claims: dict[str, str], **options: Any) -> dict[str, Any]:
    """A bare pod."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": pod_spec(claims, **options)}


def deployment(name: str, claims: dict[str, str], *, replicas: int = 1, kind: str = "Deployment", **options: Any,
               ) -> dict[str, Any]:
    """A Deployment; kind "StatefulSet" or "DeploymentConfig" gives those instead."""
    labels = {"app": name}
    spec: dict[str, Any] = {
        "replicas": replicas, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod_spec(claims, **options)},
    }
    api_version = "apps/v1"
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "DeploymentConfig":
        api_version = "apps.openshift.io/v1"
        spec["selector"] = labels
        spec["triggers"] = [{"type": "ConfigChange"}]
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}
