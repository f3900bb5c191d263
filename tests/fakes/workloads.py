"""Builders of workloads and their pods, with valid defaults, and a controller that rolls them out at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from fakes.cluster import FakeCluster
from plugin_core.model.kinds import DEPLOYMENT, POD, REPLICA_SET
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of, uid_of
from plugin_core.workloads.pods import REVISION
from plugin_core.workloads.templates import kind_of, replicas_of, template_of

NAMESPACE = "app"


def container(name: str = "app", *, mounts: dict[str, str] | None = None, **fields: Any) -> Manifest:
    """mounts: volume name → path."""
    made: Manifest = {"name": name, "image": f"registry.local/{name}:1", **fields}
    if mounts:
        made["volumeMounts"] = [{"name": volume, "mountPath": path} for volume, path in mounts.items()]
    return made


def claim_volume(name: str, claim: str = "") -> Manifest:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim or name}}


def claim(name: str, *modes: str, **metadata: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
            "spec": {"accessModes": list(modes or ("ReadWriteMany",))}}


def workload(kind: str = "Deployment", name: str = "web", *, replicas: int = 2,
             containers: list[Manifest] | None = None, volumes: list[Manifest] | None = None,
             annotations: dict[str, str] | None = None,
             pod_annotations: dict[str, str] | None = None, pod_spec: Manifest | None = None, **spec: Any) -> Manifest:
    """A workload that mounts claim `data` at /data unless told otherwise; its status says that all is well."""
    labels = {"app": name}
    template: Manifest = {"metadata": {"labels": labels}, "spec": {
        "containers": containers if containers is not None else [container(mounts={"data": "/data"})],
        "volumes": volumes if volumes is not None else [claim_volume("data")], **(pod_spec or {}),
    }}
    if pod_annotations is not None:
        template["metadata"]["annotations"] = pod_annotations
    selector: Manifest = labels if kind == "DeploymentConfig" else {"matchLabels": labels}
    metadata: Manifest = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{kind}-{name}", "generation": 1}
    if annotations is not None:
        metadata["annotations"] = annotations
    return {
        "apiVersion": "apps.openshift.io/v1" if kind == "DeploymentConfig" else "apps/v1", "kind": kind,
        "metadata": metadata, "spec": {"replicas": replicas, "selector": selector, "template": template, **spec},
        "status": good_status(replicas),
    }


def good_status(replicas: int, *, generation: int = 1) -> Manifest:
    return {"observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
            "availableReplicas": replicas, "readyReplicas": replicas, "currentRevision": "r1", "updateRevision": "r1",
            "latestVersion": 1}


def pod(name: str, owner: Manifest, template: Manifest, *, ready: bool = True, waiting: str = "", scc: str = "",
        labels: dict[str, str] | None = None, **metadata: Any) -> Manifest:
    """A pod of a template. waiting: the reason its last container does not run. scc: what admitted it."""
    notes = {**(template.get("metadata", {}).get("annotations") or {}), **({"openshift.io/scc": scc} if scc else {})}
    statuses: list[Manifest] = [{"name": one["name"], "ready": ready, "state": {"running": {}}}
                                for one in template["spec"]["containers"]]
    if waiting:
        statuses[-1]["state"] = {"waiting": {"reason": waiting, "message": f"{waiting} message"}}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "uid": f"uid-pod-{name}", "annotations": notes,
            "labels": {**template["metadata"]["labels"], **(labels or {})},
            "ownerReferences": [{"uid": uid_of(owner), "apiVersion": owner.get("apiVersion", "v1"),
                                 "kind": owner["kind"], "name": name_of(owner), "controller": True}], **metadata,
        },
        "spec": copy.deepcopy(template["spec"]),
        "status": {"phase": "Running" if ready else "Pending", "containerStatuses": statuses,
                   "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def replica_set(owner: Manifest, revision: int) -> Manifest:
    return {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(owner)}-{revision}", "namespace": namespace_of(owner),
            "uid": f"uid-rs-{name_of(owner)}-{revision}", "labels": template_of(owner)["metadata"]["labels"],
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [{"uid": uid_of(owner), "apiVersion": "apps/v1", "kind": "Deployment",
                                 "name": name_of(owner), "controller": True}],
        },
        "spec": {"template": copy.deepcopy(template_of(owner))},
    }


class Controllers:
    """Rolls a changed Deployment out within the patch that changed it, as reaction to `patch deployments.apps`.

    An image with "broken" in it gives one pod that cannot pull, beside the old ones. admit changes
    each new pod in place, as admission does.
    """

    def __init__(self, admit: Callable[[Manifest], None] | None = None) -> None:
        self._admit = admit or (lambda pod: None)
        self.patches: list[Manifest] = []

    def __call__(self, cluster: FakeCluster, changed: Manifest) -> None:
        self.patches.append(copy.deepcopy(changed))
        self.settle(cluster, changed)

    def settle(self, cluster: FakeCluster, changed: Manifest) -> None:
        assert kind_of(changed) == DEPLOYMENT
        key = (DEPLOYMENT.resource, namespace_of(changed), name_of(changed))
        current = cluster.objects[key]
        current["metadata"]["generation"] += 1
        generation, replicas = current["metadata"]["generation"], replicas_of(current)
        sets = [one for one in cluster.objects.values() if one["kind"] == "ReplicaSet"
                and one["metadata"]["ownerReferences"][0]["uid"] == uid_of(current)]
        newest = max((int(annotations_of(one)[REVISION]) for one in sets), default=0)
        latest = next((one for one in sets if int(annotations_of(one)[REVISION]) == newest), None)
        if latest is None or latest["spec"]["template"] != template_of(current):
            newest += 1
            latest = cluster.put(replica_set(current, newest))
        template = template_of(current)
        broken = any("broken" in one["image"] for one in template["spec"]["containers"]) and replicas > 0
        pods = [one for one in cluster.objects.values() if one["kind"] == "Pod"
                and one["metadata"]["labels"].get("app") == name_of(current)]
        for one in pods:
            own = one["metadata"]["ownerReferences"][0]["uid"] == uid_of(latest)
            ready = one["status"]["phase"] == "Running"
            if not replicas or (not own and not (broken and ready)):
                del cluster.objects[(POD.resource, namespace_of(one), name_of(one))]
        for number in range(1 if broken else replicas):
            name = f"{name_of(current)}-{newest}-{number}"
            if (POD.resource, NAMESPACE, name) not in cluster.objects:
                new = pod(name, latest, template, ready=not broken, waiting="ErrImagePull" if broken else "")
                self._admit(new)
                cluster.put(new)
        current["status"] = good_status(replicas, generation=generation)
        if broken:
            current["status"].update(updatedReplicas=1, replicas=replicas + 1)
        cluster.put(current)


def rolled_out(
    cluster: FakeCluster, deployment: Manifest, *, admit: Callable[[Manifest], None] | None = None
) -> Controllers:
    """Puts the Deployment with its ReplicaSet and pods there; returns the controllers to react with."""
    controllers = Controllers(admit)
    cluster.put(deployment)
    controllers.settle(cluster, deployment)
    assert REPLICA_SET.resource in {resource for resource, _, _ in cluster.objects}
    return controllers
