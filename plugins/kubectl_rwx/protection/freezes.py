"""Freezing every writer by its hook, and thawing every one that a freeze was begun in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

from kubectl_rwx.protection.dead_man import limited, start_timer, thaw_and_stop
from kubectl_rwx.protection.freeze_records import (
    FrozenPod,
    frozen_pod,
    holder_of,
    make_record,
    remove_freeze_record,
    write_freeze_record,
)
from kubectl_rwx.protection.hooks import Hook
from plugin_core import errors
from plugin_core.kube.cluster import Cluster, ExecResult
from plugin_core.kube.waiting import pause
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import POD, Kind
from plugin_core.model.manifests import uid_of
from plugin_core.model.progress import Progress

AT_ONCE = 16
TRIES = 3
"""How often a thaw is tried; then the timer in the pod has to do it."""

THAWING = 30.0
"""Seconds for which a server that is away is waited for with a thaw."""

KILLED = 137
"""Exit code of what was killed: 128 and the number of SIGKILL."""

Failures = dict[str, str]
"""Hook in words → why it failed."""


class Freezer:
    """The freeze of one run. until: when its timers thaw at the latest; set by freeze()."""

    def __init__(
        self, cluster: Cluster, hooks: Sequence[Hook], *, run: str, why: str, seconds: float, progress: Progress
    ) -> None:
        # what thaws must not end with the command's own deadline
        self._cluster, self.hooks, self._run, self._why = cluster.within(None), tuple(hooks), run, why
        self._seconds, self._progress = seconds, progress
        self._holders: dict[tuple[Kind, str], list[Hook]] = {}
        self._begun: list[Hook] = []
        self.until = datetime.now(timezone.utc)

    def freeze(self) -> Failures:
        """Records, starts the timers, freezes; all pods at once. What failed may be half frozen: thaw() sees to it."""
        since = datetime.now(timezone.utc)
        self.until = since + timedelta(seconds=math.floor(self._seconds))
        by_holder: dict[tuple[Kind, str], list[Hook]] = {}
        for hook in self.hooks:
            by_holder.setdefault(holder_of(hook), []).append(hook)
        for (kind, name), hooks in by_holder.items():
            # the timers start a moment after this, and end as much later
            record = make_record(
                hooks, run=self._run, since=since, until=self.until + timedelta(seconds=30), why=self._why
            )
            self._holders[kind, name] = hooks
            write_freeze_record(self._cluster, kind, name, record)
        self.until = datetime.now(timezone.utc) + timedelta(seconds=math.floor(self._seconds))
        return self._each(self.hooks, self._freeze)

    def thaw(self) -> Failures:
        """Thaws every pod whose freeze was begun, stops its timer, removes the records of those that went well.

        A repeat does only what is left. Nothing raises but Ctrl-C. A server that stays away is given up after THAWING
        seconds in all: the timers in the pods do it then.
        """
        self._cluster = self._cluster.within(Deadline.after(THAWING))
        failed = self._each(tuple(self._begun), self._thaw)
        for holder, hooks in list(self._holders.items()):
            if any(hook in self._begun for hook in hooks):
                continue
            try:
                remove_freeze_record(self._cluster.within(Deadline.after(THAWING)), *holder, run=self._run)
            except errors.PluginError as error:
                failed[f"{holder[0].name.lower()}/{holder[1]}"] = f"its record stays: {error.message}"
                continue
            del self._holders[holder]
        return failed

    def _freeze(self, hook: Hook) -> str:
        if hook.thaw.argv:
            start_timer(
                self._cluster, hook.pod, namespace=self._cluster.namespace, container=hook.thaw.container,
                seconds=math.floor(self._seconds), thaw=hook.thaw.argv, run=self._run,
            )
        self._begun.append(hook)
        # over before the timer thaws, so that nothing freezes after it
        limit = math.floor(min(hook.freeze.seconds, self._seconds - 1))
        argv = limited(hook.freeze.argv, seconds=limit) if hook.thaw.argv else hook.freeze.argv
        done = self._cluster.execute(
            hook.pod, argv, namespace=self._cluster.namespace, container=hook.freeze.container, seconds=limit + 10
        )
        if not done.exit_code:
            self._progress.note(f"{hook} frozen")
        return f"killed after {limit}s" if done.exit_code == KILLED else _complaint(done)

    def _thaw(self, hook: Hook) -> str:
        said = thaw_pod(self._cluster, frozen_pod(hook), run=self._run, seconds=hook.thaw.seconds)
        if said and hook.thaw.must_work:
            return said
        if said:
            self._progress.warn(f"{hook}: its thaw failed, which its annotation allows: {said}")
        self._begun.remove(hook)
        self._progress.note(f"{hook} thawed")
        return ""

    def _each(self, hooks: Sequence[Hook], act: Callable[[Hook], str]) -> Failures:
        """After Ctrl-C what is under way is finished, so that we know what was begun, and nothing further is."""

        def attempt(hook: Hook) -> str:
            try:
                return act(hook)
            except errors.PluginError as error:
                return error.message

        if not hooks:
            return {}
        pool = ThreadPoolExecutor(max_workers=AT_ONCE)
        try:
            said = list(pool.map(attempt, hooks))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return {str(hook): words for hook, words in zip(hooks, said, strict=True) if words}


def thaw_pod(cluster: Cluster, frozen: FrozenPod, *, run: str, seconds: float) -> str:
    """Thaws one pod and stops its timer; "" when that is so, or when there is nothing left to thaw; else why not."""
    if not frozen.thaw:
        return ""
    said = ""
    for attempt in range(TRIES):
        if attempt:
            pause(1.0)
        try:
            said = _complaint(cluster.execute(
                frozen.pod, thaw_and_stop(frozen.thaw, run=run), namespace=cluster.namespace,
                container=frozen.container, seconds=seconds,
            ))
        except errors.PluginError as error:
            said = error.message
        if not said or _is_gone(cluster, frozen):
            return ""
    return said


def _is_gone(cluster: Cluster, frozen: FrozenPod) -> bool:
    try:
        return uid_of(cluster.get(POD, frozen.pod, namespace=cluster.namespace)) != frozen.uid
    except errors.NotFound:
        return True
    except errors.PluginError:
        return False


def _complaint(done: ExecResult) -> str:
    """"" for exit code 0, else the code and the command's own words."""
    if not done.exit_code:
        return ""
    words = " ".join((done.stderr or done.stdout).split())
    return f"exit code {done.exit_code}" + (f": {words[:500]}" if words else "")
