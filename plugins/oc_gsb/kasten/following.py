"""Following an action to its end: Kasten's aggregated API has no watch, so lists are read, ever more seldom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from oc_gsb.kasten.actions import Action, Ending, children_of, with_volumes
from oc_gsb.kasten.serving import briefly
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import pause
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import BACKUP_ACTION, EXPORT_ACTION, POD, Kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.names import K10_RUN_ACTION
from plugin_core.workloads.troubles import pod_troubles

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
DETAILS_EVERY = 10.0
"""Seconds between two looks at the volumes of a running action."""

MOVERS = ("data-mover-svc-", "create-repo-", "backup-data-stats-", "restore-data-", "copy-vol-data-")
"""How the names of the pods begin that move data for a GSB run; the first three as the injection guide shows them."""


@dataclass
class Movers:
    """The passing pods of one run, told once in each phase. since: pods created before are none of ours."""

    since: str
    namespaces: tuple[str, ...]
    told: dict[str, str] = field(default_factory=dict)
    readable: bool = True

    def look(self, cluster: Cluster, progress: Progress) -> str:
        """Tells of new pods and new phases; the first trouble one of them is in, "" when none is."""
        trouble = ""
        for pod in self._pods(cluster, progress):
            key = f"pod {namespace_of(pod)}/{name_of(pod)}"
            phase = str(part_of(pod, "status", "phase") or "Pending")
            phase = "Terminating" if part_of(pod, "metadata", "deletionTimestamp") else phase
            if self.told.get(key) != phase:
                self.told[key] = phase
                progress.note(f"{key} {phase}")
            stuck = [str(one) for one in pod_troubles([pod])]
            trouble = trouble or (f"{key}: {stuck[0]}" if stuck else "")
        return trouble

    def _pods(self, cluster: Cluster, progress: Progress) -> list[Manifest]:
        if not self.readable:
            return []
        try:
            found = [pod for where in self.namespaces for pod in cluster.list_all(POD, namespace=where).items]
        except errors.Forbidden as error:
            self.readable = False
            progress.note(f"the pods that move the data are not shown: {error.message}")
            return []
        return [pod for pod in found if name_of(pod).startswith(MOVERS)
                and str(part_of(pod, "metadata", "creationTimestamp")) >= self.since]


@dataclass(frozen=True)
class Look:
    """action: the one followed. children: backups, then exports, of a run. final: whether the action is over."""

    action: Action
    children: tuple[Action, ...] = ()

    @property
    def final(self) -> bool:
        return self.action.ending is not Ending.RUNNING


def follow_action(
    cluster: Cluster, kind: Kind, name: str, *, namespace: str, movers_in: tuple[str, ...], deadline: Deadline,
    progress: Progress, also: Callable[[], str] = lambda: "",
) -> Look:
    """Looks until the action is over or the deadline has passed; the last look, with volumes.

    also: asked each time for another reason why it takes so long. A 503 meanwhile is told and waited out: Kasten's
    services restart now and then. Raises NotFound when the action was deleted.
    """
    last: Look | None = None
    details_at = time.monotonic()
    movers: Movers | None = None
    states: dict[str, str] = {}
    for _ in _rounds(deadline):
        try:
            last = _look(cluster, kind, name, namespace=namespace, volumes_of=last)
        except errors.Unavailable as error:
            progress.update(done=last.action.progress if last else 0,
                            waiting_for=f"Kasten's API does not answer: {error.server_message}")
            continue
        for one in (last.action, *last.children):
            if states.get(str(one)) != one.told_state:
                states[str(one)] = one.told_state
                progress.note(one.told_state)
        movers = movers or Movers(str(part_of(last.action.manifest, "metadata", "creationTimestamp")), movers_in)
        trouble = movers.look(cluster, progress) or also()
        if last.final:
            return Look(with_volumes(cluster, last.action), tuple(with_volumes(cluster, one) for one in last.children))
        if time.monotonic() - details_at > DETAILS_EVERY:
            last = Look(with_volumes(cluster, last.action), tuple(
                with_volumes(cluster, one) if one.ending is Ending.RUNNING else one for one in last.children))
            details_at = time.monotonic()
        progress.update(done=last.action.progress, waiting_for=_reason(last, trouble))
    if last is None:
        raise errors.Unavailable(f"{kind.name.lower()}/{name} could not be looked at: Kasten's API did not answer",
                                 hint="oc gsb policy status", status=503)
    return last


def _rounds(deadline: Deadline) -> Iterator[int]:
    """At once, then after ever longer pauses until the deadline has passed."""
    number, rest = 0, FIRST_PAUSE
    while True:
        yield number
        if deadline.passed:
            return
        pause(min(rest, deadline.left))
        number, rest = number + 1, min(rest * 1.3, LONGEST_PAUSE)


def _look(cluster: Cluster, kind: Kind, name: str, *, namespace: str, volumes_of: Look | None) -> Look:
    quick = briefly(cluster)
    action = Action(kind, quick.get(kind, name, namespace=namespace))
    labels = f"{K10_RUN_ACTION}={name}"
    children = [one for child in (BACKUP_ACTION, EXPORT_ACTION) for one in children_of(quick, child, labels=labels)
                ] if kind.name == "RunAction" else []
    seen = {str(one): one.volumes for one in (volumes_of.children if volumes_of else ())}
    kept = tuple(Action(one.kind, one.manifest, seen.get(str(one), ())) for one in children)
    return Look(Action(kind, action.manifest, volumes_of.action.volumes if volumes_of else ()), kept)


def _reason(look: Look, trouble: str) -> str:
    """The actions, the volumes of the one that runs, and what is wrong, in one line."""
    running = [one for one in (look.action, *look.children) if one.volumes and one.ending is Ending.RUNNING]
    volumes = [f"pvc/{volume.claim}" + (f" {volume.percent}%" if volume.percent is not None else "")
               for one in running for volume in one.volumes]
    parts = [one.brief for one in look.children or (look.action,)]
    return "; ".join([*parts, *volumes, *([trouble] if trouble else [])])
