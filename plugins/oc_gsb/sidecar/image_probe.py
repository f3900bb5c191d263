"""Trying an image before a workload depends on it: a pod of ours that pulls and starts it, and is deleted again.

Only a node's kubelet knows whether it can pull: with the pull secrets of this namespace and of this service account.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from oc_gsb.sidecar.side_by_side import Stop
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, wait_for
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.kinds import POD
from plugin_core.model.manifests import Manifest, labels_of, name_of, namespace_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.names import GSB, MANAGED_BY_LABEL, TEMPORARY
from plugin_core.workloads.helper_pods import HelperOptions, Security, choose_security, helper_pod
from plugin_core.workloads.troubles import pod_troubles

PURPOSE = "image-check"
TRIALS = f"{MANAGED_BY_LABEL}={GSB},{TEMPORARY}={PURPOSE}"
"""Selects the pods that try images."""

SECONDS = 90.0
"""How long an image may take to be pulled before the question is left open."""

GONE_SECONDS = 30.0
"""How long its pod may take to be gone; a busy kubelet needs some seconds for it, a node that is away never does it."""

GRACE = 30.0
"""Seconds after the end of such a pod in which its own run may be about to delete it."""

_IMAGE_TROUBLES = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})


@dataclass(frozen=True)
class Trial:
    """What is pulled, and as whom."""

    image: str
    account: str
    pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tried:
    """problem: why the image does not start; "" when it does. open: why that is not known; "" when it is."""

    problem: str = ""
    open: str = ""


def try_image(cluster: Cluster, trial: Trial, *, stop: Stop, progress: Progress) -> Tried:
    """Makes the pod, waits for it to end, deletes it. Whatever else than the image stands in its way leaves it open.

    Waits up to GONE_SECONDS until the pod is gone, so that it neither counts against a quota nor is found afterwards;
    warns when it is not. Once the user asked for the end, it is only asked to go.
    """
    name = f"gsb-image-check-{secrets.token_hex(3)}"
    progress.phase(f"trying to pull {trial.image} as service account {trial.account}")

    def build(security: Security) -> Manifest:
        return _pod(name, cluster.namespace, trial, security)

    try:
        cluster.create(build(choose_security(cluster, build)))
    except (errors.Forbidden, errors.Invalid) as error:
        return Tried(open=f"no pod could be made to try it: {error.server_message or error.message}")
    try:
        seen = wait_for(cluster, POD, [name], namespace=cluster.namespace, judge=_judge,
                        deadline=stop.deadline(SECONDS))[name]
    finally:
        _remove(cluster, name, stop=stop, progress=progress)
    if seen.manifest is None:
        return Tried(open="the pod that tried it was deleted by someone else")
    if seen.phase is Phase.FAILED:
        return Tried(problem=f"its image does not start: {seen.readiness.reason}")
    return Tried() if seen.phase is Phase.READY else Tried(open=seen.readiness.reason)


def _remove(cluster: Cluster, name: str, *, stop: Stop, progress: Progress) -> None:
    def judge(pod: Manifest | None) -> Readiness:
        return Readiness(Phase.READY) if pod is None else Readiness(Phase.WAITING, "terminating")

    try:
        cluster.delete(POD, name, namespace=cluster.namespace)
    except errors.NotFound:
        return
    after = ""
    progress.update(done=0, waiting_for=f"pod/{name}, which tried the image, to be gone")
    try:
        seen = wait_for(cluster, POD, [name], namespace=cluster.namespace, judge=judge,
                        deadline=stop.deadline(GONE_SECONDS))[name]
        if seen.phase is Phase.READY:
            return
        node = part_of(seen.manifest or {}, "spec", "nodeName")
        after = "" if stop.asked else f" after {format_duration(GONE_SECONDS)}" + (f" (node {node})" if node else "")
    except errors.PluginError as error:
        after = f": {error.message}"
    progress.warn(f"pod/{name}, which tried the image, was deleted but not seen to be gone{after}; if it stays: "
                  f"oc gsb cleanup -n {cluster.namespace}")


def forgotten_trials(pods: Iterable[Manifest]) -> list[Manifest]:
    """Those pods that tried an image for a run that was killed: ended or begun too long ago for it to be alive.

    A living run deletes its pod as soon as that has ended.
    """
    return [pod for pod in pods if labels_of(pod).get(TEMPORARY) == PURPOSE and labels_of(pod).get(
        MANAGED_BY_LABEL) == GSB and (_ended_since(pod) > GRACE
                                      or seconds_since(part_of(pod, "metadata", "creationTimestamp")) > 2 * SECONDS)]


def forget_trials(cluster: Cluster, pods: Iterable[Manifest], *, progress: Progress) -> None:
    """Deletes them; what may not be deleted is left to cleanup."""
    for pod in forgotten_trials(pods):
        try:
            cluster.delete(POD, name_of(pod), namespace=namespace_of(pod), uid=uid_of(pod))
            progress.note(f"pod/{name_of(pod)} deleted: a run that was killed had tried an image with it")
        except (errors.NotFound, errors.Conflict, errors.Forbidden):
            continue


def _ended_since(pod: Manifest) -> float:
    """Seconds since its container ended; 0 while it has not."""
    statuses = part_of(pod, "status", "containerStatuses") or []
    return max((seconds_since(part_of(one, "state", "terminated", "finishedAt")) for one in statuses), default=0.0)


def _judge(pod: Manifest | None) -> Readiness:
    if pod is None:
        return Readiness(Phase.FAILED, "the pod that tries it was deleted")
    ended = [part_of(one, "state", "terminated") or {} for one in part_of(pod, "status", "containerStatuses") or []]
    for state in ended:
        if state.get("exitCode") == 0:
            return Readiness(Phase.READY)
        if state:
            words = state.get("message") or f"exit code {state.get('exitCode')}"
            return Readiness(Phase.FAILED, f"bash in it: {state.get('reason')}: {words}")
    troubles = pod_troubles([pod])
    for trouble in troubles:
        if trouble.reason in _IMAGE_TROUBLES:
            return Readiness(Phase.FAILED, f"{trouble.reason}: {trouble.message}")
    return Readiness(Phase.WAITING, str(troubles[0]) if troubles else "the pod that tries it has not ended")


def _pod(name: str, namespace: str, trial: Trial, security: Security) -> Manifest:
    made = helper_pod(
        name=name, namespace=namespace, labels={MANAGED_BY_LABEL: GSB, TEMPORARY: PURPOSE}, claim="",
        options=HelperOptions(image=trial.image, pull_secrets=trial.pull_secrets), security=security,
        seconds=SECONDS * 2,
    )
    spec, container = made["spec"], made["spec"]["containers"][0]
    spec["serviceAccountName"] = trial.account
    del spec["volumes"], container["volumeMounts"]
    container["command"] = ["bash", "-c", "command -v tail"]
    return made
