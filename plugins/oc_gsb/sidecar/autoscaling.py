"""Autoscalers and disruption budgets that an injection touches. Nothing here stands in its way; it is said. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    """For each PodDisruptionBudget that the change goes below: it holds evictions back, not rollouts nor scaling."""
    strategy = part_of(workload, "spec", "strategy") or part_of(workload, "spec", "updateStrategy") or {}
    downs = held or strategy.get("type") == "Recreate" or (
        workload.get("kind") == "StatefulSet" and replicas_of(workload) == 1)
    if not downs or not replicas_of(workload):
        return
    for budget in budgets:
        if matches(part_of(budget, "spec", "selector"), labels_of(template_of(workload))):
            wanted = part_of(budget, "status", "desiredHealthy")
            if wanted:
                yield (f"poddisruptionbudget/{name_of(budget)} wants {wanted} healthy pods; it holds evictions back, "
                       "not this change, during which there are none for a while")
