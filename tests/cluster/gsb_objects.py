"""Applications for the oc gsb tests, and what is looked at afterwards: with kubectl, not with our own commands."""

from __future__ import annotations

import json
from typing import Any

from cluster.kubectl import Kubectl
from cluster.manifests import claim, deployment

COPY = "restricted-v2-gsb"
NEEDED = 0xB
"""CHOWN, DAC_OVERRIDE, FOWNER as bits of a capability set."""

KINDS = {"deploy": "Deployment", "sts": "StatefulSet", "dc": "DeploymentConfig"}
_WRITTEN_BY_CONTROLLERS = ("deployment.kubernetes.io/revision",)


def start(namespace: Kubectl, *kinds: str, replicas: int = 1, account: str = "default", **changes: Any) -> None:
    """Makes an application of each kind, named after it (deploy, sts, dc), and waits until its pods are ready.

    deploy mounts the shared claim data at /data, sts its own claim store at /var/lib/db, dc the claim old at /srv.
    account: the pods' service account. changes: merged into each spec.
    """
    made: list[dict[str, Any]] = []
    for kind in kinds:
        name, path = {"deploy": ("data", "/data"), "sts": ("store", "/var/lib/db"), "dc": ("old", "/srv")}[kind]
        app = deployment(kind, {name: path}, replicas=replicas, kind=KINDS[kind])
        if kind == "sts":
            del app["spec"]["template"]["spec"]["volumes"]
            app["spec"]["volumeClaimTemplates"] = [claim(name)]
        else:
            made.append(claim(name))
        app["spec"]["template"]["spec"]["serviceAccountName"] = account
        app["spec"].update(changes)
        made.append(app)
    namespace.apply(*made)
    for kind in kinds:
        wait_ready(namespace, kind, replicas)


def wait_ready(namespace: Kubectl, app: str, replicas: int) -> None:
    """Until exactly `replicas` pods of the app are there and all are ready."""

    def ready() -> bool:
        pods = pods_of(namespace, app)
        return len(pods) == replicas and all(
            one["ready"] for pod in pods for one in pod["status"].get("containerStatuses") or [{"ready": False}])

    namespace.wait_until(ready, f"{replicas} ready pods of {app}")


def pods_of(namespace: Kubectl, app: str) -> list[dict[str, Any]]:
    """The app's pods as kubectl shows them, terminating ones left out."""
    items = namespace.json("get", "pods", "-l", f"app={app}")["items"]
    return [pod for pod in items if not pod["metadata"].get("deletionTimestamp")]


def sccs_of(namespace: Kubectl, app: str) -> set[str]:
    """The SCCs that admitted the app's pods."""
    return {pod["metadata"]["annotations"].get("openshift.io/scc", "") for pod in pods_of(namespace, app)}


def ready_columns(namespace: Kubectl, app: str) -> list[str]:
    """The READY column of kubectl get pods."""
    lines = namespace("get", "pods", "-l", f"app={app}", "--no-headers").stdout.splitlines()
    return [line.split()[1] for line in lines if "Terminating" not in line]


def bounding_sets(namespace: Kubectl, app: str) -> list[int]:
    """CapBnd of a process in each pod's sidecar, read with kubectl exec."""
    found = []
    for pod in pods_of(namespace, app):
        words = ("exec", pod["metadata"]["name"], "-c", "kanister-sidecar", "--", "cat", "/proc/self/status")
        status = namespace(*words).stdout
        found.append(int(next(line for line in status.splitlines() if line.startswith("CapBnd")).split()[1], 16))
    return found


def shown(namespace: Kubectl, kind: str, name: str = "") -> dict[str, Any]:
    """What must be the same before and after: the spec as text, so that key order counts too, and the annotations."""
    made = namespace.json("get", kind, name or kind)
    annotations = {key: value for key, value in (made["metadata"].get("annotations") or {}).items()
                   if key not in _WRITTEN_BY_CONTROLLERS}
    return {"spec": json.dumps(made["spec"]), "annotations": annotations}


def version_of(namespace: Kubectl, kind: str) -> tuple[int, str]:
    """generation, and resourceVersion of the record: neither moves when nothing is written to the spec."""
    made = namespace.json("get", kind, kind)
    return made["metadata"]["generation"], made["metadata"]["annotations"].get("oc-gsb.io/injection", "")
