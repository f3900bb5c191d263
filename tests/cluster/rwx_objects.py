"""Applications whose data the rwx tests protect: a claim, pods that write to it, and its checksum."""

from __future__ import annotations

import json
from typing import Any

from cluster.kubectl import Kubectl
from cluster.manifests import claim, pod

SUM = "cd /data && find . -type f -exec sha256sum {} + | sort | sha256sum"
"""The checksum of every file's content and name below /data."""


def bind_claims(namespace: Kubectl, *manifests: dict[str, Any]) -> None:
    """Claims of Immediate classes, waited for until they are Bound."""
    namespace.apply(*manifests)
    names = [f"pvc/{manifest['metadata']['name']}" for manifest in manifests]
    namespace("wait", "--for=jsonpath={.status.phase}=Bound", *names, "--timeout=90s")


def start_pods(namespace: Kubectl, *manifests: dict[str, Any]) -> None:
    """Pods, waited for until they are Ready."""
    namespace.apply(*manifests)
    names = [f"pod/{manifest['metadata']['name']}" for manifest in manifests]
    namespace("wait", "--for=condition=Ready", *names, "--timeout=90s")


def start_application(namespace: Kubectl, *, storage_class: str = "shared", size: str = "1Gi") -> None:
    """Claim data with some files, written by the pods writer-a and writer-b on two nodes."""
    bind_claims(namespace, claim("data", storage_class=storage_class, size=size))
    nodes = namespace("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").stdout.split()
    pods = [pod(f"writer-{letter}", {"data": "/data"}, node=node) for letter, node in zip("ab", nodes, strict=False)]
    start_pods(namespace, *pods)
    for manifest in pods:
        name = manifest["metadata"]["name"]
        folder = f"/data/{name}"
        namespace.sh(name, f"mkdir -p {folder} && seq 1 2000 > {folder}/numbers && echo {name} > {folder}/who")


def checksum(namespace: Kubectl, *, name: str = "writer-a") -> str:
    """Of everything below /data in a pod."""
    return namespace.sh(name, SUM).split()[0]


def checksum_of_claim(namespace: Kubectl, name: str) -> str:
    """Of everything in a claim, read by a pod made for it."""
    start_pods(namespace, pod(f"reader-{name}", {name: "/data"}))
    return checksum(namespace, name=f"reader-{name}")


def snapshot_names(namespace: Kubectl) -> list[str]:
    """What kubectl sees."""
    return namespace("get", "volumesnapshots", "-o", "jsonpath={.items[*].metadata.name}").stdout.split()


def claim_names(namespace: Kubectl) -> list[str]:
    """What kubectl sees."""
    return namespace("get", "pvc", "-o", "jsonpath={.items[*].metadata.name}").stdout.split()


def give_up_restore(namespace: Kubectl, *, snapshot: str, claim: str) -> None:
    """Deletes a claim that cannot be restored, and lets go of its snapshot, so that the namespace can be deleted.

    The provisioner's finalizer is orphaned then (kubernetes-csi/external-provisioner issue 1507); version 6.3 sweeps it
    away after five minutes.
    """
    namespace("delete", "pvc", claim)
    let_go_of(namespace, snapshot)


def let_go_of(namespace: Kubectl, snapshot: str) -> None:
    """Takes away the finalizer that the provisioner forgets when a claim is deleted before it was filled."""
    finalizers = namespace.json("get", f"vs/{snapshot}")["metadata"].get("finalizers", [])
    forgotten = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
    kept = [name for name in finalizers if name != forgotten]
    namespace("patch", f"vs/{snapshot}", "--type=merge", "-p", json.dumps({"metadata": {"finalizers": kept}}))
