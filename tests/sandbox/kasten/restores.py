"""Restore: what is there goes away, the objects come back, the data is put into new claims, workloads start last."""

from pathlib import Path
from typing import Any

from sandbox.kasten import namespaces, volumes
from sandbox.kasten.backups import read_objects
from sandbox.kasten.cluster import Cluster
from sandbox.kasten.failures import ActionFailed
from sandbox.kasten.jobs import Job, check_token
from sandbox.kasten.kinds import NAMESPACE, POINT
from sandbox.kasten.namespaces import CLAIMS, FIRST, WORKLOADS, path_of, put
from sandbox.kasten.pods import passing_pod, restore_pod
from sandbox.kasten.store import Store

Manifest = dict[str, Any]
WORKLOAD_MINUTES = 10


def restore(store: Store, cluster: Cluster, job: Job, folder: Path) -> None:
    spec = job.item["spec"]
    target, overwrite = spec["targetNamespace"], bool(spec.get("overwriteExisting"))
    if target == NAMESPACE:
        raise ActionFailed("Failed to restore application", "Kasten's own namespace cannot be restored")
    point = store.get(POINT, spec["subject"]["name"], namespace=spec["subject"]["namespace"])
    content = point["spec"]["restorePointContentRef"]["name"]
    objects = read_objects(folder, content)
    saved = folder / "data" / content / "volumes"
    names = sorted(path.name for path in saved.glob("*")) if saved.exists() else []
    for name in names:
        job.volumes.append({"pvcName": name, "operation": "Restore", "dataFormat": "kopia", "transferredBytes": 0,
                            "progress": 0, "totalBytes": 0})
    if names:
        check_token(cluster)
    job.phase("Restoring Application Components")
    _clear(cluster, job, objects, target)
    job.status(progress=20)
    for kind in FIRST:
        for item in objects[kind]:
            put(cluster, kind, item, namespace=target, overwrite=overwrite)
    for position, claim in enumerate(objects[CLAIMS]):
        put(cluster, CLAIMS, claim, namespace=target, overwrite=False)
        if claim["metadata"]["name"] in names:
            _load(cluster, job, claim, saved, target)
        job.status(progress=20 + 50 * (position + 1) // len(objects[CLAIMS]))
    for kind in WORKLOADS:
        for item in objects[kind]:
            put(cluster, kind, item, namespace=target, overwrite=True)
    job.status(progress=80)
    if not spec.get("skipWaitForWorkloadReady"):
        job.phase("Waiting for workloads")
        _wait_for_workloads(cluster, job, objects, target)
    job.finish()


def _clear(cluster: Cluster, job: Job, objects: dict[str, list[Manifest]], target: str) -> None:
    """Workloads of the restore point, then its claims: gone, with their pods."""
    for kind in (*WORKLOADS, CLAIMS):
        for item in objects[kind]:
            cluster.delete(path_of(kind, target, item["metadata"]["name"]))
    for kind in (*WORKLOADS, CLAIMS):
        for item in objects[kind]:
            path = path_of(kind, target, item["metadata"]["name"])
            cluster.wait(lambda: cluster.find(path) is None, seconds=120, stop=job.check, otherwise=lambda: (
                "Failed to restore application", f"{path} is still there"))


def _load(cluster: Cluster, job: Job, claim: Manifest, saved: Path, target: str) -> None:
    name = claim["metadata"]["name"]
    record = next(volume for volume in job.volumes if volume["pvcName"] == name)
    with passing_pod(cluster, "data-mover-svc"), restore_pod(cluster, name, namespace=target) as pod:
        volumes.load(cluster, pod, "container", saved / name, "/mnt/data", told=lambda size: job.check())
    record["progress"] = 100


def _wait_for_workloads(cluster: Cluster, job: Job, objects: dict[str, list[Manifest]], target: str) -> None:
    """Kasten waits as long; a pod that admission refuses therefore looks like a restore that takes its time."""
    for kind in WORKLOADS:
        for item in objects[kind]:
            path = namespaces.path_of(kind, target, item["metadata"]["name"])

            def ready() -> bool:
                found = cluster.find(path) or {}
                status = found.get("status") or {}
                wanted = (found.get("spec") or {}).get("replicas", 1)
                observed = status.get("observedGeneration", 0) >= found.get("metadata", {}).get("generation", 1)
                return bool(found) and observed and status.get("readyReplicas", 0) >= wanted

            cluster.wait(ready, seconds=WORKLOAD_MINUTES * 60, stop=job.check, otherwise=lambda: (
                "Failed to restore application", "timed out waiting for workloads to be ready", path))
