"""The status of a DeploymentConfig, from its versions.  Pure functions."""

from datetime import datetime, timezone
from typing import Any

from sandbox.openshift.revisions import COMPLETE, FAILED, PHASE, REASON, annotation, version_of
from sandbox.openshift.rollouts import shares

Object = dict[str, Any]
_TIMES = ("lastTransitionTime", "lastUpdateTime")


def status_of(config: Object, revisions: list[Object]) -> Object:
    """The whole status; equal to the present one when nothing changed."""
    old = config.get("status") or {}
    desired = int(config["spec"].get("replicas") or 0)

    def total(key: str) -> int:
        return sum(int((each.get("status") or {}).get(key) or 0) for each in revisions)

    replicas, available = total("replicas"), total("availableReplicas")
    latest = max([int(old.get("latestVersion") or 0), *map(version_of, revisions)])
    newest = revisions[-1] if revisions and version_of(revisions[-1]) == latest else None
    _, unavailable = shares((config["spec"].get("strategy") or {}).get("rollingParams") or {}, desired)
    conditions = [_availability(bool(revisions) and available >= desired - unavailable)]
    if newest is not None:
        conditions.append(_progress(newest))
    return {
        **old,
        "latestVersion": latest,
        "observedGeneration": config["metadata"]["generation"],
        "replicas": replicas,
        "updatedReplicas": int((newest or {}).get("status", {}).get("replicas") or 0),
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, replicas - available),
        "conditions": _with_times(conditions, old.get("conditions") or []),
    }


def _availability(enough: bool) -> Object:
    message = f"Deployment config {'has' if enough else 'does not have'} minimum availability."
    reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    return _condition("Available", str(enough), reason, message)


def _progress(newest: Object) -> Object:
    shown = f'replication controller "{newest["metadata"]["name"]}"'
    phase = annotation(newest, PHASE)
    if phase == COMPLETE:
        message = f"{shown} successfully rolled out"
        return _condition("Progressing", "True", "NewReplicationControllerAvailable", message)
    if phase == FAILED:
        cancelled = annotation(newest, REASON).startswith("cancelled")
        reason = "RolloutCancelled" if cancelled else "ProgressDeadlineExceeded"
        message = f"{shown} has failed progressing: {annotation(newest, REASON)}"
        return _condition("Progressing", "False", reason, message)
    return _condition("Progressing", "True", "ReplicationControllerUpdated", f"{shown} is progressing")


def _condition(kind: str, status: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _with_times(new: list[Object], old: list[Object]) -> list[Object]:
    """Keep the times of conditions that stayed, so that an unchanged status is an equal one."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    before = {each["type"]: each for each in old}
    result = []
    for each in new:
        same = before.get(each["type"], {})
        times = {key: now for key in _TIMES}
        if same.get("status") == each["status"]:
            times["lastTransitionTime"] = same.get("lastTransitionTime", now)
        if {key: value for key, value in same.items() if key not in _TIMES} == each:
            times["lastUpdateTime"] = same.get("lastUpdateTime", now)
        result.append({**each, **times})
    return result
