"""`oc gsb discover`: every workload with claims, and how Kasten should back each claim up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from oc_gsb.inventory.discovery_reports import report_on
from oc_gsb.inventory.readings import Lister, Scope, Workloads, read_workloads
from oc_gsb.inventory.recommendations import INJECTABLE, MACHINES, recommend
from oc_gsb.inventory.sidecar_states import state_of
from oc_gsb.inventory.storage import Storage, mode_of, read_storage
from oc_gsb.sidecar.kasten import NAMESPACE
from plugin_core.kube.cluster import Cluster
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of, namespace_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Item, Report
from plugin_core.names import POD_SCC
from plugin_core.workloads.claims import ClaimVolume, Source, claim_volumes
from plugin_core.workloads.mounts import device_users, mounts_of
from plugin_core.workloads.pods import owner_uid
from plugin_core.workloads.templates import pod_spec_of, replicas_of

_MACHINE_LABEL = "kubevirt.io"
_OVER = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True)
class DiscoverRequest:
    """k10_namespace: Kasten's own, whose claims are none of ours."""

    everywhere: bool = False
    labels: str = ""
    k10_namespace: str = NAMESPACE


def discover(cluster: Cluster, request: DiscoverRequest, *, progress: Progress) -> Report:
    """Reads a fixed number of lists; nothing is asked about a single workload."""
    progress.phase("reading workloads, pods, claims and storage classes")
    scope = Scope(None if request.everywhere else cluster.namespace, request.labels)
    lister = Lister(cluster)
    workloads = read_workloads(lister, scope)
    storage = read_storage(lister, namespace=scope.namespace)
    items = [_item(workload, workloads, storage, request) for workload in workloads.items
             if claim_volumes(workload)]
    if not request.labels:
        items += _further(workloads, storage, request)
    items.sort(key=lambda item: (item["namespace"], item["kind"], item["name"]))
    used = {(item["namespace"], claim["claim"]) for item in items for claim in item["claims"]}
    unused = [] if request.labels else [key for key in storage.claims if key not in used]
    return report_on(items, scope=scope, unused=unused, refused=lister.refused)


def _item(workload: Manifest, workloads: Workloads, storage: Storage, request: DiscoverRequest) -> Item:
    pods = workloads.pods_of(workload)
    spec = pod_spec_of(workload)
    by_claim: dict[str, list[ClaimVolume]] = {}
    for volume in claim_volumes(workload):
        for name in _names(workload, volume, storage, [name_of(pod) for pod in pods.newest]):
            by_claim.setdefault(name, []).append(volume)
    claims = []
    for name, volumes in by_claim.items():
        mounted = [one.volume for one in volumes if mounts_of(spec, volume=one.volume)]
        claims.append(_claim(
            name, storage.claims.get((namespace_of(workload), name)), storage, request, workload=workload,
            volume=[*mounted, volumes[0].volume][0], mounted=bool(mounted),
            block=any(one.block or device_users(spec, volume=one.volume) for one in volumes),
        ))
    return {
        "target": f"{str(workload['kind']).lower()}/{name_of(workload)}", "kind": workload["kind"],
        "namespace": namespace_of(workload), "name": name_of(workload), "replicas": replicas_of(workload),
        "sccs": _sccs(pods.newest), "sidecar": state_of(workload).value, "claims": claims,
    }


def _names(workload: Manifest, volume: ClaimVolume, storage: Storage, pods: list[str]) -> list[str]:
    """The claims behind one volume: one, or each pod's own; those of a StatefulSet outlive its pods."""
    if volume.source is Source.CLAIM:
        return [volume.claim]
    if volume.source is Source.EPHEMERAL:
        return [f"{pod}-{volume.volume}" for pod in sorted(pods)]
    first = int(part_of(workload, "spec", "ordinals", "start") or 0)
    named = [f"{volume.volume}-{name_of(workload)}-{first + number}" for number in range(max(1, replicas_of(workload)))]
    return [one for one in named if (namespace_of(workload), one) in storage.claims] or named[:1]


def _claim(
    name: str, claim: Manifest | None, storage: Storage, request: DiscoverRequest, *, workload: Manifest, volume: str,
    block: bool, mounted: bool, owner: str = "",
) -> Item:
    snapshots = storage.snapshots_of(claim) if claim is not None else None
    advice = recommend(claim, snapshots, kind=str(workload["kind"]), block=block, mounted=mounted, owner=owner,
                       kasten=namespace_of(workload) == request.k10_namespace)
    return {
        "claim": name, "volume": volume, "storageClass": part_of(claim or {}, "spec", "storageClassName"),
        "driver": (storage.driver_of(claim) or None) if claim is not None else None,
        "accessModes": list(part_of(claim or {}, "spec", "accessModes") or []),
        "volumeMode": mode_of(claim) if claim is not None else None,
        "snapshots": snapshots.capable if snapshots else None, "recommendation": advice.way.value,
        "reason": advice.reason, "caveats": list(advice.caveats),
    }


def _further(workloads: Workloads, storage: Storage, request: DiscoverRequest) -> Iterator[Item]:
    """Pods with claims that belong to no workload of the three kinds: virtual machines, jobs, bare pods."""
    known = {uid_of(one) for one in workloads.items}
    known |= {uid_of(one) for uid, sets in workloads.replica_sets.items() if uid in known for one in sets}
    known |= {uid_of(one) for one in workloads.controllers.values() if owner_uid(one) in known}
    grouped: dict[tuple[str, str, str], list[Manifest]] = {}
    for pod in workloads.pods:
        over = part_of(pod, "status", "phase") in _OVER
        if not over and owner_uid(pod) not in known and _claims_of(pod):
            grouped.setdefault((namespace_of(pod), *_owner(pod)), []).append(pod)
    for (namespace, kind, name), pods in grouped.items():
        owner = {"kind": kind, "metadata": {"namespace": namespace, "name": name}}
        words = "a bare pod" if kind == "Pod" else f"a {kind}"
        claims = {claim: volume for pod in pods for volume, claim in _claims_of(pod)}
        yield {
            "target": f"{kind.lower()}/{name}", "kind": kind, "namespace": namespace, "name": name,
            "replicas": len(pods), "sccs": _sccs(pods), "sidecar": "none",
            "claims": [_claim(claim, storage.claims.get((namespace, claim)), storage, request, workload=owner,
                              volume=volume, block=False, mounted=True, owner=words)
                       for claim, volume in claims.items()],
        }


def _owner(pod: Manifest) -> tuple[str, str]:
    owners = part_of(pod, "metadata", "ownerReferences") or []
    owner = next((one for one in owners if one.get("controller")), None)
    if owner is None:
        return "Pod", name_of(pod)
    kind = str(owner.get("kind"))
    if kind not in MACHINES and labels_of(pod).get(_MACHINE_LABEL) == "virt-launcher":
        kind = "VirtualMachineInstance"
    return kind if kind not in INJECTABLE else f"{kind} (gone)", str(owner.get("name"))


def _claims_of(pod: Manifest) -> list[tuple[str, str]]:
    found = []
    for volume in part_of(pod, "spec", "volumes") or []:
        claim = part_of(volume, "persistentVolumeClaim", "claimName")
        if volume.get("ephemeral"):
            claim = f"{name_of(pod)}-{volume.get('name')}"
        if claim:
            found.append((str(volume.get("name")), str(claim)))
    return found


def _sccs(pods: list[Manifest] | tuple[Manifest, ...]) -> list[str]:
    return sorted({annotations_of(pod).get(POD_SCC, "") for pod in pods} - {""})
