"""Writers for the tests of quiescing: pods of the workload web, and pods of nobody."""

from __future__ import annotations

import json

from fakes.workloads import pod, replica_set, workload
from plugin_core.model.manifests import Manifest
from plugin_core.workloads.templates import template_of

FREEZE, THAW = ["/freeze"], ["/thaw"]
HOOKS = {
    "pre.hook.backup.velero.io/command": json.dumps(FREEZE), "post.hook.backup.velero.io/command": json.dumps(THAW),
}


def web(*, pods: int = 2, annotations: dict[str, str] | None = None, kind: str = "Deployment") -> list[Manifest]:
    """The workload, its ReplicaSet, and its running pods web-0…, which mount claim data."""
    owner = workload(kind, replicas=pods, pod_annotations=annotations)
    between = refer_fully(replica_set(owner, 1)) if kind == "Deployment" else owner
    made = [running(pod(f"web-{number}", between, template_of(owner))) for number in range(pods)]
    return [owner, *([between] if kind == "Deployment" else []), *made]


def refer_fully(made: Manifest) -> Manifest:
    for reference in made["metadata"].get("ownerReferences", []):
        reference.setdefault("apiVersion", "apps/v1")
    return made


def running(made: Manifest) -> Manifest:
    """The pod with ids of its containers, and references as complete as the server has them."""
    refer_fully(made)
    for status in made["status"]["containerStatuses"]:
        status["containerID"] = f"containerd://{made['metadata']['name']}"
    return made


def stray(name: str = "stray", **metadata: object) -> Manifest:
    """A running pod without an owner that mounts claim data."""
    made = running(pod(name, workload(), template_of(workload()), **metadata))
    del made["metadata"]["ownerReferences"]
    return made
