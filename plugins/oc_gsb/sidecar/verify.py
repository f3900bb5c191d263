"""The proof that a sidecar can do its work: measured in the newest pods, never read off the template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oc_gsb.kasten.installations import fault_of
from oc_gsb.scc import missing_for_sidecar
from oc_gsb.sidecar.container_checks import check_sidecar
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.kasten import VERSION, read_config
from oc_gsb.sidecar.record import has_record
from oc_gsb.sidecar.requests import VerifyRequest
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import select_workloads
from oc_gsb.sidecar.template import MARK
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.kinds import SCC_GROUP, SECURITY_CONTEXT_CONSTRAINTS
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Item, Report, column
from plugin_core.names import FORCE_GENERIC_BACKUP, POD_SCC
from plugin_core.workloads.pods import is_ready
from plugin_core.workloads.templates import kind_of, pod_spec_of, replicas_of
from plugin_core.workloads.waits import Rollout, look_at_rollout

SUBJECT_TYPE = "security.openshift.io/validated-scc-subject-type"


def verify(cluster: Cluster, request: VerifyRequest, *, progress: Progress) -> Answer:
    """Checks each selected workload; of -l and --all those without sidecar and record are passed over."""
    workloads = [one for one in select_workloads(cluster, request.selection)
                 if request.selection.named or has_record(one) or sidecar_of(pod_spec_of(one))]
    sccs = _SccLookup(cluster, served=bool(cluster.versions_of(SCC_GROUP)))
    items: list[Item] = []
    for workload in workloads:
        target = f"{kind_of(workload).name.lower()}/{name_of(workload)}"
        progress.phase(f"measuring {target}")
        checks = list(check_workload(cluster, workload, sccs=sccs, seconds=request.timeout))
        items += [_item(workload, target, check) for check in checks]
    failed = list(dict.fromkeys(str(item["target"]) for item in items if item["verdict"] == Verdict.FAIL.value))
    failure = errors.NotReady(
        f"{len(failed)} of {len(workloads)} workloads cannot be backed up through their sidecar: {', '.join(failed)}",
    ) if failed else None
    where = request.k10_namespace if workloads else ""
    version = _kasten_version(cluster, where) if where else ""
    notes = (_say_version(version, where),) if where else ()
    return Answer(_report(items, namespace=cluster.namespace, version=version, notes=notes), failure)


def _kasten_version(cluster: Cluster, namespace: str) -> str:
    """K10's, as k10-config has it; "" where there is none, or it may not be read."""
    try:
        return read_config(cluster, namespace=namespace).get(VERSION, "")
    except (errors.NotFound, errors.Forbidden):
        return ""


def _say_version(version: str, namespace: str) -> str:
    if not version:
        return f"Kasten's version was not seen in namespace {namespace} (--k10-namespace)"
    fault = fault_of(version)
    return f"warning: Kasten in {namespace} is {version}: {fault}" if fault else f"Kasten in {namespace} is {version}"


@dataclass
class _SccLookup:
    cluster: Cluster
    served: bool

    def __post_init__(self) -> None:
        self._seen: dict[str, Manifest] = {}

    def get(self, name: str) -> Manifest:
        if name not in self._seen:
            self._seen[name] = self.cluster.get(SECURITY_CONTEXT_CONSTRAINTS, name)
        return self._seen[name]


def check_workload(cluster: Cluster, workload: Manifest, *, sccs: _SccLookup, seconds: float) -> Iterable[Check]:
    """The checks in the order in which one failing explains the next."""
    if sidecar_of(pod_spec_of(workload)) is None:
        yield Check("sidecar", Verdict.FAIL, "its pod template has none", "inject it: oc gsb inject")
        return
    yield _check_mark(workload)
    rollout = look_at_rollout(cluster, workload)
    yield _check_pods(workload, rollout)
    pods = rollout.pods.newest
    if not pods:
        yield Check("measurements", Verdict.SKIP, "there is no pod of the newest revision to measure in")
        return
    yield from _check_scc(pods, sccs)
    yield from check_sidecar(cluster, workload, [pod for pod in pods if is_ready(pod)] or list(pods), seconds=seconds)


def _check_mark(workload: Manifest) -> Check:
    value = annotations_of(workload).get(FORCE_GENERIC_BACKUP)
    if value == MARK:
        return Check("annotation", Verdict.OK, f"{FORCE_GENERIC_BACKUP}={value}")
    return Check("annotation", Verdict.FAIL, f"{FORCE_GENERIC_BACKUP}={value}",
                 f'Kasten backs it up through the sidecar only with "{MARK}" on the workload itself')


def _check_pods(workload: Manifest, rollout: Rollout) -> Check:
    wanted, newest = replicas_of(workload), rollout.pods.newest
    containers = {(sum(bool(one.get("ready")) for one in part_of(pod, "status", "containerStatuses") or []),
                   len(part_of(pod, "spec", "containers") or [])) for pod in newest}
    shown = ", ".join(f"{ready}/{total}" for ready, total in sorted(containers)) or "none"
    observed = f"{rollout.ready_pods} of {wanted} newest pods ready, containers {shown}"
    if rollout.phase is Phase.READY and wanted:
        return Check("pods", Verdict.OK, observed)
    if not wanted:
        return Check("pods", Verdict.SKIP, "it is at 0 replicas", "scale it up to measure")
    return Check("pods", Verdict.FAIL, f"{observed}; {rollout.summary}", "see oc describe of the pods")


def _check_scc(pods: Iterable[Manifest], sccs: _SccLookup) -> Iterable[Check]:
    if not sccs.served:
        yield Check("scc", Verdict.SKIP, "this cluster has no SecurityContextConstraints")
        return
    names = sorted({annotations_of(pod).get(POD_SCC, "") for pod in pods})
    for name in names:
        if not name:
            yield Check("scc", Verdict.WARN, "the pods do not say which SCC admitted them")
            continue
        try:
            lacks = missing_for_sidecar(sccs.get(name))
        except (errors.NotFound, errors.Forbidden) as error:
            yield Check("scc", Verdict.WARN, f"{name}, which cannot be read: {error.server_message}")
            continue
        verdict = Verdict.FAIL if lacks else Verdict.OK
        yield Check("scc", verdict, f"{name}, which " + (f"does not allow {', '.join(lacks)}" if lacks else
                    "allows CHOWN, DAC_OVERRIDE, FOWNER"), "let oc gsb inject make and grant a copy" if lacks else "")
    types = sorted({annotations_of(pod).get(SUBJECT_TYPE, "") for pod in pods} - {""})
    if types:
        through = {"serviceaccount": "its service account", "user": "the controller that made the pod"}
        words = ", ".join(through.get(one, one) for one in types)
        yield Check("scc-granted-to", Verdict.OK if types == ["serviceaccount"] else Verdict.WARN, words,
                    "" if types == ["serviceaccount"] else "it relies on a grant to everybody, not on one of its own")


def _item(workload: Manifest, target: str, check: Check) -> Item:
    return {
        "target": target, "kind": kind_of(workload).name, "namespace": namespace_of(workload),
        "name": name_of(workload), "check": check.name, "verdict": check.verdict.value, "observed": check.observed,
        "advice": check.advice,
    }


def _report(items: list[Item], *, namespace: str, version: str, notes: tuple[str, ...]) -> Report:
    columns = (column("WORKLOAD", "target"), column("CHECK", "check"), column("VERDICT", "verdict"),
               column("OBSERVED", "observed"), column("ADVICE", "advice", wide=True))
    advised: dict[tuple[str, str, str], list[str]] = {}
    for item in items:
        if item["advice"]:
            advised.setdefault((item["verdict"], item["check"], item["advice"]), []).append(str(item["target"]))
    advice = tuple(f"{verdict}: {check} of {', '.join(targets)}: {words}"
                   for (verdict, check, words), targets in advised.items())
    return Report(kind="Verification", items=tuple(items), columns=columns, name=lambda item: str(item["target"]),
                  facts={"namespace": namespace, "kastenVersion": version or None}, notes=(*advice, *notes),
                  empty=f"No workload in namespace {namespace} has a sidecar.")
