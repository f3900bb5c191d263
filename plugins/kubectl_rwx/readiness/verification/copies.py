"""Restore and clone, made at the same time from the changed source, and what each is compared with."""

from __future__ import annotations

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

FROM_RESTORE, FROM_CLONE, FROM_SOURCE = "from-restore", "from-clone", "from-source"


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
            if snapshot:
                self._say_copy(step, standings[RESTORED])
        if snapshot and standings[RESTORED].ready:
            self._judge_restore()
        if CLONED in standings:
            self._judge_clone(standings[CLONED], seconds=step.seconds)
        if any(standing.phase is Phase.WAITING for standing in standings.values()):
            raise Halted(timed_out=True)

    def _say_copy(self, step: Step, standing: Standing) -> None:
        if standing.ready:
            step.ok(f"Bound and mounted on {standing.node}")
        elif standing.phase is Phase.WAITING:
            step.fail(f"not ready after {format_duration(self._stage.deadline.seconds)} (--timeout): {standing.reason}")
        else:
            step.fail(standing.reason)

    def _judge_restore(self) -> None:
        objects, ledger = self._stage.objects, self._stage.ledger
        with ledger.step(CONTENT) as step:
            text = self._stage.execute(RESTORED, scripts.MARK, objects.run, FROM_RESTORE, step=step)
        restored = read_tree(text)
        ledger.extend([compare_content(self._before, restored, later=self._changed)])
        ledger.extend(compare_attributes(self._before, restored))
        self._judge_isolation(RESTORED, FROM_RESTORE, steps.ISOLATED, wrote=scripts.CANNOT_WRITE not in text)

    def _judge_isolation(self, role: str, mark: str, name: str, *, wrote: bool) -> None:
        """The copy wrote `mark` (or could not); now the source writes, and neither may see what the other wrote."""
        later = f"{FROM_SOURCE}-after-{role}"
        with self._stage.ledger.step(name) as step:
            change = f"{scripts.SEES}\necho later > {scripts.TREE}/{later}\nsync"
            in_source = self._stage.execute(WRITER, change, mark, step=step)
            in_copy = self._stage.execute(role, scripts.SEES, later, step=step)
        if name == steps.ISOLATED:
            self._stage.ledger.extend([self._judge_source(in_source, mark)])
        self._stage.ledger.extend([judge_leaks(
            name, to_source=f"sees {mark}" in in_source, to_copy=f"sees {later}" in in_copy, wrote=wrote
        )])

    def _judge_source(self, listing: str, mark: str) -> Check:
        found = {path: entry for path, entry in read_tree(listing).items() if path != f"./{mark}"}
        unchanged = compare_content(self._changed, found)
        if unchanged.verdict is Verdict.OK:
            return Check(steps.SOURCE_KEPT, Verdict.OK, "its change after the snapshot is still there")
        return Check(steps.SOURCE_KEPT, Verdict.FAIL, f"the restore changed the source: {unchanged.observed}",
                     "restoring overwrites live data")

    def _judge_clone(self, standing: Standing, *, seconds: float) -> None:
        ledger = self._stage.ledger
        if not standing.ready:
            if standing.phase is Phase.FAILED and says_unsupported(standing.reason):
                ledger.add(steps.CLONE, Verdict.SKIP, f"the driver does not clone: {standing.reason}",
                           "snapshot and restore instead", seconds=seconds)
            else:
                ledger.add(steps.CLONE, Verdict.FAIL, standing.reason, seconds=seconds)
            return
        if ledger.verdict_of(steps.CLONE) is None:
            ledger.add(steps.CLONE, Verdict.OK, f"Bound and mounted on {standing.node}", seconds=seconds)
        with ledger.step(steps.CLONE_DATA) as step:
            text = self._stage.execute(CLONED, scripts.MARK, self._stage.objects.run, FROM_CLONE, step=step)
        cloned = read_tree(text)
        checks = [compare_content(self._changed, cloned), *compare_attributes(self._changed, cloned)]
        ledger.extend([summarize(checks, name=steps.CLONE_DATA)])
        self._judge_isolation(CLONED, FROM_CLONE, steps.CLONE_ISOLATED, wrote=scripts.CANNOT_WRITE not in text)
