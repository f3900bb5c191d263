"""Kasten's objects with valid defaults."""

from __future__ import annotations

from typing import Any

from plugin_core.model.manifests import Manifest

K10 = "kasten-io"
GROUPS = {group: ["v1alpha1"] for group in (
    "config.kio.kasten.io", "apik10.kasten.io", "actions.kio.kasten.io", "apps.kio.kasten.io")}


def config(**data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "k10-config", "namespace": K10},
            "data": {"version": "8.5.12", **data}}


def k10(**storage: str) -> Manifest:
    return {"apiVersion": "apik10.kasten.io/v1alpha1", "kind": "K10", "metadata": {"name": "k10", "namespace": K10},
            "spec": {"genericStorageBackup": storage}}


def default_namespace() -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default", "uid": "the-cluster"}}


def executor(
    *variables: str, ready: bool = True, created: str = "2026-01-02T00:00:00Z", **literal: str
) -> list[Manifest]:
    """The Deployment with its ReplicaSet and pod. variables: taken from k10-config; literal: given as values."""
    keys = {"K10_GVS_ACTIVATION_TOKEN": "GVSActivationToken",
            "OVERRIDE_GVS_TOKEN_VERIFICATION_KEY": "overridePublicKeyForGVS"}
    entries: list[Manifest] = [{"name": name, "value": value} for name, value in literal.items()]
    entries += [{"name": name, "valueFrom": {"configMapKeyRef": {"name": "k10-config", "key": keys[name]}}}
                for name in variables]
    labels = {"component": "executor"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "executor-svc", "env": entries}]}}

    def owned(kind: str, name: str, owner: str, **more: Any) -> Manifest:
        owners = [{"uid": owner, "controller": True}] if owner else []
        version = "v1" if kind == "Pod" else "apps/v1"
        return {"apiVersion": version, "kind": kind, **more, "metadata": {
            "name": name, "namespace": K10, "uid": f"uid-of-{name}", "labels": labels, "ownerReferences": owners,
            "creationTimestamp": created, "generation": 1}}

    condition = {"type": "Ready", "status": str(ready)}
    return [
        owned("Deployment", "executor-svc", "", status={"observedGeneration": 1},
              spec={"replicas": 1, "selector": {"matchLabels": labels}, "template": template}),
        owned("ReplicaSet", "executor-svc-1", "uid-of-executor-svc", spec={"template": template}),
        owned("Pod", "executor-svc-1-x", "uid-of-executor-svc-1", spec=template["spec"],
              status={"conditions": [condition]}),
    ]


def profile(name: str = "s3", *, validation: str = "Success", kind: str = "Location", location: str = "ObjectStore",
            **store: str) -> Manifest:
    return {
        "apiVersion": "config.kio.kasten.io/v1alpha1", "kind": "Profile",
        "metadata": {"name": name, "namespace": K10}, "status": {"validation": validation, "error": None},
        "spec": {"type": kind, "locationSpec": {"type": location, "objectStore": {"name": "bucket", **store}}}}


def action(kind: str, name: str, state: str, *, namespace: str = K10, policy: str = "app-gsb", run: str = "",
           **status: Any) -> Manifest:
    subject = {"kind": "Policy", "name": policy, "namespace": K10}
    return {
        "apiVersion": "actions.kio.kasten.io/v1alpha1", "kind": kind, "spec": {"subject": subject},
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": "2026-01-01T00:00:00Z",
                     "labels": {"k10.kasten.io/runActionName": run} if run else {}},
        "status": {"state": state, **status}}
