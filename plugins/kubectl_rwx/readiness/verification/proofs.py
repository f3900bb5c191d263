"""The operation behind `verify`: look before, try, tidy up whatever happens, record, answer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.readiness.verification.plans import Plan, make_plan, planned
from kubectl_rwx.readiness.verification.records import is_proven, reason_of, record
from kubectl_rwx.readiness.verification.removal import Remnant, Removal, how_to_remove, remove_everything
from kubectl_rwx.readiness.verification.reports import verification_report
from kubectl_rwx.readiness.verification.requests import VerifyRequest
from kubectl_rwx.readiness.verification.steps import CLEANUP, Halted, Row
from kubectl_rwx.readiness.verification.trials import Trial
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.progress import Progress
from plugin_core.storage.drivers import find_driver


def verify(cluster: Cluster, request: VerifyRequest, progress: Progress) -> Answer:
    """Everything a run makes is removed before this returns or raises, unless it is to be kept.

    The failure is NotReady when something failed or was lost, TimedOut when time was over. Raises what the API server
    refuses beforehand, and Interrupted after Ctrl-C.
    """
    deadline = Deadline.after(request.timeout)
    progress.phase("looking at the class, rights and admission")
    plan = make_plan(cluster.within(deadline), request)
    if cluster.dry_run.on:
        notes = (f"would create{cluster.dry_run.suffix}: {', '.join(planned(plan))}",)
        return Answer(verification_report(plan, (), result="planned", nodes={}, seconds=0.0, kept=False, notes=notes))
    return _Run(cluster, plan, deadline, progress).answer()


class _Run:
    """From the plan to the answer."""

    def __init__(self, cluster: Cluster, plan: Plan, deadline: Deadline, progress: Progress) -> None:
        self._cluster, self._plan, self._progress = cluster, plan, progress
        self._request, self._deadline = plan.objects.request, deadline
        self._trial = Trial(cluster, plan, deadline=deadline, progress=progress)
        self._tidied = False

    def answer(self) -> Answer:
        """Whatever ends the trial, a Ctrl-C during the cleanup and a mistake of ours included, the cleanup is tried."""
        try:
            return self._answer()
        except KeyboardInterrupt:
            raise self._interrupted() from None
        except errors.PluginError as error:
            self._tidy_after(error)
            raise
        finally:
            if not self._tidied:
                self._tidy(kept=self._request.keep or self._request.keep_on_failure)

    def _answer(self) -> Answer:
        began, timed_out, open_because = time.monotonic(), False, ""
        try:
            self._trial.run()
        except Halted as halted:
            timed_out, open_because = halted.timed_out, halted.open_because
        seconds = time.monotonic() - began
        ledger = self._trial.ledger
        ledger.complete(clone=self._request.clone, expand=self._request.expand)
        proven = is_proven(ledger.rows, accept_warnings=self._request.accept_warnings)
        rows = list(ledger.rows)
        kept = self._request.keep or (self._request.keep_on_failure and not proven)
        removal, tidied = self._tidy(kept=kept)
        rows.append(tidied)
        if open_because:
            rows.append(Row(Check("record", Verdict.SKIP, open_because)))
        else:
            rows.append(Row(record(
                self._cluster.within(Deadline.after(30)), self._plan.storage_class, rows, self._request)))
        report = verification_report(
            self._plan, rows, result="passed" if proven else "failed", nodes=self._trial.nodes, seconds=seconds,
            kept=kept, left=[str(one) for one in removal.left], notes=self._notes(proven, seconds),
        )
        return Answer(report, self._failure(rows, proven=proven, timed_out=timed_out, open_because=open_because))

    def _tidy(self, *, kept: bool) -> tuple[Removal, Row]:
        objects = self._plan.objects
        if kept:
            self._tidied = True
            return Removal(), Row(Check(CLEANUP, Verdict.SKIP, f"kept, with label {objects.selector}",
                                        how_to_remove(objects)))
        began = time.monotonic()
        try:
            removal = self._remove()
        except errors.PluginError as error:
            removal = Removal(left=[Remnant("cleanup", error.message)])
        self._tidied = True
        seconds = round(time.monotonic() - began, 2)
        if removal.left:
            return removal, Row(Check(CLEANUP, Verdict.WARN, f"left: {'; '.join(map(str, removal.left))}",
                                      how_to_remove(objects)), seconds)
        return removal, Row(Check(CLEANUP, Verdict.OK, f"{removal.removed} objects removed, nothing is left"), seconds)

    def _remove(self) -> Removal:
        served = not self._plan.no_snapshots.startswith("the cluster does not serve")
        return remove_everything(self._cluster, self._plan.objects, progress=self._progress, snapshots=served)

    def _interrupted(self) -> errors.Interrupted:
        objects = self._plan.objects
        if self._tidied:
            return errors.Interrupted("interrupted after the cleanup: the result may not be recorded")
        if self._request.keep or self._request.keep_on_failure:
            self._tidied = True
            return errors.Interrupted(f"interrupted: what was made is kept, with label {objects.selector}",
                                      hint=how_to_remove(objects))
        removal, _ = self._tidy(kept=False)
        if removal.left:
            return errors.Interrupted(f"interrupted: {removal.removed} objects were removed, left: "
                                      f"{'; '.join(map(str, removal.left))}", hint=how_to_remove(objects))
        return errors.Interrupted("interrupted: all that was made is removed again; nothing was recorded")

    def _tidy_after(self, error: errors.PluginError) -> None:
        """Before an error of ours is raised: removes, or says in its hint how to."""
        if self._tidied:
            return
        kept = self._request.keep or self._request.keep_on_failure
        removal, _ = self._tidy(kept=kept)
        if kept or removal.left:
            error.hint = "; ".join(filter(None, [error.hint, how_to_remove(self._plan.objects)]))

    def _notes(self, proven: bool, seconds: float) -> Sequence[str]:
        request, plan = self._request, self._plan
        said = "proven" if proven else "not proven"
        took = format_duration(round(seconds, 1))
        notes = [f"storageclass/{request.storage_class} ({request.access_mode}): {said} in {took}"]
        driver = find_driver(plan.storage_class)
        if driver and driver.caveats and not proven:
            notes.append(f"known of {driver.name}: {'; '.join(driver.caveats)}")
        return notes

    def _failure(
        self, rows: Sequence[Row], *, proven: bool, timed_out: bool, open_because: str
    ) -> errors.PluginError | None:
        name = self._request.storage_class
        if timed_out:
            return errors.TimedOut(
                f"storageclass/{name}: {reason_of(rows)}", hint="the same command again, with a longer --timeout"
            )
        if proven:
            return None
        if open_because:
            advice = next((row.check.advice for row in rows if row.check.verdict is Verdict.FAIL), "")
            return errors.NotReady(
                f"storageclass/{name} is neither proven nor refuted, {open_because}: {reason_of(rows)}", hint=advice)
        losses = not any(row.check.verdict is Verdict.FAIL for row in rows)
        return errors.NotReady(
            f"storageclass/{name} is not proven: {reason_of(rows)}",
            hint="if you can live with that: --accept-warnings" if losses else "",
        )
