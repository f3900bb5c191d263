"""Backup and export: a namespace's objects and the data of its volumes into folders, and the restore points of them."""

import json
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

from sandbox.kasten import volumes
from sandbox.kasten.cluster import Cluster, folder_size, write_json
from sandbox.kasten.failures import ActionFailed
from sandbox.kasten.faults import EXPORT as EXPORT_FAULT
from sandbox.kasten.faults import SLOW, fault
from sandbox.kasten.jobs import Job, check_token, now
from sandbox.kasten.kinds import CONTENT, EXPORT_PROFILE, EXPORT_TYPE, NOTE, NOTE_TEXT, POINT
from sandbox.kasten.namespaces import CLAIMS, WORKLOADS, capture
from sandbox.kasten.pods import passing_pod
from sandbox.kasten.store import Store

Manifest = dict[str, Any]
MARK = "k10.kasten.io/forcegenericbackup"
_UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def namespaces_of(policy: Manifest) -> list[str]:
    """The namespaces its selector names; the stand-in knows no other selectors."""
    selector = policy["spec"].get("selector") or {}
    found = [value for rule in selector.get("matchExpressions") or () if rule["key"].endswith("/appNamespace")
             for value in rule.get("values") or ()]
    labels = (selector.get("matchLabels") or {}).items()
    return found + [value for key, value in labels if key.endswith("/appNamespace")]


def find_profile(cluster: Cluster, reference: Manifest | None) -> Manifest | None:
    if not reference:
        return None
    return cluster.find(f"/apis/config.kio.kasten.io/v1alpha1/namespaces/{reference['namespace']}/profiles/"
                        f"{reference['name']}")


def back_up(store: Store, cluster: Cluster, job: Job, folder: Path) -> None:
    namespace = job.item["spec"]["subject"]["namespace"]
    if cluster.find(f"/api/v1/namespaces/{namespace}") is None:
        raise ActionFailed("Failed to back up application", f"namespaces \"{namespace}\" not found")
    profile = find_profile(cluster, job.item["spec"].get("profile"))
    name = f"{namespace}-{uuid.uuid4().hex[:10]}"
    target = folder / "data" / name
    try:
        job.phase("Snapshotting Application Configuration")
        objects = capture(cluster, namespace)
        write_json(target / "objects.json", objects)
        job.status(progress=10)
        job.phase("Snapshotting Application Components")
        saved = _save_volumes(cluster, job, objects, profile, target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    write_json(target / "artifacts.json", _artifacts(objects, saved, job.item["spec"].get("profile")))
    job.finish(restorePoint=_publish(store, job, name, namespace, labels={}))


def _save_volumes(cluster: Cluster, job: Job, objects: dict[str, list[Manifest]], profile: Manifest | None,
                  target: Path) -> list[Manifest]:
    """The data of every claim that a workload of the namespace mounts, through its sidecar."""
    plan = _plan(cluster, objects, namespace=job.item["spec"]["subject"]["namespace"])
    if not plan:
        return []
    what = "Failed to take snapshot of the application's volumes"
    if profile is None:
        raise ActionFailed(what, "Failed to perform Generic Volume Backup",
                           "a location profile is required to perform Kanister operations (stand-in)")
    try:
        check_token(cluster)
        for claim, _, volume, pod in plan:
            job.volumes.append({"pvcName": claim["metadata"]["name"], "operation": "Backup", "dataFormat": "kopia",
                                "transferredBytes": 0, "progress": 0, "totalBytes": _capacity(claim)})
        with passing_pod(cluster, "create-repo"), passing_pod(cluster, "data-mover-svc", running=True):
            for position, (claim, workload, volume, pod) in enumerate(plan):
                _save(cluster, job, position, claim, volume, pod, target, seconds=float(fault(profile, SLOW) or 0))
                job.status(progress=10 + 85 * (position + 1) // len(plan))
    except ActionFailed as error:
        raise ActionFailed(what, "Failed to perform Generic Volume Backup", *error.words) from error
    return job.volumes


def _save(cluster: Cluster, job: Job, position: int, claim: Manifest, volume: str, pod: Manifest, target: Path, *,
          seconds: float) -> None:
    record, name = job.volumes[position], claim["metadata"]["name"]
    share = 85 / len(job.volumes)

    def told(size: int) -> None:
        job.check()
        record["transferredBytes"] = size
        record["progress"] = min(99, int(100 * size / (record["totalBytes"] or 1)))
        job.status(progress=int(10 + share * (position + record["progress"] / 100)))

    with passing_pod(cluster, "backup-data-stats"):
        size = volumes.save(cluster, pod, volumes.sidecar_mount(pod, volume), target / "volumes" / name, told=told,
                            at_least=seconds)
    record.update(transferredBytes=size, progress=100)


def _plan(cluster: Cluster, objects: dict[str, list[Manifest]], *, namespace: str
          ) -> list[tuple[Manifest, Manifest, str, Manifest]]:
    """Claim, workload, volume and pod of everything to be copied, each claim once."""
    claims = {claim["metadata"]["name"]: claim for claim in objects[CLAIMS]}
    found: dict[str, tuple[Manifest, Manifest, str, Manifest]] = {}
    for kind in WORKLOADS:
        for workload in objects[kind]:
            name = f"{workload['kind']} {namespace}/{workload['metadata']['name']}"
            mounted = _claims_of(cluster, workload, namespace=namespace)
            if mounted and (workload["metadata"].get("annotations") or {}).get(MARK) != "true":
                raise ActionFailed("Failed to take snapshot of volumes", f"{name} is not annotated for "
                                   "generic backup, and the stand-in takes no CSI snapshots")
            for claim, volume, pod in mounted:
                if claim in claims:
                    found.setdefault(claim, (claims[claim], workload, volume, pod))
            if not mounted and _mentions_claims(workload) and workload["spec"].get("replicas", 1) != 0:
                raise ActionFailed("Failed to take snapshot of the application's volumes",
                                   f"{name} has no running pod")
    return list(found.values())


def _mentions_claims(workload: Manifest) -> bool:
    spec = workload["spec"]
    return bool(spec.get("volumeClaimTemplates")) or any(
        "persistentVolumeClaim" in volume for volume in spec["template"]["spec"].get("volumes") or ())


def _claims_of(cluster: Cluster, workload: Manifest, *, namespace: str) -> list[tuple[str, str, Manifest]]:
    """Claim, volume and pod for each claim the workload's running pods mount."""
    selector = workload["spec"]["selector"]
    labels = selector if workload["kind"] == "DeploymentConfig" else selector.get("matchLabels", {})
    query = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = cluster.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=query)
    return [
        (volume["persistentVolumeClaim"]["claimName"], volume["name"], pod) for pod in pods
        if pod["status"].get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")
        for volume in pod["spec"].get("volumes") or () if "persistentVolumeClaim" in volume
    ]


def export(store: Store, cluster: Cluster, job: Job, folder: Path) -> None:
    """The data moves from the local restore point's folder to one of the profile's."""
    subject, reference = job.item["spec"]["subject"], job.item["spec"]["profile"]
    point = store.get(POINT, subject["name"], namespace=subject["namespace"])
    profile = find_profile(cluster, reference)
    source = folder / "data" / point["spec"]["restorePointContentRef"]["name"]
    job.phase("Exporting RestorePoint")
    job.check()
    with passing_pod(cluster, "data-mover-svc"):
        for claim in sorted((source / "volumes").glob("*")) if (source / "volumes").exists() else ():
            size = folder_size(claim)
            job.volumes.append({"pvcName": claim.name, "operation": "Export", "dataFormat": "kopia", "progress": 100,
                                "transferredBytes": size, "totalBytes": size})
        if fault(profile, EXPORT_FAULT):
            raise ActionFailed("Failed to export restore point", "Failed to upload data to the location profile",
                               fault(profile, EXPORT_FAULT))
        name = f"{subject['namespace']}-{uuid.uuid4().hex[:10]}"
        shutil.copytree(source, folder / "data" / name, symlinks=True, ignore=shutil.ignore_patterns("volumes"))
        if (source / "volumes").exists():
            volumes.copy_folder(source / "volumes", folder / "data" / name / "volumes")
    labels = {EXPORT_PROFILE: reference["name"], EXPORT_TYPE: "portableAppData"}
    job.finish(restorePoint=_publish(store, job, name, subject["namespace"], labels=labels))


def _publish(store: Store, job: Job, name: str, namespace: str, *, labels: dict[str, str]) -> Manifest:
    """The content, and the restore point in the namespace that refers to it. A content has no spec."""
    all_labels = {**(job.item["metadata"].get("labels") or {}), "k10.kasten.io/appType": "namespace", **labels}
    metadata = {"name": name, "labels": all_labels, "annotations": {NOTE: NOTE_TEXT}}
    status = {"actionTime": now(), "scheduledTime": None, "state": "Bound"}
    expires = job.item["spec"].get("expiresAt")
    if expires:
        status["expiresAt"] = expires
    store.create(CONTENT, {"metadata": metadata, "status": status}, namespace="")
    point = {"metadata": {**metadata, "name": f"rp-{name}"}, "status": status,
             "spec": {"restorePointContentRef": {"name": name}}}
    store.create(POINT, point, namespace=namespace)
    return {"name": f"rp-{name}", "namespace": namespace}


def _artifacts(objects: dict[str, list[Manifest]], saved: list[Manifest], profile: Manifest | None) -> list[Manifest]:
    """What `details` of a restore point lists: each object with its manifest, each volume with its size."""
    found: list[Manifest] = []
    for kind, items in objects.items():
        base, _, plural = kind.rpartition("/")
        group, _, version = base.removeprefix("apis/").removeprefix("api/").rpartition("/")
        found += [{"resource": {"group": group, "version": version, "resource": plural,
                                "name": item["metadata"]["name"]}, "artifact": item} for item in items]
    for volume in saved:
        meta = {"k8sVolume": {"pvcName": volume["pvcName"]}, "profileRef": profile,
                "storageUsage": {"logical": volume["transferredBytes"], "physical": volume["transferredBytes"]}}
        found.append({"resource": {"group": "", "version": "v1", "resource": "persistentvolumeclaims",
                                   "name": volume["pvcName"]}, "meta": {"kanister": {"meta": meta}}})
    return found


def _capacity(claim: Manifest) -> int:
    text = str(claim["spec"]["resources"]["requests"]["storage"])
    found = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", text)
    return int(float(found[1]) * _UNITS.get(found[2], 1)) if found else 0


def read_objects(folder: Path, content: str) -> dict[str, list[Manifest]]:
    """What a backup kept of the namespace's objects. ActionFailed when it is gone."""
    path = folder / "data" / content / "objects.json"
    if not path.exists():
        raise ActionFailed("Failed to read restore point", f"the data of {content} is not in the store")
    loaded: dict[str, list[Manifest]] = json.loads(path.read_text())
    return loaded
