"""The passing pods a policy run shows in kasten-io, and the restore pods in the application's namespace."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.kasten.cluster import REPOSITORY, REPOSITORY_VOLUME, Cluster
from sandbox.kasten.kinds import NAMESPACE
from sandbox.kasten.objects import PODS_IMAGE, TOOLS_IMAGE, metadata

Manifest = dict[str, Any]
_RESOURCES = {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}


@contextmanager
def passing_pod(cluster: Cluster, prefix: str, *, running: bool = False) -> Iterator[None]:
    """A pod of Kasten's, there while the work is done; its name starts as in a real run. It only sleeps.

    running: the work begins when the pod runs.
    """
    name = f"{prefix}-{uuid.uuid4().hex[:5]}"
    container = {"name": "container", "image": PODS_IMAGE, "command": ["sleep", "infinity"], "resources": _RESOURCES}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container], "restartPolicy": "Never"}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    cluster.api.call("POST", path, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata(name), "spec": spec})
    try:
        if running:
            cluster.wait(lambda: cluster.api.call("GET", f"{path}/{name}")["status"].get("phase") == "Running",
                         seconds=120, otherwise=lambda: ("Failed to create pod", f"pod {name} did not become ready"))
        yield
    finally:
        cluster.delete(f"{path}/{name}")


@contextmanager
def restore_pod(cluster: Cluster, claim: str, *, namespace: str) -> Iterator[Manifest]:
    """A running pod that mounts the claim at /mnt/data. It asks for the capabilities; which SCC lets it in is decided
    by the stand-in's own rights (an administrator's), as facts 6.2 says of Kasten's chart."""
    name = f"restore-data-{uuid.uuid4().hex[:5]}"
    path = f"/api/v1/namespaces/{namespace}/pods"
    container = {
        "name": "container", "image": TOOLS_IMAGE, "command": ["sleep", "infinity"], "resources": _RESOURCES,
        "securityContext": {"capabilities": {"add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]}},
        "volumeMounts": [{"name": "data", "mountPath": "/mnt/data"},
                         {"name": REPOSITORY_VOLUME, "mountPath": REPOSITORY}],
    }
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container], "restartPolicy": "Never",
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}},
                        {"name": REPOSITORY_VOLUME, "emptyDir": {}}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata(name, namespace=namespace), "spec": spec}
    cluster.api.call("POST", path, pod)
    try:
        def running() -> Manifest | None:
            found = cluster.api.call("GET", f"{path}/{name}")
            return found if found["status"].get("phase") == "Running" else None

        yield cluster.wait(running, seconds=120, otherwise=lambda: (
            "Failed to restore volume data", f"Pod {namespace}/{name} did not become ready"))
    finally:
        cluster.delete(f"{path}/{name}")
