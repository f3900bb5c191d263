"""Autoscalers and disruption budgets that an injection touches. Nothing here stands in its way; it is said. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oc_gsb.sidecar.rolling import unavailable_of
from oc_gsb.sidecar.selectors import matches
from plugin_core.model.manifests import Manifest, labels_of, name_of, part_of
from plugin_core.names import SIDECAR_CONTAINER
from plugin_core.workloads.templates import replicas_of, template_of


def autoscaler_warnings(workload: Manifest, scalers: Sequence[Manifest]) -> Iterator[str]:
    """For each HorizontalPodAutoscaler of it whose targets count the sidecar too.

    Utilization is usage over requests, both summed over all containers (kubernetes pkg/controller/podautoscaler,
    metrics/utilization.go); a ContainerResource target looks at one container.
    """
    for scaler in scalers:
        target = part_of(scaler, "spec", "scaleTargetRef") or {}
        if (target.get("kind"), target.get("name")) != (workload.get("kind"), name_of(workload)):
            continue
        counted = [str(part_of(one, "resource", "name")) for one in part_of(scaler, "spec", "metrics") or []
                   if one.get("type") == "Resource"]
        named = [one for one in part_of(scaler, "spec", "metrics") or [] if one.get("type") == "ContainerResource"
                 and part_of(one, "containerResource", "container") == SIDECAR_CONTAINER]
        who = f"horizontalpodautoscaler/{name_of(scaler)}"
        if counted:
            yield (f"{who} aims at the pods' {' and '.join(counted)}, which counts the sidecar's requests and usage "
                   "from now on, high ones during a backup; a ContainerResource target would leave it out")
        if named:
            yield f"{who} aims at container {SIDECAR_CONTAINER}, which is a new one from now on"


def budget_warnings(workload: Manifest, budgets: Sequence[Manifest], *, held: bool) -> Iterator[str]:
    """For each PodDisruptionBudget that the change goes below: it holds evictions back, not rollouts nor scaling.

    held: whether it goes to zero replicas for the change. A budget may take in pods of other workloads too.
    """
    replicas = replicas_of(workload)
    gone = replicas if held else unavailable_of(workload)
    for budget in budgets if gone else ():
        if not matches(part_of(budget, "spec", "selector"), labels_of(template_of(workload))):
            continue
        wanted = int(part_of(budget, "status", "desiredHealthy") or 0)
        healthy = part_of(budget, "status", "currentHealthy")
        least = max(0, (replicas if healthy is None else int(healthy)) - gone)
        if least < wanted:
            few = f"there may be as few as {least}" if least else "there are none for a while"
            yield (f"poddisruptionbudget/{name_of(budget)} wants {wanted} healthy pods; it holds evictions back, "
                   f"not this change, during which {few}")
