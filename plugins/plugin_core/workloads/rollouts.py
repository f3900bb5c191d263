"""Whether a rollout is over: a pure judge for each kind.

Sources: kubernetes staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go; for DeploymentConfigs the phase
annotation of the newest ReplicationController (openshift/api apps/v1).
"""

from __future__ import annotations

from collections.abc import Callable

from plugin_core.kube.waiting import Phase, Readiness
from plugin_core.model.kinds import DEPLOYMENT_CONFIG
from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of
from plugin_core.workloads.pods import is_observed
from plugin_core.workloads.templates import kind_of, pod_spec_of, replicas_of

DEPLOYMENT_PHASE = "openshift.io/deployment.phase"
DEPLOYMENT_STATUS_REASON = "openshift.io/deployment.status-reason"


def rollout_readiness(workload: Manifest | None, *, controller: Manifest | None = None) -> Readiness:
    """READY: every pod runs the current template and is available, and no replica of an older one counts any more.

    Terminating pods may still be there. None: the workload is gone, which never becomes ready. controller: the
    newest ReplicationController; only looked at for a DeploymentConfig.
    """
    if workload is None:
        return Readiness(Phase.FAILED, "it was deleted meanwhile")
    if not is_observed(workload):
        return Readiness(Phase.WAITING, "its controller has not seen the change yet")
    return _JUDGES[kind_of(workload).name](workload, controller)


def may_be_over(workload: Manifest) -> bool:
    """Whether the workload's own status leaves nothing to wait for; a DeploymentConfig's controller has the last word.
    """
    if kind_of(workload) == DEPLOYMENT_CONFIG:
        return is_observed(workload) and _counted(workload).phase is not Phase.WAITING
    return rollout_readiness(workload).phase is not Phase.WAITING


def _deployment(workload: Manifest, controller: Manifest | None) -> Readiness:
    for condition in part_of(workload, "status", "conditions") or []:
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return Readiness(Phase.FAILED, str(condition.get("message")))
    return _counted(workload)


def _counted(workload: Manifest) -> Readiness:
    status = workload.get("status") or {}
    wanted = replicas_of(workload)
    updated, total = int(status.get("updatedReplicas") or 0), int(status.get("replicas") or 0)
    available = int(status.get("availableReplicas") or 0)
    if updated < wanted:
        return Readiness(Phase.WAITING, f"{updated} of {wanted} pods have the new template")
    if total > updated:
        return Readiness(Phase.WAITING, f"{total - updated} pods of the old template are still to go")
    if available < updated:
        return Readiness(Phase.WAITING, f"{available} of {updated} new pods are available")
    return Readiness(Phase.READY, f"{available} of {wanted} pods are available")


def _stateful_set(workload: Manifest, controller: Manifest | None) -> Readiness:
    status, wanted = workload.get("status") or {}, replicas_of(workload)
    partition = int(part_of(workload, "spec", "updateStrategy", "rollingUpdate", "partition") or 0)
    updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    if updated < wanted - partition:
        return Readiness(Phase.WAITING, f"{updated} of {wanted - partition} pods have the new template")
    if available < wanted:
        return Readiness(Phase.WAITING, f"{available} of {wanted} pods are available")
    if not partition and status.get("currentRevision") != status.get("updateRevision"):
        return Readiness(Phase.WAITING, "the last pod was replaced; waiting for the set to call it done")
    return Readiness(Phase.READY, f"{available} of {wanted} pods are available")


def _deployment_config(workload: Manifest, controller: Manifest | None) -> Readiness:
    if controller is None or _images(controller) != _images(workload):
        return Readiness(Phase.WAITING, "no ReplicationController with the new template yet")
    notes = annotations_of(controller)
    phase, name = notes.get(DEPLOYMENT_PHASE, "New"), name_of(controller)
    if phase == "Failed":
        reason = notes.get(DEPLOYMENT_STATUS_REASON, "no reason given")
        return Readiness(Phase.FAILED, f"deployment {name} failed: {reason}")
    if phase != "Complete":
        return Readiness(Phase.WAITING, f"deployment {name} is {phase}")
    return _counted(workload)


def _images(owner: Manifest) -> dict[str, str]:
    """Container names and images: enough to tell two templates apart where another API server filled in defaults."""
    return {str(one.get("name")): str(one.get("image")) for one in pod_spec_of(owner).get("containers") or []}


_JUDGES: dict[str, Callable[[Manifest, Manifest | None], Readiness]] = {
    "Deployment": _deployment, "StatefulSet": _stateful_set, "DeploymentConfig": _deployment_config,
}
