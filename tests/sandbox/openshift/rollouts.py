"""How a rollout goes on: from what is there to the replicas each version should have next.  Pure functions.

OpenShift starts a deployer pod for each rollout; here the controller does its work.  Strategy Custom is treated as
Rolling, lifecycle hooks and ``test`` are ignored.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from sandbox.openshift.revisions import CANCELLED, COMPLETE, FAILED, PHASE, RUNNING, annotation

DEFAULT_TIMEOUT_SECONDS = 600
DEFAULT_SHARE = "25%"

Object = dict[str, Any]


@dataclass
class Step:
    """What to do next: replicas by ReplicationController, and phases (with reasons) that changed."""

    replicas: dict[str, int] = field(default_factory=dict)
    phases: dict[str, tuple[str, str]] = field(default_factory=dict)


def wants_rollout(config: Object, newest_template: Any) -> bool:
    """Whether a change of the pod template (or having no version yet) starts a rollout."""
    spec = config["spec"]
    triggered = any(trigger.get("type") == "ConfigChange" for trigger in spec.get("triggers") or ())
    return triggered and not spec.get("paused") and newest_template != spec["template"]


def next_step(config: Object, revisions: list[Object], *, now: datetime | None = None) -> Step:
    """The next step for a DeploymentConfig with these versions, oldest first; empty when all is as it should be."""
    step = Step()
    if not revisions:
        return step
    newest, older = revisions[-1], revisions[:-1]
    for each in older:
        if annotation(each, PHASE) == RUNNING:
            step.phases[_name(each)] = (FAILED, "newer deployment was found running")
    if annotation(newest, PHASE) == RUNNING:
        reason = _failure(config, newest, now or datetime.now(timezone.utc))
        if reason is None:
            _roll(config, newest, older, step)
            return step
        step.phases[_name(newest)] = (FAILED, reason)
    _settle(config, newest, revisions, step)
    return step


def _failure(config: Object, newest: Object, now: datetime) -> str | None:
    if annotation(newest, CANCELLED) == "true":
        return "cancelled by the user"
    strategy = config["spec"].get("strategy") or {}
    parameters = strategy.get("recreateParams" if strategy.get("type") == "Recreate" else "rollingParams") or {}
    limit = parameters.get("timeoutSeconds") or DEFAULT_TIMEOUT_SECONDS
    age = (now - datetime.fromisoformat(newest["metadata"]["creationTimestamp"])).total_seconds()
    return f"not available after {limit} seconds" if age > limit else None


def _roll(config: Object, newest: Object, older: list[Object], step: Step) -> None:
    desired = int(config["spec"].get("replicas") or 0)
    if not _finished(newest, older, desired):
        strategy = config["spec"].get("strategy") or {}
        move = _recreate if strategy.get("type") == "Recreate" else _replace_gradually
        move(strategy, newest, older, desired, step)
        return
    step.phases[_name(newest)] = (COMPLETE, "")


def _finished(newest: Object, older: list[Object], desired: int) -> bool:
    if not all(_is_settled(each) and not _asked(each) and not _status(each, "replicas") for each in older):
        return False
    return _is_settled(newest) and _asked(newest) == desired and _status(newest, "availableReplicas") >= desired


def _recreate(strategy: Object, newest: Object, older: list[Object], desired: int, step: Step) -> None:
    step.replicas.update({_name(each): 0 for each in older if _asked(each)})
    if all(_is_settled(each) and not _asked(each) and not _status(each, "replicas") for each in older):
        _ask(step, newest, desired)


def _replace_gradually(strategy: Object, newest: Object, older: list[Object], desired: int, step: Step) -> None:
    surge, unavailable = shares(strategy.get("rollingParams") or {}, desired)
    everyone = [*older, newest]
    if not all(_is_settled(each) for each in everyone):
        return
    total = sum(map(_asked, everyone))
    room = max(0, desired + surge - total)
    target = min(desired, _asked(newest) + room)
    if target != _asked(newest):
        _ask(step, newest, target)
        return
    least = desired - unavailable
    starting = _asked(newest) - _status(newest, "availableReplicas")
    spare = total - least - starting
    # pods that do not work first, then working ones as long as enough are left
    for each in older:
        broken = max(0, min(_asked(each) - _status(each, "availableReplicas"), spare))
        if broken:
            _ask(step, each, _asked(each) - broken)
            spare -= broken
    spare = min(spare, sum(_status(each, "availableReplicas") for each in everyone) - least)
    for each in older:
        asked = step.replicas.get(_name(each), _asked(each))
        fewer = max(0, min(asked, spare))
        if fewer:
            _ask(step, each, asked - fewer)
            spare -= fewer


def shares(parameters: Object, desired: int) -> tuple[int, int]:
    """How many pods may be there beyond ``desired``, and how many of it may be missing, during a rolling update."""
    surge = _share(parameters.get("maxSurge", DEFAULT_SHARE), desired, up=True)
    unavailable = _share(parameters.get("maxUnavailable", DEFAULT_SHARE), desired, up=False)
    # neither would leave no way to move
    return surge, unavailable if surge or unavailable else 1


def _share(value: Any, whole: int, *, up: bool) -> int:
    if not isinstance(value, str) or not value.endswith("%"):
        return int(value)
    exact = whole * int(value[:-1]) / 100
    return math.ceil(exact) if up else math.floor(exact)


def _settle(config: Object, newest: Object, revisions: list[Object], step: Step) -> None:
    """No rollout is under way: the last version that worked has all replicas, the others none."""
    works = [each for each in revisions if annotation(each, PHASE) == COMPLETE]
    for each in revisions:
        wanted = int(config["spec"].get("replicas") or 0) if works and each is works[-1] else 0
        _ask(step, each, wanted)


def _ask(step: Step, controller: Object, replicas: int) -> None:
    if replicas != _asked(controller):
        step.replicas[_name(controller)] = replicas


def _name(controller: Object) -> str:
    return str(controller["metadata"]["name"])


def _asked(controller: Object) -> int:
    return int(controller["spec"].get("replicas") or 0)


def _status(controller: Object, key: str) -> int:
    return int((controller.get("status") or {}).get(key) or 0)


def _is_settled(controller: Object) -> bool:
    """Whether the status answers to the replicas asked for last."""
    return _status(controller, "observedGeneration") >= controller["metadata"]["generation"]
