"""What stands in the way of an injection, found before anything is changed. Pure functions on objects already read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oc_gsb.sidecar.adoption import without_foreign
from oc_gsb.sidecar.containers import KOPIA_VOLUMES
from oc_gsb.sidecar.keepers import machine_of
from oc_gsb.sidecar.mounting import plan_mounts
from plugin_core.model.kinds import DEPLOYMENT_CONFIG
from plugin_core.model.manifests import Manifest, is_terminating, labels_of, name_of, namespace_of, part_of
from plugin_core.workloads.claims import claim_volumes, is_exclusive
from plugin_core.workloads.templates import replicas_of

ENFORCE = "pod-security.kubernetes.io/enforce"
LABEL_SYNC = "security.openshift.io/scc.podSecurityLabelSync"
LABEL_SYNCER = "pod-security-admission-label-synchronization-controller"
"""The field manager of OpenShift's label sync (openshift/cluster-policy-controller pkg/psalabelsyncer)."""


def workload_problems(
    workload: Manifest, *, k10_namespace: str, ours: Iterable[str] = tuple(KOPIA_VOLUMES)
) -> list[str]:
    """Every reason why this workload, which has no record of ours, cannot take the sidecar; [] when it can.

    ours: the names of the volumes that the sidecar brings along.
    """
    if namespace_of(workload) == k10_namespace:
        return [f"{k10_namespace} is Kasten's own namespace; its pods are not touched"]
    machine = machine_of(workload)
    if machine:
        return [f"it is {machine}; Kasten copies no files out of virtual machines"]
    problems = list(plan_mounts(without_foreign(workload), ours=ours).problems)
    if is_terminating(workload):
        problems.append("it is being deleted")
    if part_of(workload, "spec", "paused"):
        problems.append("its rollouts are paused, so no new pod would start; resume it first")
    problems += _update_problems(workload)
    return problems


def _update_problems(workload: Manifest) -> list[str]:
    strategy = part_of(workload, "spec", "updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return ["its update strategy is OnDelete, so its pods stay as they are until someone deletes them; set "
                "spec.updateStrategy.type to RollingUpdate for the injection"]
    partition = int(part_of(strategy, "rollingUpdate", "partition") or 0)
    if partition:
        return [f"its rolling update has partition {partition}, which keeps pods below that number without a sidecar; "
                "set it to 0 for the injection"]
    if workload.get("kind") == DEPLOYMENT_CONFIG.name:
        triggers = part_of(workload, "spec", "triggers")
        if triggers is not None and not any(one.get("type") == "ConfigChange" for one in triggers):
            return ["it has no ConfigChange trigger, so a changed template rolls out only by hand; "
                    "add the trigger for the injection (oc set triggers dc/NAME --from-config)"]
    return []


def namespace_problems(namespace: Manifest) -> list[str]:
    """Why no pod with the capabilities can run in this namespace, whatever the SCC; [] when it can."""
    if is_terminating(namespace):
        return [f"namespace {name_of(namespace)} is being deleted"]
    level = labels_of(namespace).get(ENFORCE)
    if level != "restricted" or is_label_synced(namespace):
        return []
    return [f"namespace {name_of(namespace)} enforces the Pod Security level restricted ({ENFORCE}=restricted), which "
            "forbids the capabilities CHOWN, DAC_OVERRIDE and FOWNER; baseline allows them"]


def is_label_synced(namespace: Manifest) -> bool:
    """Whether OpenShift's label sync owns the enforce label; it raises it to baseline once the SCC is granted."""
    if labels_of(namespace).get(LABEL_SYNC) == "false":
        return False
    for entry in part_of(namespace, "metadata", "managedFields") or []:
        fields = part_of(entry, "fieldsV1", "f:metadata", "f:labels") or {}
        if entry.get("manager") == LABEL_SYNCER and f"f:{ENFORCE}" in fields:
            return True
    return False


def reason_to_stop(workload: Manifest, claims: Mapping[str, Manifest]) -> str:
    """Why old and new pods must not overlap; "" when they may.

    A rolling update starts a new pod first. Where all pods share a ReadWriteOnce claim, the new pod cannot attach it on
    another node, and the old one goes only once the new one is ready: both wait for ever. A StatefulSet and the
    strategy Recreate end the old pod first. claims: the namespace's claims by name.
    """
    if not replicas_of(workload) or not _overlaps(workload):
        return ""
    for volume in claim_volumes(workload):
        if is_exclusive(volume, claims):
            modes = ",".join(part_of(claims[volume.claim], "spec", "accessModes") or [])
            return f"claim {volume.claim} is {modes} and cannot be held by an old and a new pod at once"
    return ""


def _overlaps(workload: Manifest) -> bool:
    if workload.get("kind") == "Deployment":
        strategy = part_of(workload, "spec", "strategy") or {}
        surge = part_of(strategy, "rollingUpdate", "maxSurge")
        return strategy.get("type") != "Recreate" and surge not in (0, "0", "0%")
    if workload.get("kind") == DEPLOYMENT_CONFIG.name:
        strategy = part_of(workload, "spec", "strategy") or {}
        surge = part_of(strategy, "rollingParams", "maxSurge")
        return strategy.get("type") != "Recreate" and surge not in (0, "0", "0%")
    return False
