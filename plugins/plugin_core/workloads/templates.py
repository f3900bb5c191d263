"""What a workload says its pods are."""

from __future__ import annotations

import copy

from plugin_core.model.kinds import DAEMON_SET, DEPLOYMENT, DEPLOYMENT_CONFIG, STATEFUL_SET, Kind, find_kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of

WORKLOAD_KINDS: tuple[Kind, ...] = (DEPLOYMENT, STATEFUL_SET, DEPLOYMENT_CONFIG)
"""Kinds with a replica count and a template of their own; the ones a rollout can be made of."""


def kind_of(workload: Manifest) -> Kind:
    """The workload's kind. Raises ValueError for what is no workload."""
    kind = find_kind(str(workload.get("apiVersion")), str(workload.get("kind")))
    if kind not in (*WORKLOAD_KINDS, DAEMON_SET):
        raise ValueError(f"{workload.get('apiVersion')} {workload.get('kind')} is not a workload")
    return kind


def template_of(workload: Manifest) -> Manifest:
    """spec.template; {} when absent (a DeploymentConfig may have none)."""
    return part_of(workload, "spec", "template") or {}


def pod_spec_of(workload: Manifest) -> Manifest:
    """spec.template.spec; {} when absent."""
    return template_of(workload).get("spec") or {}


def service_account_of(workload: Manifest) -> str:
    """The one service account of its pods; "default" when the template names none."""
    spec = pod_spec_of(workload)
    return str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default")


def replicas_of(workload: Manifest) -> int:
    """The pods asked for; 1 when unset, as the API has it."""
    wanted = part_of(workload, "spec", "replicas")
    return 1 if wanted is None else int(wanted)


def claim_templates_of(workload: Manifest) -> list[Manifest]:
    """A StatefulSet's volumeClaimTemplates; [] for all else."""
    return part_of(workload, "spec", "volumeClaimTemplates") or []


def selector_of(workload: Manifest) -> str:
    """The label selector of its pods, as a list request takes it; a DeploymentConfig's is a plain map."""
    selector = part_of(workload, "spec", "selector") or {}
    if workload.get("kind") == DEPLOYMENT_CONFIG.name:
        selector = {"matchLabels": selector}
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for rule in selector.get("matchExpressions") or []:
        key, operator, values = rule["key"], rule["operator"], ",".join(rule.get("values") or [])
        words = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key,
                 "DoesNotExist": f"!{key}"}
        terms.append(words[operator])
    return ",".join(terms)


def pod_from(workload: Manifest) -> Manifest:
    """A pod as the workload's controller would ask for it: the template, and a volume for each claim template."""
    template = copy.deepcopy(template_of(workload))
    name = name_of(workload)
    metadata = {**(template.get("metadata") or {}), "generateName": f"{name}-", "namespace": namespace_of(workload)}
    spec = template.get("spec") or {}
    claimed = [{"name": name_of(claim), "persistentVolumeClaim": {"claimName": f"{name_of(claim)}-{name}-0"}}
               for claim in claim_templates_of(workload)]
    if claimed:
        names = {volume["name"] for volume in claimed}
        spec["volumes"] = [one for one in spec.get("volumes") or [] if one.get("name") not in names] + claimed
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
