"""Waiting for a run's pods: one watch, the driver's own words as the reason, an end when they say the same for long."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kubectl_rwx.readiness.verification.troubles import read_troubles
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import POD, VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import error_of, judge_snapshot
from plugin_core.workloads.pods import is_ready

LOOK_EVERY = 2.0
"""Seconds between two looks at the events of what is not ready."""

FIRST_LOOK_AFTER = 0.25
"""Then twice as long, up to LOOK_EVERY: what a driver never offered is refused at once."""

FINAL_SECONDS = 5.0
"""Patience with a driver that says it cannot: an old error may still be shown, but it will not learn."""

DELETED = "it was deleted"
"""Reason of a pod that somebody else took away: no answer of the storage."""

_INFEASIBLE = "infeasible error"
"""What the provisioner calls an answer that the CSI specification means to be final (external-provisioner,
pkg/controller, markAsInfeasible: InvalidArgument and the like)."""

_NOT_REPORTED = "capability is not reported"
"""The provisioner's answer when the driver never said that it can (external-provisioner, pkg/controller,
checkDriverCapabilities): it was read when the provisioner started, and asking again changes nothing."""

_UNSUPPORTED = re.compile(r"not support|unsupported|unimplemented|doesn't support|no such capability", re.IGNORECASE)


@dataclass(frozen=True)
class Standing:
    """Where one pod stands. node: "" before it is placed. reason: why it is not ready, in observed words.

    hindered: it failed for a reason of its own, which tells nothing of its volume. seconds: when that was known.
    """

    phase: Phase
    node: str = ""
    reason: str = ""
    hindered: bool = False
    seconds: float = 0.0

    @property
    def ready(self) -> bool:
        return self.phase is Phase.READY


def says_unsupported(words: str) -> bool:
    """Whether a driver's words mean that it has no such thing, rather than that it failed at it."""
    return bool(_UNSUPPORTED.search(words))


class Patience:
    """Tells an error that passes from one that is the answer: the same trouble without a break for so long."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._since: dict[str, float] = {}

    def judge(self, name: str, trouble: str) -> str:
        """Why to wait no longer for it; "" to go on. trouble "": there is none now."""
        if not trouble:
            self._since.pop(name, None)
            return ""
        if _NOT_REPORTED in trouble:
            return trouble
        now = self._clock()
        since = self._since.setdefault(name, now)
        final = says_unsupported(trouble) or _INFEASIBLE in trouble
        enough = min(self._seconds, FINAL_SECONDS) if final else self._seconds
        if now - since < enough:
            return ""
        return f"{trouble} (for {format_duration(max(1, int(enough)))} and more; --patience)"


def wait_until_running(
    cluster: Cluster, pods: Mapping[str, str], *, namespace: str, labels: str, deadline: Deadline, patience: float,
    progress: Progress | None, text: str, ready: Callable[[str], None] = lambda name: None,
) -> dict[str, Standing]:
    """Where each pod stands when all run or have failed, or the deadline has passed. pods: its name → its claim's.

    progress None: nothing is shown. ready is told each name once, when it runs.
    """
    if progress:
        progress.phase(text, total=len(pods))
    patient, broken, reasons, hindered = Patience(patience), dict[str, str](), dict[str, str](), set[str]()
    began, over = time.monotonic(), dict[str, float]()
    looked, pause = began, FIRST_LOOK_AFTER

    def judge(pod: Manifest | None) -> Readiness:
        if pod is None:
            return Readiness(Phase.FAILED, DELETED)
        name = name_of(pod)
        if name in broken:
            return Readiness(Phase.FAILED, broken[name])
        if part_of(pod, "status", "phase") in ("Failed", "Succeeded"):
            hindered.add(name)
            return Readiness(Phase.FAILED, f"it ended: {part_of(pod, 'status', 'reason') or 'its container exited'}")
        if is_ready(pod):
            return Readiness(Phase.READY)
        return Readiness(Phase.WAITING, reasons.get(name, "it is starting"))

    def notify(outcomes: dict[str, Outcome]) -> None:
        nonlocal looked, pause
        waiting = {name: outcome.manifest for name, outcome in outcomes.items()
                   if outcome.phase is Phase.WAITING and outcome.manifest}
        if waiting and time.monotonic() - looked >= pause:
            looked, pause = time.monotonic(), min(2 * pause, LOOK_EVERY)
            early = looked - began < LOOK_EVERY
            for name, trouble in read_troubles(cluster, waiting, pods, namespace=namespace, early=early).items():
                reasons[name] = trouble.words if trouble else "it is starting"
                verdict = patient.judge(name, trouble.words if trouble else "")
                if trouble and verdict:
                    broken[name] = verdict
                    hindered.update(() if trouble.storage else (name,))
                    outcomes[name].readiness = judge(waiting.pop(name))
        for name, outcome in outcomes.items():
            if outcome.phase is not Phase.WAITING and name not in over:
                over[name] = round(time.monotonic() - began, 2)
                if outcome.phase is Phase.READY:
                    ready(name)
        reason = next((f"{name}: {reasons[name]}" for name in waiting if name in reasons), "")
        if progress:
            progress.update(done=len(pods) - len(waiting), waiting_for=reason)

    outcomes = wait_for(
        cluster, POD, list(pods), namespace=namespace, judge=judge, deadline=deadline, labels=labels, notify=notify
    )
    return {
        name: _standing(outcome, hindered=name in hindered, seconds=over.get(name, round(time.monotonic() - began, 2)))
        for name, outcome in outcomes.items()
    }


def wait_until_snapshotted(
    cluster: Cluster, name: str, *, namespace: str, deadline: Deadline, patience: float, progress: Progress
) -> Outcome:
    """Where the snapshot stands when it is ready, has failed, or has reported an error for too long."""
    progress.phase("waiting for the snapshot to be ready", total=1)
    patient = Patience(patience)

    def judge(snapshot: Manifest | None) -> Readiness:
        readiness = judge_snapshot(snapshot)
        if readiness.phase is Phase.WAITING:
            verdict = patient.judge(name, error_of(snapshot or {}))
            return Readiness(Phase.FAILED, verdict) if verdict else readiness
        return readiness

    def notify(outcomes: dict[str, Outcome]) -> None:
        outcome = outcomes[name]
        progress.update(done=int(outcome.phase is Phase.READY), waiting_for=outcome.readiness.reason)

    return wait_for(
        cluster, VOLUME_SNAPSHOT, [name], namespace=namespace, judge=judge, deadline=deadline, notify=notify
    )[name]


def _standing(outcome: Outcome, *, hindered: bool, seconds: float) -> Standing:
    node = str(part_of(outcome.manifest or {}, "spec", "nodeName") or "")
    return Standing(
        phase=outcome.phase, node=node, reason=outcome.readiness.reason, hindered=hindered, seconds=seconds
    )
