"""Waiting for a workload's rollout, and for pods to be gone, with the reasons as they are observed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, as_timeout, follow
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import EVENT, POD
from plugin_core.model.manifests import Manifest, name_of, namespace_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.pods import WorkloadPods, is_owned, is_ready, pod_owners, read_pods
from plugin_core.workloads.rollouts import may_be_over, rollout_readiness
from plugin_core.workloads.templates import kind_of, replicas_of, selector_of
from plugin_core.workloads.troubles import Trouble, event_troubles, is_creating, pod_troubles

PATIENCE = 45.0
"""Seconds a stuck pod may stay stuck: image pulls and admission caches are tried again within it."""

_LOOK_EVERY = 1.5


@dataclass(frozen=True)
class Rollout:
    """Where a rollout stands. phase WAITING: time was over. troubles: what was last seen to be wrong."""

    readiness: Readiness
    workload: Manifest | None = None
    pods: WorkloadPods = field(default_factory=WorkloadPods)
    troubles: tuple[Trouble, ...] = ()

    @property
    def phase(self) -> Phase:
        return self.readiness.phase

    @property
    def ready_pods(self) -> int:
        return sum(is_ready(pod) for pod in self.pods.newest)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The verdict, then what was observed, in the server's words."""
        return tuple(dict.fromkeys([self.readiness.reason, *(str(trouble) for trouble in self.troubles)]))

    @property
    def summary(self) -> str:
        """The same in one short line."""
        return "; ".join(dict.fromkeys([self.readiness.reason, *(trouble.short for trouble in self.troubles)]))


Look = Callable[[Cluster, Manifest], Rollout]
"""Where a workload's rollout stands now; look_at_rollout is one."""


def look_at_rollout(cluster: Cluster, workload: Manifest) -> Rollout:
    """One look: pods always, events only while pods are missing or not ready."""
    return judge_rollout(workload, read_pods(cluster, workload),
                         events=lambda: read_events(cluster, namespace_of(workload)))


def read_events(cluster: Cluster, namespace: str) -> Sequence[Manifest]:
    """The namespace's; [] for who may not list them: they explain a rollout, and must not end it."""
    try:
        return cluster.list_all(EVENT, namespace=namespace).items
    except errors.Forbidden:
        return []


def judge_rollout(workload: Manifest, pods: WorkloadPods, *, events: Callable[[], Sequence[Manifest]]) -> Rollout:
    """The same look at what was read before. events: the namespace's; asked for while pods are missing or not ready."""
    readiness = rollout_readiness(workload, controller=pods.controller)
    if readiness.phase is Phase.READY:
        return Rollout(readiness, workload, pods)
    creating = [pod for pod in pods.newest if is_creating(pod)]
    about = {uid_of(one) for one in (workload, pods.controller, *creating) if one}
    troubles = pod_troubles(pods.newest)
    short = len(pods.newest) < replicas_of(workload)
    said = event_troubles(events(), about=about)
    troubles += tuple(one for one in said if short or one.reason != "FailedCreate")
    return Rollout(readiness, workload, pods, troubles)


def wait_for_rollout(
    cluster: Cluster, workload: Manifest, *, deadline: Deadline, progress: Progress, patience: float = PATIENCE,
    look: Look = look_at_rollout,
) -> Rollout:
    """Watches until the rollout of the workload's present template is over, cannot end, or the deadline has passed.

    A trouble that is stuck for `patience` seconds without a break counts as never ending. look: another one, for who
    watches many workloads at once. Raises ServerAway when the server does not answer until the deadline.
    """
    kind, name, namespace = kind_of(workload), name_of(workload), namespace_of(workload)
    seen = Rollout(Readiness(Phase.WAITING, "not looked at yet"), workload)
    looked, stuck_since, bounded = 0.0, 0.0, cluster.within(deadline)
    view_fields = f"metadata.name={name}"
    for view in follow(cluster, kind, deadline=deadline, namespace=namespace, fields=view_fields):
        current = view.get((namespace, name))
        if current is None:
            return Rollout(rollout_readiness(None))
        due = time.monotonic() - looked >= _LOOK_EVERY
        if not due and not may_be_over(current):
            continue
        looked = time.monotonic()
        try:
            seen = look(bounded, current)
        except (errors.ConnectionFailed, errors.Unavailable) as error:
            raise as_timeout(error, deadline=deadline, seen=f"{kind.name.lower()}/{name}: {seen.summary}") from error
        if seen.phase is not Phase.WAITING:
            return seen
        progress.update(done=seen.ready_pods, waiting_for="; ".join(seen.reasons))
        if not any(trouble.stuck for trouble in seen.troubles):
            stuck_since = 0.0
        elif not stuck_since:
            stuck_since = looked
        elif looked - stuck_since >= patience:
            words = f"no progress for {format_duration(int(patience))}: {seen.readiness.reason}"
            return Rollout(Readiness(Phase.FAILED, words), current, seen.pods, seen.troubles)
    return seen


def wait_until_gone(
    cluster: Cluster, workload: Manifest, *, which: Callable[[Manifest], bool], deadline: Deadline, progress: Progress
) -> tuple[Manifest, ...]:
    """Waits until no pod of the workload fulfils `which`, terminating ones included; what is left at the deadline.

    Looks once even when the deadline has passed before.
    """
    owners, namespace, labels = pod_owners(cluster, workload), namespace_of(workload), selector_of(workload)
    left: tuple[Manifest, ...] | None = None
    for view in follow(cluster, POD, deadline=deadline, namespace=namespace, labels=labels):
        left = tuple(pod for pod in view.values() if is_owned(pod, owners) and which(pod))
        if not left:
            return ()
        progress.update(done=0, waiting_for="still there: " + ", ".join(f"pod/{name_of(pod)}" for pod in left))
    if left is not None:
        return left
    there = cluster.list_all(POD, namespace=namespace, labels=labels).items
    return tuple(pod for pod in there if is_owned(pod, owners) and which(pod))
