"""Restore and clone, made at the same time from the changed source, and what each is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from kubectl_rwx.readiness.verification import scripts, steps
from kubectl_rwx.readiness.verification.comparisons import (
    CONTENT,
    compare_attributes,
    compare_content,
    judge_leaks,
    summarize,
)
from kubectl_rwx.readiness.verification.objects import CLONE, CLONED, RESTORE, RESTORED, WRITER
from kubectl_rwx.readiness.verification.scripts import Tree, read_tree
from kubectl_rwx.readiness.verification.stages import Stage
from kubectl_rwx.readiness.verification.steps import Halted
from kubectl_rwx.readiness.verification.waits import Standing, says_unsupported
from plugin_core.kube.waiting import Phase
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.durations import format_duration
from plugin_core.model.manifests import Manifest
from plugin_core.storage.claims import size_at, source_of_claim
from plugin_core.storage.sizes import restore_size

_MARKS = {RESTORED: "from-restore", CLONED: "from-clone"}
"""What each copy writes."""

_LATER = "from-source-later"
"""What the source writes when they are there."""

_DATA = {RESTORED: CONTENT, CLONED: steps.CLONE_DATA}
_ISOLATED = {RESTORED: steps.ISOLATED, CLONED: steps.CLONE_ISOLATED}


class Copies:
    """before, claim: the source as it was when it was cut. snapshot None: there is nothing to restore from."""

    def __init__(self, stage: Stage, before: Tree, *, claim: Manifest, snapshot: Manifest | None) -> None:
        self._stage, self._before, self._snapshot = stage, before, snapshot
        self._source = source_of_claim(claim)
        self._row = steps.RESTORE if snapshot else steps.CLONE
        self._changed: Tree = {}

    def change_source(self) -> Tree:
        """What the source shows from now on: a restore must not show it, and a clone must."""
        with self._stage.ledger.step(self._row) as step:
            self._changed = read_tree(
                self._stage.execute(WRITER, scripts.CHANGE, f"{self._stage.objects.run} changed", step=step))
        return self._changed

    def make(self) -> None:
        """Makes restore and clone at the same time, and compares each."""
        objects = self._stage.objects
        wanted: dict[str, tuple[str, Manifest]] = {}
        if self._snapshot:
            size = restore_size(snapshot_size=size_at(self._snapshot, "status", "restoreSize"), source=self._source)
            wanted[RESTORED] = RESTORE, objects.restored_claim(size=size)
        if objects.request.clone:
            wanted[CLONED] = CLONE, objects.cloned_claim(size=restore_size(snapshot_size=0, source=self._source))
        if not wanted:
            return
        with self._stage.ledger.step(self._row):
            manifests = [claim for _, claim in wanted.values()]
            manifests += [objects.pod(role, claim=part) for role, (part, _) in wanted.items()]
            self._stage.create(manifests)
            standings = self._stage.wait_for_pods({role: part for role, (part, _) in wanted.items()},
                                                  "waiting for restore and clone to be filled and mounted")
            for standing in standings.values():
                self._stage.require_unhindered(standing)
        if RESTORED in standings:
            self._say_restore(standings[RESTORED])
        if CLONED in standings:
            self._say_clone(standings[CLONED])
        self._judge([role for role in (RESTORED, CLONED) if role in standings and standings[role].ready])
        if any(standing.phase is Phase.WAITING for standing in standings.values()):
            raise Halted(timed_out=True)

    def _say_restore(self, standing: Standing) -> None:
        if standing.ready:
            verdict, observed = Verdict.OK, f"Bound and mounted on {standing.node}"
        elif standing.phase is Phase.WAITING:
            limit = format_duration(self._stage.deadline.seconds)
            verdict, observed = Verdict.FAIL, f"not ready after {limit} (--timeout): {standing.reason}"
        else:
            verdict, observed = Verdict.FAIL, standing.reason
        self._stage.ledger.add(steps.RESTORE, verdict, observed, seconds=standing.seconds)

    def _say_clone(self, standing: Standing) -> None:
        ledger, advice = self._stage.ledger, ""
        if standing.ready:
            verdict, observed = Verdict.OK, f"Bound and mounted on {standing.node}"
        elif standing.phase is Phase.FAILED and says_unsupported(standing.reason):
            verdict, observed = Verdict.SKIP, f"the driver does not clone: {standing.reason}"
            advice = "snapshot and restore instead"
        else:
            verdict, observed = Verdict.FAIL, standing.reason
        ledger.add(steps.CLONE, verdict, observed, advice, seconds=standing.seconds)

    def _judge(self, roles: list[str]) -> None:
        """What is in each copy; then each and the source have written, and nobody may see what another wrote."""
        if not roles:
            return
        ledger, run = self._stage.ledger, self._stage.objects.run
        texts = self._in_each({
            WRITER: (_ISOLATED[roles[0]], scripts.FLUSHED_NOTE, _LATER, run),
            **{role: (_DATA[role], scripts.LIST_AND_MARK, _MARKS[role], run) for role in roles},
        })
        trees = {role: read_tree(texts[role]) for role in roles}
        if RESTORED in trees:
            ledger.extend([compare_content(self._before, trees[RESTORED], later=self._changed)])
            ledger.extend(compare_attributes(self._before, trees[RESTORED]))
        if CLONED in trees:
            checks = [compare_content(self._changed, trees[CLONED]), *compare_attributes(self._changed, trees[CLONED])]
            ledger.extend([summarize(checks, name=steps.CLONE_DATA)])
        seen = self._in_each({
            WRITER: (_ISOLATED[roles[0]], scripts.SEES_AND_LISTS, *_MARKS.values()),
            **{role: (_ISOLATED[role], scripts.SEES, _LATER) for role in roles},
        })
        if RESTORED in roles:
            ledger.extend([self._judge_source(seen[WRITER])])
        ledger.extend([judge_leaks(
            _ISOLATED[role], to_source=f"sees {_MARKS[role]}" in seen[WRITER],
            to_copy=f"sees {_LATER}" in seen[role], wrote=scripts.CANNOT_WRITE not in texts[role],
        ) for role in roles])

    def _in_each(self, asked: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
        """What each pod said, asked at the same time. asked: role → the row that fails when it cannot, script, $1…"""
        def ask(role: str) -> str:
            row, script, *arguments = asked[role]
            with self._stage.ledger.step(row) as step:
                return self._stage.execute(role, script, *arguments, step=step)

        with ThreadPoolExecutor(max_workers=len(asked)) as pool:
            return dict(zip(asked, pool.map(ask, asked), strict=True))

    def _judge_source(self, listing: str) -> Check:
        unchanged = compare_content(self._changed, read_tree(listing))
        if unchanged.verdict is Verdict.OK:
            return Check(steps.SOURCE_KEPT, Verdict.OK, "its change after the snapshot is still there")
        return Check(steps.SOURCE_KEPT, Verdict.FAIL, f"the restore changed the source: {unchanged.observed}",
                     "restoring overwrites live data")
