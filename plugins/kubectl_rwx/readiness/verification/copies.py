"""Restore and clone, made at the same time from the changed source, and what each is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from kubectl_rwx.readiness.verification import scripts, steps
from kubectl_rwx.readiness.verification.comparisons import (
    CONTENT,
    compare_attributes,
    compare_content,
    judge_leaks,
    summarize,
)
from kubectl_rwx.readiness.verification.objects import CLONE, CLONED, RESTORE, RESTORED, SOURCE, WRITER
from kubectl_rwx.readiness.verification.scripts import Tree, read_tree
from kubectl_rwx.readiness.verification.stages import Stage
from kubectl_rwx.readiness.verification.steps import Halted, Step
from kubectl_rwx.readiness.verification.waits import Standing, says_unsupported
from plugin_core.kube.waiting import Phase
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.durations import format_duration
from plugin_core.model.manifests import Manifest
from plugin_core.storage.claims import size_at, source_of_claim
from plugin_core.storage.sizes import restore_size

_MARKS = {RESTORED: "from-restore", CLONED: "from-clone"}
"""What each copy writes."""

_DATA = {RESTORED: CONTENT, CLONED: steps.CLONE_DATA}
_ISOLATED = {RESTORED: steps.ISOLATED, CLONED: steps.CLONE_ISOLATED}


class Copies:
    """before: the source as it was when it was cut."""

    def __init__(self, stage: Stage, before: Tree) -> None:
        self._stage, self._before = stage, before
        self._changed: Tree = {}

    def make(self, *, snapshot: Manifest | None) -> None:
        """Changes the source, then makes restore and clone at the same time, and compares each."""
        objects, source = self._stage.objects, source_of_claim(self._stage.read_claim(SOURCE))
        wanted: dict[str, tuple[str, Manifest]] = {}
        if snapshot:
            size = restore_size(snapshot_size=size_at(snapshot, "status", "restoreSize"), source=source)
            wanted[RESTORED] = RESTORE, objects.restored_claim(size=size)
        if objects.request.clone:
            wanted[CLONED] = CLONE, objects.cloned_claim(size=restore_size(snapshot_size=0, source=source))
        if not wanted:
            return
        with self._stage.ledger.step(steps.RESTORE if snapshot else steps.CLONE) as step:
            self._changed = read_tree(self._stage.execute(WRITER, scripts.CHANGE, f"{objects.run} changed", step=step))
            manifests = [claim for _, claim in wanted.values()]
            manifests += [objects.pod(role, claim=part) for role, (part, _) in wanted.items()]
            self._stage.create(manifests)
            standings = self._stage.wait_for_pods({role: part for role, (part, _) in wanted.items()},
                                                  "waiting for restore and clone to be filled and mounted")
            for standing in standings.values():
                self._stage.require_unhindered(standing)
            seconds = step.seconds
            if snapshot:
                self._say_copy(step, standings[RESTORED])
        if CLONED in standings:
            self._say_clone(standings[CLONED], seconds=seconds)
        self._judge([role for role in (RESTORED, CLONED) if role in standings and standings[role].ready])
        if any(standing.phase is Phase.WAITING for standing in standings.values()):
            raise Halted(timed_out=True)

    def _say_copy(self, step: Step, standing: Standing) -> None:
        if standing.ready:
            step.ok(f"Bound and mounted on {standing.node}")
        elif standing.phase is Phase.WAITING:
            step.fail(f"not ready after {format_duration(self._stage.deadline.seconds)} (--timeout): {standing.reason}")
        else:
            step.fail(standing.reason)

    def _say_clone(self, standing: Standing, *, seconds: float) -> None:
        ledger = self._stage.ledger
        if standing.ready:
            if ledger.verdict_of(steps.CLONE) is None:
                ledger.add(steps.CLONE, Verdict.OK, f"Bound and mounted on {standing.node}", seconds=seconds)
        elif standing.phase is Phase.FAILED and says_unsupported(standing.reason):
            ledger.add(steps.CLONE, Verdict.SKIP, f"the driver does not clone: {standing.reason}",
                       "snapshot and restore instead", seconds=seconds)
        else:
            ledger.add(steps.CLONE, Verdict.FAIL, standing.reason, seconds=seconds)

    def _judge(self, roles: list[str]) -> None:
        """What is in each copy; then each writes, then the source, and nobody may see what another wrote."""
        if not roles:
            return
        ledger, run = self._stage.ledger, self._stage.objects.run
        texts = self._in_each(roles, lambda role, step: self._stage.execute(
            role, scripts.MARK, run, _MARKS[role], step=step), row=_DATA)
        trees = {role: read_tree(text) for role, text in texts.items()}
        if RESTORED in trees:
            ledger.extend([compare_content(self._before, trees[RESTORED], later=self._changed)])
            ledger.extend(compare_attributes(self._before, trees[RESTORED]))
        if CLONED in trees:
            checks = [compare_content(self._changed, trees[CLONED]), *compare_attributes(self._changed, trees[CLONED])]
            ledger.extend([summarize(checks, name=steps.CLONE_DATA)])
        with ledger.step(_ISOLATED[roles[0]]) as step:
            in_source = self._stage.execute(WRITER, scripts.SEES_AND_WRITES, *_MARKS.values(), step=step)
        if RESTORED in roles:
            ledger.extend([self._judge_source(in_source)])
        in_copies = self._in_each(roles, lambda role, step: self._stage.execute(
            role, scripts.SEES, scripts.LATER, step=step), row=_ISOLATED)
        ledger.extend([judge_leaks(
            _ISOLATED[role], to_source=f"sees {_MARKS[role]}" in in_source,
            to_copy=f"sees {scripts.LATER}" in in_copies[role], wrote=scripts.CANNOT_WRITE not in texts[role],
        ) for role in roles])

    def _in_each(
        self, roles: list[str], run: Callable[[str, Step], str], *, row: Mapping[str, str]
    ) -> dict[str, str]:
        """What each pod said, asked at the same time. row: role → the row that fails when it cannot."""
        def ask(role: str) -> str:
            with self._stage.ledger.step(row[role]) as step:
                return run(role, step)

        with ThreadPoolExecutor(max_workers=len(roles)) as pool:
            return dict(zip(roles, pool.map(ask, roles), strict=True))

    def _judge_source(self, listing: str) -> Check:
        marks = {f"./{mark}" for mark in _MARKS.values()}
        found = {path: entry for path, entry in read_tree(listing).items() if path not in marks}
        unchanged = compare_content(self._changed, found)
        if unchanged.verdict is Verdict.OK:
            return Check(steps.SOURCE_KEPT, Verdict.OK, "its change after the snapshot is still there")
        return Check(steps.SOURCE_KEPT, Verdict.FAIL, f"the restore changed the source: {unchanged.observed}",
                     "restoring overwrites live data")
