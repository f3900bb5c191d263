"""Why a workload's pods do not come up, in the words of the kubelet, the scheduler and the admission chain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plugin_core.model.manifests import Manifest, name_of, part_of

_STUCK = frozenset({
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
    "CreateContainerError", "RunContainerError", "CrashLoopBackOff", "StartError",
})
"""Waiting reasons of a container that seldom pass by themselves (kubernetes pkg/kubelet/images, kuberuntime)."""

_TELLING_EVENTS = frozenset({"FailedCreate", "FailedMount", "FailedAttachVolume"})
"""What a pod's status does not say; scheduling and image pulls are in the status."""


@dataclass(frozen=True)
class Trouble:
    """subject: `pod/web-1`, `replicaset/web-7d9`. stuck: it seldom passes by itself, so patience is short."""

    subject: str
    reason: str
    message: str
    stuck: bool = False

    @property
    def short(self) -> str:
        """Without the server's words."""
        return f"{self.subject}: {self.reason}"

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}" + (f": {self.message}" if self.message else "")


def pod_troubles(pods: Iterable[Manifest]) -> tuple[Trouble, ...]:
    """What the pods' own status says is wrong; () when nothing is."""
    found = []
    for pod in pods:
        subject = f"pod/{name_of(pod)}"
        for condition in part_of(pod, "status", "conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                found.append(Trouble(subject, str(condition.get("reason")), str(condition.get("message", ""))))
        statuses = [*(part_of(pod, "status", "initContainerStatuses") or []),
                    *(part_of(pod, "status", "containerStatuses") or [])]
        for status in statuses:
            waiting = part_of(status, "state", "waiting") or {}
            reason = str(waiting.get("reason", ""))
            if reason in _STUCK:
                container = f"{subject} container {status.get('name')}"
                found.append(Trouble(container, reason, str(waiting.get("message", "")), stuck=True))
    return tuple(found)


def is_creating(pod: Manifest) -> bool:
    """Whether no container of the pod was started yet, so that failed mounts are still what it waits for."""
    statuses = [*(part_of(pod, "status", "initContainerStatuses") or []),
                *(part_of(pod, "status", "containerStatuses") or [])]
    return all(part_of(one, "state", "waiting", "reason") in ("ContainerCreating", "PodInitializing")
               for one in statuses)


def event_troubles(events: Iterable[Manifest], *, about: set[str]) -> tuple[Trouble, ...]:
    """Warnings about the objects whose uids are `about`, the newest last, each text once.

    FailedCreate is how a refusal by admission (SCC, Pod Security, quota) shows: the pod never exists. Each try has a
    text of its own, with another pod's name, so only the newest counts; and none once the same object created a pod
    later on.
    """
    known = sorted((one for one in events if part_of(one, "involvedObject", "uid") in about), key=_when)
    created = {str(part_of(one, "involvedObject", "uid")): _when(one) for one in known
               if one.get("reason") == "SuccessfulCreate"}
    found: dict[tuple[str, str, str], Trouble] = {}
    for event in known:
        reason, uid = str(event.get("reason")), str(part_of(event, "involvedObject", "uid"))
        if event.get("type") != "Warning" or reason not in _TELLING_EVENTS:
            continue
        if reason == "FailedCreate" and created.get(uid, "") > _when(event):
            continue
        subject = f"{str(part_of(event, 'involvedObject', 'kind')).lower()}/{part_of(event, 'involvedObject', 'name')}"
        message, refused = str(event.get("message", "")), reason == "FailedCreate"
        slot = (subject, reason, "" if refused else message)
        found.pop(slot, None)
        found[slot] = Trouble(subject, reason, message, stuck=refused)
    return tuple(found.values())


def _when(event: Manifest) -> str:
    """RFC 3339 in UTC sorts as text; the API writes whole seconds here or, in eventTime, microseconds."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
