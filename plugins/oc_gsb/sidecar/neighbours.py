"""What else in the namespace an injection meets: quotas and LimitRanges, autoscalers, budgets, Kasten's webhook. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from oc_gsb.sidecar.adoption import is_foreign, without_foreign
from oc_gsb.sidecar.autoscaling import autoscaler_warnings, budget_warnings
from oc_gsb.sidecar.containers import SidecarOptions, sidecar_of
from oc_gsb.sidecar.keepers import helm_release, mere_owners
from oc_gsb.sidecar.limit_ranges import judge_limits, with_defaults
from oc_gsb.sidecar.mounting import plan_mounts
from oc_gsb.sidecar.problems import is_label_synced
from oc_gsb.sidecar.quotas import Budget
from oc_gsb.sidecar.surroundings import Surroundings
from oc_gsb.sidecar.webhooks import injecting_webhooks
from plugin_core.model.manifests import Manifest
from plugin_core.names import SIDECAR_CONTAINER
from plugin_core.workloads.claims import Source, claim_volumes
from plugin_core.workloads.templates import pod_spec_of


def room_problems(
    workload: Manifest, after: Manifest, around: Surroundings, budget: Budget, *, held: bool, counts: bool
) -> tuple[list[str], list[str]]:
    """Why LimitRanges and quotas would refuse the new pods, and what is worth knowing of them.

    after: with the sidecar. counts: whether it will be injected, so that others have less room.
    """
    sidecar = sidecar_of(pod_spec_of(after))
    assert sidecar is not None
    others = [one for one in pod_spec_of(after).get("containers") or [] if one.get("name") != SIDECAR_CONTAINER]
    verdict = judge_limits(sidecar, others, around.ranges)
    filled = [with_defaults(one, around.ranges) for one in others]
    if is_foreign(workload):
        return list(verdict.problems), list(verdict.warnings)
    chosen = budget if counts else budget.aside()
    refused = chosen.judge(workload, sidecar=verdict.container, others=filled, held=held)
    return [*verdict.problems, *refused], list(verdict.warnings)


def neighbour_problems(workload: Manifest, around: Surroundings, *, k10_namespace: str) -> list[str]:
    """Kasten's webhook where it would work on our very patch."""
    return [f"Kasten's webhook {name} injects its own sidecar into it whenever it is changed; take the labels that its "
            "selectors look for off, or switch it off (helm value injectGenericVolumeBackupSidecar.enabled)"
            for name, on_update in _webhooks(workload, around, k10_namespace) if on_update]


def neighbour_warnings(
    workload: Manifest, after: Manifest, around: Surroundings, *, held: bool, k10_namespace: str,
    options: SidecarOptions,
) -> Iterator[str]:
    """What the user should know, in one sentence each."""
    yield from autoscaler_warnings(workload, around.scalers)
    yield from budget_warnings(workload, around.budgets, held=held)
    for name, on_update in _webhooks(workload, around, k10_namespace):
        if not on_update:
            yield (f"Kasten's webhook {name} reaches it too: were it deleted and made anew, it would get its sidecar "
                   "from there")
    if helm_release(workload):
        yield f"it belongs to the Helm release {helm_release(workload)}: look at it again after an upgrade of that"
    for owner in mere_owners(workload):
        yield f"it belongs to {owner}: should an operator set it back by that, the sidecar is out again"
    unmounted = plan_mounts(without_foreign(workload)).unmounted
    if unmounted:
        yield f"volume {', '.join(unmounted)} is mounted by no container and will not be backed up"
    brief = [one.volume for one in claim_volumes(workload) if one.source is Source.EPHEMERAL]
    if brief:
        yield (f"the claims of volume {', '.join(brief)} are ephemeral: each goes with its pod, so what is on them now "
               "is gone after this rollout, as after any")
    if is_label_synced(around.namespace):
        yield "new pods may be refused until OpenShift raises the namespace's Pod Security label"
    there = sidecar_of(pod_spec_of(workload))
    if there is not None:
        yield ("it has a sidecar that another tool put in; it is completed and recorded, so that uninject takes all of "
               "it out")
        if not options.own_image and there.get("image") != options.image:
            yield f"that sidecar keeps its image {there.get('image')}; Kasten's is {options.image}: oc gsb upgrade"


def _webhooks(workload: Manifest, around: Surroundings, k10_namespace: str) -> list[tuple[str, bool]]:
    return list(injecting_webhooks(workload, around.webhooks, namespace=around.namespace, k10_namespace=k10_namespace))
