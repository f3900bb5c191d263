"""Waiting for what was installed: definitions that are served, workloads whose pods are there."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.installation.steps import kind_of
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import CUSTOM_RESOURCE_DEFINITION, DAEMON_SET, POD
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.pods import is_observed
from plugin_core.workloads.rollouts import rollout_readiness


def await_definitions(
    cluster: Cluster, definitions: Sequence[Manifest], *, deadline: Deadline, progress: Progress
) -> None:
    """Until the server serves them. Raises TimedOut with what each is waiting for."""
    names = [name_of(item) for item in definitions]
    progress.phase("waiting until the server serves the definitions", total=len(names))
    outcomes = wait_for(
        cluster, CUSTOM_RESOURCE_DEFINITION, names, namespace="", judge=definition_readiness, deadline=deadline,
        notify=lambda seen: _tell(progress, seen),
    )
    _require(outcomes, "customresourcedefinition", deadline, again="the same command goes on")


def definition_readiness(definition: Manifest | None) -> Readiness:
    """READY: served. A name that is taken by another definition never becomes ready."""
    for condition in part_of(definition or {}, "status", "conditions") or []:
        if condition.get("type") == "NamesAccepted" and condition.get("status") == "False":
            return Readiness(Phase.FAILED, str(condition.get("message")))
        if condition.get("type") == "Established" and condition.get("status") == "True":
            return Readiness(Phase.READY)
    return Readiness(Phase.WAITING, "not served yet")


def await_rollouts(
    cluster: Cluster, workloads: Sequence[Manifest], *, deadline: Deadline, progress: Progress, again: str
) -> None:
    """Until every pod of each Deployment and DaemonSet is available. Raises TimedOut with the pods' reasons."""
    for workload in workloads:
        name, namespace = f"{workload['kind'].lower()}/{name_of(workload)}", namespace_of(workload)
        progress.phase(f"waiting for {name} in {namespace}")
        outcomes = wait_for(
            cluster, kind_of(workload), [name_of(workload)], namespace=namespace, judge=workload_readiness,
            deadline=deadline, notify=lambda seen: _tell(progress, seen),
        )
        try:
            _require(outcomes, workload["kind"].lower(), deadline, again=again)
        except errors.PluginError as error:
            selector = part_of(workload, "spec", "selector", "matchLabels") or {}
            lines = _pod_lines(cluster, selector, namespace=namespace)
            raise type(error)(error.message + "".join(f"\n    {line}" for line in lines), hint=error.hint) from error


def workload_readiness(workload: Manifest | None) -> Readiness:
    """Of a Deployment or a DaemonSet."""
    if workload is None or workload["kind"] != DAEMON_SET.name:
        return rollout_readiness(workload)
    if not is_observed(workload):
        return Readiness(Phase.WAITING, "its controller has not seen the change yet")
    status = workload.get("status") or {}
    wanted = int(status.get("desiredNumberScheduled") or 0)
    updated, available = int(status.get("updatedNumberScheduled") or 0), int(status.get("numberAvailable") or 0)
    if min(updated, available) < wanted:
        return Readiness(Phase.WAITING, f"{updated} of {wanted} pods are new, {available} are available")
    return Readiness(Phase.READY, f"{available} of {wanted} pods are available")


def _tell(progress: Progress, seen: dict[str, Outcome]) -> None:
    waiting = [outcome.readiness.reason for outcome in seen.values() if outcome.phase is not Phase.READY]
    progress.update(done=len(seen) - len(waiting), waiting_for=waiting[0] if waiting else "")


def _require(outcomes: dict[str, Outcome], kind: str, deadline: Deadline, *, again: str) -> None:
    for name, outcome in outcomes.items():
        if outcome.phase is Phase.FAILED:
            raise errors.NotReady(f"{kind}/{name}: {outcome.readiness.reason}", hint=again)
        if outcome.phase is Phase.WAITING:
            raise errors.TimedOut(
                f"{kind}/{name} is not ready after {format_duration(deadline.seconds)} (--timeout): "
                f"{outcome.readiness.reason}", hint=f"with a longer --timeout, {again}",
            )


def _pod_lines(cluster: Cluster, selector: dict[str, str], *, namespace: str) -> list[str]:
    """One line for each pod whose containers wait: the kubelet's words; no pod is an observation, too."""
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    try:
        pods = cluster.within(Deadline.after(10)).list_all(POD, namespace=namespace, labels=labels).items
    except errors.PluginError:
        return []
    lines = []
    for pod in pods:
        for container in part_of(pod, "status", "containerStatuses") or []:
            state = container.get("state", {}).get("waiting") or container.get("state", {}).get("terminated") or {}
            if state.get("reason"):
                words = f"{state['reason']}: {state.get('message', '')}".rstrip(": ")
                lines.append(f"pod/{name_of(pod)}: {container['name']} {words}")
    return lines or ([] if pods else [f"no pod is there: kubectl -n {namespace} get events"])
