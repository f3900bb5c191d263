"""The injection as manifests for Git: SCC copy, role, binding, and a patch that adds only what inject adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oc_gsb.sidecar.grants import binding_manifest, role_manifest
from oc_gsb.sidecar.kasten import read_tools_image
from oc_gsb.sidecar.planning import Plan, Planner
from oc_gsb.sidecar.record import has_record, read_record
from oc_gsb.sidecar.requests import InjectRequest
from oc_gsb.sidecar.selection import select_workloads
from oc_gsb.sidecar.template import MARK, remove_sidecar
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import DEPLOYMENT_CONFIG
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of
from plugin_core.model.progress import Progress
from plugin_core.names import FORCE_GENERIC_BACKUP, REQUIRED_SCC, SCC_BASE, SIDECAR_CONTAINER
from plugin_core.workloads.templates import kind_of, pod_spec_of, template_of

ALL, PATCH, ACCESS = "all", "patch", "access"
PARTS = (ALL, PATCH, ACCESS)
Document = tuple[Sequence[str], Manifest]


@dataclass(frozen=True)
class Rendering:
    """documents: with comments. warnings: what inject would have warned of."""

    documents: tuple[Document, ...]
    warnings: tuple[str, ...] = ()


def render(cluster: Cluster, request: InjectRequest, *, part: str, progress: Progress) -> Rendering:
    """Plans as inject does and writes nothing. Raises NotReady with every problem of every workload.

    part: one of PARTS; ACCESS is cluster-scoped in part and belongs to an administrator's repository. An injected
    workload is rendered from its record, as it was before.
    """
    progress.phase("looking at the workloads and what their injection needs")
    image = request.image or read_tools_image(cluster, namespace=request.k10_namespace)
    workloads = [_plain(one) for one in select_workloads(cluster, request.selection)]
    planner = Planner(cluster, workloads, options=request.options(image), k10_namespace=request.k10_namespace,
                      force=True)
    plans = [planner.plan(one) for one in workloads]
    problems = [f"{_target(plan.workload)}: {problem}" for plan in plans for problem in plan.problems
                if not plan.forbidden]
    if problems:
        raise errors.NotReady("it would not work:" + "".join(f"\n  - {one}" for one in problems),
                              hint="mend this first; the same is checked by: oc gsb inject --dry-run=client")
    documents: dict[tuple[str, str, str], Document] = {}
    for plan in plans:
        made = [*(_access(plan) if part != PATCH else ()), *([_patch(planner, plan)] if part != ACCESS else ())]
        for document in made:
            documents.setdefault((document[1]["kind"], namespace_of(document[1]), name_of(document[1])), document)
    warnings = tuple(f"{_target(plan.workload)}: {words}" for plan in plans for words in _warnings(plan))
    return Rendering(tuple(documents.values()), warnings)


def _plain(workload: Manifest) -> Manifest:
    record = read_record(workload) if has_record(workload) else None
    return remove_sidecar(workload, record).workload if record else workload


def _access(plan: Plan) -> list[Document]:
    if not plan.scc.wanted:
        return []
    found: list[Document] = []
    grant = plan.grant
    if plan.scc.copy is not None:
        base = annotations_of(plan.scc.copy).get(SCC_BASE, plan.scc.base)
        found.append(([f"A copy of SCC {base} that also allows CHOWN, DAC_OVERRIDE and FOWNER.",
                       "Nobody may use it but whom the binding below names."], plan.scc.copy))
    if plan.scc.copy is not None or not plan.scc.granted:
        found.append((["The right to use this one SCC."], role_manifest(grant)))
        found.append(([f"Given to service account {grant.account}, in namespace {grant.namespace} only."],
                      binding_manifest(grant)))
    return found


def _patch(planner: Planner, plan: Plan) -> Document:
    """A strategic merge patch that is a valid object of its own, so that server-side apply takes it too."""
    before = plan.workload
    after = planner.edit(plan, before, run="")
    spec = pod_spec_of(after)
    there = {volume.get("name") for volume in pod_spec_of(before).get("volumes") or []}
    template: Manifest = {"spec": {
        "containers": [one for one in spec["containers"] if one.get("name") == SIDECAR_CONTAINER],
        "volumes": [one for one in spec["volumes"] if one.get("name") not in there],
    }}
    added = [one for one in spec.get("imagePullSecrets") or []
             if one not in (pod_spec_of(before).get("imagePullSecrets") or [])]
    if added:
        template["spec"]["imagePullSecrets"] = added
    if plan.scc.pin:
        template = {"metadata": {"annotations": {REQUIRED_SCC: annotations_of(template_of(after))[REQUIRED_SCC]}},
                    **template}
    kind = kind_of(before)
    patch: Manifest = {
        "apiVersion": kind.api_version, "kind": kind.name,
        "metadata": {"name": name_of(before), "namespace": namespace_of(before),
                     "annotations": {FORCE_GENERIC_BACKUP: MARK}},
        "spec": {"template": template},
    }
    return _how_to_apply(before), patch


def _how_to_apply(workload: Manifest) -> tuple[str, ...]:
    """DeploymentConfigs only merge by name on OpenShift's own server, and only under a strategic patch."""
    target = _target(workload)
    if kind_of(workload) == DEPLOYMENT_CONFIG:
        return (f"A patch of {target}, to be applied with",
                f"oc patch {target} -n {namespace_of(workload)} --type=strategic --patch-file=FILE")
    return (f"A patch of {target}: list it in a kustomization's `patches` with its file as `path` and",
            f"target: {{kind: {kind_of(workload).name}, name: {name_of(workload)}}}",
            "or apply it with",
            "kubectl apply --server-side --field-manager=gsb -f FILE")


def _warnings(plan: Plan) -> list[str]:
    found = list(plan.warnings)
    if plan.stop:
        found.append(f"scale it to 0 for the change: {plan.stop}")
    if kind_of(plan.workload) == DEPLOYMENT_CONFIG:
        found.append("kustomize and server-side apply may replace a DeploymentConfig's lists; use oc patch")
    return found


def _target(workload: Manifest) -> str:
    return f"{kind_of(workload).name.lower()}/{name_of(workload)}"
