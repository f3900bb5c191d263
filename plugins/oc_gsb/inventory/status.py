"""`oc gsb status`: every sidecar against what Kasten needs by now; NotReady, so exit code 3, when one has drifted."""

from __future__ import annotations

from dataclasses import dataclass

from oc_gsb.inventory.backups import Backups, read_backups
from oc_gsb.inventory.drift import Expected, find_drift
from oc_gsb.inventory.readings import Lister, Scope, Workloads, read_workloads
from oc_gsb.inventory.sidecar_states import SidecarState, state_of
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.kasten import NAMESPACE, read_tools_image
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.template import MARK
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import age_of
from plugin_core.model.kinds import SCC_GROUP, SECURITY_CONTEXT_CONSTRAINTS
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Column, Item, Report, Section, column
from plugin_core.names import FORCE_GENERIC_BACKUP, POD_SCC
from plugin_core.workloads.pods import is_ready
from plugin_core.workloads.templates import pod_spec_of, replicas_of

_NAMED = 5


@dataclass(frozen=True)
class StatusRequest:
    """image: the one sidecars should have, "" for Kasten's own. oldest_backup: seconds, 0 for no limit."""

    everywhere: bool = False
    labels: str = ""
    image: str = ""
    oldest_backup: float = 0.0
    k10_namespace: str = NAMESPACE


def status(cluster: Cluster, request: StatusRequest, *, progress: Progress) -> Answer:
    """Reads a fixed number of lists. Kasten's own namespace is left out: its catalog has a container of that name."""
    progress.phase("reading workloads, pods and Kasten's configuration")
    scope = Scope(None if request.everywhere else cluster.namespace, request.labels)
    lister = Lister(cluster)

    def concerns_us(workload: Manifest) -> bool:
        marked = annotations_of(workload).get(FORCE_GENERIC_BACKUP) == MARK
        return namespace_of(workload) != request.k10_namespace and (
            marked or state_of(workload) is not SidecarState.NONE)

    workloads = read_workloads(lister, scope, keep=concerns_us)
    expected = Expected(image=_image(cluster, request, lister), sccs=_sccs(cluster, lister),
                        oldest_backup=request.oldest_backup)
    backups = read_backups(lister, namespace=scope.namespace)
    items = [_item(one, workloads, expected, backups) for one in workloads.items]
    items.sort(key=lambda item: (item["namespace"], item["kind"], item["name"]))
    return Answer(_report(items, scope, expected, backups, lister), _failure(items))


def _image(cluster: Cluster, request: StatusRequest, lister: Lister) -> str:
    if request.image:
        return request.image
    try:
        return read_tools_image(cluster, namespace=request.k10_namespace)
    except (errors.NotReady, errors.Forbidden) as error:
        lister.refused.append(f"whether images are Kasten's: {error.message}")
        return ""


def _sccs(cluster: Cluster, lister: Lister) -> dict[str, Manifest] | None:
    if not cluster.versions_of(SCC_GROUP):
        return None
    found = lister.list_all(SECURITY_CONTEXT_CONSTRAINTS, why="whether SCCs allow the capabilities")
    return {name_of(one): one for one in found} or None


def _item(workload: Manifest, workloads: Workloads, expected: Expected, backups: Backups) -> Item:
    pods = workloads.pods_of(workload)
    namespace = namespace_of(workload)
    last = backups.last.get(namespace) if backups.known else ""
    findings = find_drift(workload, pods, expected, last_backup=last)
    return {
        "target": f"{str(workload['kind']).lower()}/{name_of(workload)}", "kind": workload["kind"],
        "namespace": namespace, "name": name_of(workload), "state": "drift" if findings else "ok",
        "sidecar": state_of(workload).value, "image": (sidecar_of(pod_spec_of(workload)) or {}).get("image"),
        "sccs": sorted({annotations_of(pod).get(POD_SCC, "") for pod in pods.newest} - {""}),
        "ready": sum(is_ready(pod) for pod in pods.newest), "replicas": replicas_of(workload),
        "lastBackup": last or None, "findings": [one.as_item() for one in findings],
    }


def _report(items: list[Item], scope: Scope, expected: Expected, backups: Backups, lister: Lister) -> Report:
    where = (column("NAMESPACE", "namespace"),) if scope.namespace is None else ()

    def backup(item: Item) -> str:
        if not backups.known:
            return "unknown"
        return f"{age_of(item['lastBackup'])} ago" if item["lastBackup"] else "never"

    columns = (
        *where, column("WORKLOAD", "target"), column("STATE", "state"), column("SIDECAR", "sidecar"),
        Column("PODS", lambda item: f"{item['ready']}/{item['replicas']}"), column("SCC", "sccs"),
        column("IMAGE", "image"), Column("LAST BACKUP", backup),
    )
    findings = tuple({"namespace": item["namespace"], "target": item["target"], **one}
                     for item in items for one in item["findings"])
    section = Section(key="", title="Drift", items=findings, columns=(
        *where, column("WORKLOAD", "target"), column("CHECK", "check"), column("FOUND", "message"),
        column("FIX", "fix"),
    ))
    open_ends = [*lister.refused, *([backups.words] if backups.words else [])]
    return Report(
        kind="StatusList", items=tuple(items), columns=columns, name=lambda item: str(item["target"]),
        facts={"namespace": scope.namespace, "kastenImage": expected.image or None, "lastBackupKnown": backups.known},
        empty=f"No workload {scope.words} has a sidecar.", sections=(section,),
        notes=tuple(f"warning: not known: {words}" for words in open_ends),
    )


def _failure(items: list[Item]) -> errors.PluginError | None:
    drifted = [item for item in items if item["findings"]]
    if not drifted:
        return None
    names = ", ".join(f"{item['namespace']}/{item['target']}" for item in drifted[:_NAMED])
    more = f" and {len(drifted) - _NAMED} more" if len(drifted) > _NAMED else ""
    return errors.NotReady(f"drifted: {names}{more} ({len(drifted)} of {len(items)} workloads)")
