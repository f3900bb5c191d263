"""A short-lived pod that is the first consumer of claims whose class waits for one (WaitForFirstConsumer).

A claim is bound when the scheduler has placed a pod that uses it; the pod need not run, so any image will do, even one
that cannot be pulled. The pod is clean under the "restricted" Pod Security level and has no fixed user on OpenShift,
where the namespace's range decides (a fixed one is refused there).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from kubectl_rwx.protection.answers import Problem
from kubectl_rwx.protection.bindings import wait_until_bound
from kubectl_rwx.protection.claim_selection import describe_claim
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import POD, SCC_GROUP
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress

IMAGE = "registry.k8s.io/pause:3.10"
"""Every node of a cluster has a pause image; nothing of it is used but that it does nothing."""

PURPOSE = "bind"
_USER = 65532
_REMOVAL = 60.0
"""Seconds that pods may take to go, beyond the command's own time."""


def consumer_pod(claim: Manifest, *, run: str, image: str, openshift: bool) -> Manifest:
    """The pod for one claim. Its name follows from the claim's, so that a second run finds it."""
    metadata = claim["metadata"]
    mark = hashlib.sha256(f"{metadata['namespace']}/{metadata['name']}".encode()).hexdigest()[:10]
    container: dict[str, Any] = {
        "name": "bind", "image": image or IMAGE,
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        },
    }
    if part_of(claim, "spec", "volumeMode") == "Block":
        container["volumeDevices"] = [{"name": "claim", "devicePath": "/dev/claim"}]
    else:
        container["volumeMounts"] = [{"name": "claim", "mountPath": "/claim", "readOnly": True}]
    security: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if not openshift:
        security["runAsUser"] = _USER
    return {
        "apiVersion": POD.api_version, "kind": POD.name,
        "metadata": {
            "name": f"rwx-bind-{mark}", "namespace": metadata["namespace"],
            "labels": {names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: run, names.TEMPORARY: PURPOSE},
        },
        "spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False,
            "securityContext": security, "containers": [container],
            "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": metadata["name"]}}],
        },
    }


def bind_claims(
    cluster: Cluster, claims: Sequence[Manifest], *, namespace: str, run: str, image: str, deadline: Deadline,
    progress: Progress,
) -> tuple[dict[str, Outcome], list[Problem]]:
    """Where each claim stands after a pod of its own used it; the pods are gone again, whatever happens."""
    bounded = cluster.within(deadline)
    openshift = bool(bounded.versions_of(SCC_GROUP))
    pods: list[str] = []
    problems: list[Problem] = []
    try:
        for claim in claims:
            pod = consumer_pod(claim, run=run, image=image, openshift=openshift)
            pods.append(name_of(pod))
            try:
                _create(bounded, pod)
            except errors.PluginError as error:
                pods.remove(name_of(pod))
                problems.append(Problem(describe_claim(name_of(claim)), error))
        refused = {problem.subject for problem in problems}
        awaited = [name_of(claim) for claim in claims if describe_claim(name_of(claim)) not in refused]
        outcomes = wait_until_bound(
            cluster, awaited, namespace=namespace, deadline=deadline, progress=progress,
            text="waiting for claims to be Bound by a first consumer",
        ) if awaited else {}
        return outcomes, problems + _explain(cluster, claims, outcomes, deadline=deadline)
    finally:
        remove_pods(cluster, pods, namespace=namespace, progress=progress)


def _create(cluster: Cluster, pod: Manifest) -> None:
    """An SCC may allow no seccomp profile to be named (those before restricted-v2); the pod then goes without."""
    try:
        cluster.create(pod)
    except errors.AlreadyExists:
        return
    except errors.ApiFailure as error:
        if "seccomp" not in error.server_message.lower():
            raise
        without = {key: value for key, value in pod["spec"]["securityContext"].items() if key != "seccompProfile"}
        cluster.create({**pod, "spec": {**pod["spec"], "securityContext": without}})


def _explain(
    cluster: Cluster, claims: Sequence[Manifest], outcomes: dict[str, Outcome], *, deadline: Deadline
) -> list[Problem]:
    look = cluster.within(Deadline.after(10))
    problems = []
    for claim in claims:
        outcome = outcomes.get(name_of(claim))
        if outcome is None or outcome.phase is Phase.READY:
            continue
        name = name_of(consumer_pod(claim, run="", image="", openshift=True))
        lines = [outcome.readiness.reason, *_placement(look, name, str(claim["metadata"]["namespace"]))]
        problems.append(Problem(describe_claim(name_of(claim)), errors.TimedOut(
            f"not Bound by its first consumer after {format_duration(deadline.seconds)} (--timeout)"
            + "".join(f"\n    {line}" for line in lines), hint="start a pod that uses it, on a node that can reach it",
        )))
    return problems


def _placement(cluster: Cluster, name: str, namespace: str) -> list[str]:
    """What the scheduler says of the pod."""
    try:
        pod = cluster.get(POD, name, namespace=namespace)
    except errors.PluginError:
        return []
    conditions = part_of(pod, "status", "conditions") or []
    return [f"pod/{name}: {one.get('reason')}: {one.get('message')}" for one in conditions
            if one.get("type") == "PodScheduled" and one.get("status") != "True"]


def remove_pods(cluster: Cluster, pods: Sequence[str], *, namespace: str, progress: Progress) -> None:
    """Deletes pods of ours and waits until they are gone; has time of its own, since a claim in use cannot go."""
    deadline = Deadline.after(_REMOVAL)
    bounded = cluster.within(deadline)
    try:
        for name in pods:
            try:
                bounded.delete(POD, name, namespace=namespace)
            except errors.NotFound:
                continue
        outcomes = wait_for(
            bounded, POD, pods, namespace=namespace, deadline=deadline, labels=f"{names.TEMPORARY}={PURPOSE}",
            judge=lambda seen: Readiness(Phase.READY if seen is None else Phase.WAITING),
        )
    except (errors.ConnectionFailed, errors.Unavailable, errors.ServerAway) as error:
        progress.warn(f"pod/{', pod/'.join(pods)} may still be there, rwx cleanup removes it: {error.message}")
        return
    left = [name for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING]
    if left:
        progress.warn(f"pod/{', pod/'.join(left)} is still there after {format_duration(_REMOVAL)}: rwx cleanup")
