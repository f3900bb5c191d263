"""Do the pods that use a claim get it mounted? The node plugin's part of the chain."""

from __future__ import annotations

from kubectl_rwx.diagnosis.links import Link, State, sound, unseen
from kubectl_rwx.diagnosis.registrations import nodes_with
from kubectl_rwx.diagnosis.sights import Sight
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.kinds import CSI_NODE, POD
from plugin_core.model.manifests import Manifest, is_terminating, name_of, namespace_of, part_of
from plugin_core.workloads.troubles import is_creating

PLUGIN, MOUNT = "node plugin", "mount"
_MOUNT_REASONS = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})
_UNREGISTERED = "not found in the list of registered CSI drivers"
"""The kubelet's words (kubernetes pkg/volume/csi/csi_client.go)."""


def pods_of(sight: Sight, claim: Manifest) -> list[Manifest] | None:
    """Pods of its namespace that use the claim and are not over; None when pods may not be read."""
    look = sight.all_of(POD)
    if look.items is None:
        return None
    return [
        pod for pod in look.items
        if namespace_of(pod) == namespace_of(claim) and name_of(claim) in _claims_of(pod)
        and part_of(pod, "status", "phase") not in ("Succeeded", "Failed")
    ]


def judge_mounts(sight: Sight, claim: Manifest, *, driver: str) -> Link | None:
    """For a Bound claim; None when no pod uses it, or none has been given a node."""
    pods = pods_of(sight, claim)
    if pods is None:
        look = sight.all_of(POD)
        return unseen(MOUNT, look.request, look.words)
    placed = [pod for pod in pods if part_of(pod, "spec", "nodeName") and not is_terminating(pod)]
    stuck = [pod for pod in placed if is_creating(pod) and part_of(pod, "status", "phase") == "Pending"]
    for pod in stuck:
        link = _judge_stuck(sight, claim, pod, driver)
        if link:
            return link
    if not placed:
        return None
    nodes = sorted({str(part_of(pod, "spec", "nodeName")) for pod in placed})
    told = f"{len(placed)} pod{'s' if len(placed) > 1 else ''} on {', '.join(nodes)}"
    if stuck:
        return Link(MOUNT, State.WAITING, f"{told}, {len(stuck)} still starting", "pods status")
    return sound(MOUNT, f"mounted by {told}", "pods status")


def _judge_stuck(sight: Sight, claim: Manifest, pod: Manifest, driver: str) -> Link | None:
    """None for a pod of which nothing says that a volume is what it waits for."""
    subject, node = f"pod/{name_of(pod)}", str(part_of(pod, "spec", "nodeName"))
    events = sight.events(POD, pod, all_of_kind=True)
    failed = [event for event in events or () if event.reason in _MOUNT_REASONS]
    words = failed[-1].message if failed else ""
    source = f"{subject} event {failed[-1].reason}" if failed else f"csinode/{node}"
    nodes = sight.all_of(CSI_NODE)
    known = nodes_with(nodes.items or (), driver)
    gone = bool(driver) and nodes.seen and node not in known
    if gone or _UNREGISTERED in words and driver in words:
        seen = f"csinode/{node} does not list {driver}" if gone else f"{node} does not know {driver}"
        others = f" (it is on {', '.join(known)})" if known else ""
        return Link(
            PLUGIN, State.BROKEN, f"{subject} is stuck on {node}: {seen}{others}" + (f"; {words}" if words else ""),
            f"csinode/{node} spec.drivers" + (f", {source}" if failed else ""), "node-plugin-absent",
            "the driver's node pod does not run there, or has not registered: none of its volumes can be mounted on it",
            f"kubectl get pods -A -o wide --field-selector spec.nodeName={node} | grep -i {driver.partition('.')[0]}",
        )
    if not words or not _is_about(claim, words):
        age = format_duration(int(seconds_since(part_of(pod, "metadata", "creationTimestamp"))))
        if events is None:
            told = f"{subject} has been starting on {node} for {age}; events may not be read"
            return Link(MOUNT, State.SUSPECT, told, f"{subject} status", "pod-starting", "",
                        f"kubectl describe {subject} -n {namespace_of(pod)}")
        return None
    return Link(
        MOUNT, State.BROKEN, f"{subject} is stuck on {node}: {words}", source, "mount-failed",
        "the volume is there, and the node cannot mount it; the kubelet tries again, at most every 2 minutes",
        f"kubectl describe {subject} -n {namespace_of(pod)}",
    )


def _is_about(claim: Manifest, words: str) -> bool:
    """Whether a kubelet's complaint names this claim's volume, by either of its names."""
    volume = str(part_of(claim, "spec", "volumeName") or "")
    return volume in words or f'"{name_of(claim)}"' in words or "unmounted volumes" in words


def _claims_of(pod: Manifest) -> set[str]:
    """Claims it names, and those made for its ephemeral volumes, called POD-VOLUME."""
    found = set()
    for volume in part_of(pod, "spec", "volumes") or ():
        named = part_of(volume, "persistentVolumeClaim", "claimName")
        found |= {str(named)} if named else set()
        found |= {f"{name_of(pod)}-{volume.get('name')}"} if volume.get("ephemeral") else set()
    return found
