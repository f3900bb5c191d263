"""One workload's injection as a transaction: one patch, its rollout, and exactly the way back when that fails."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from oc_gsb.sidecar import results, transitions
from oc_gsb.sidecar.images import image_of
from oc_gsb.sidecar.planning import Plan, Planner
from oc_gsb.sidecar.record import Record, has_record, options_text, read_record
from oc_gsb.sidecar.requests import InjectRequest
from oc_gsb.sidecar.results import Outcome, outcome_of
from oc_gsb.sidecar.shared_grants import SharedGrants
from oc_gsb.sidecar.side_by_side import Stop
from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.shared_looks import SharedLooks
from plugin_core.workloads.templates import kind_of, replicas_of
from plugin_core.workloads.waits import Rollout

ROLLBACK_SECONDS = 120.0
"""How long a rollback's pods are waited for; the rollback itself is one request."""


@dataclass(frozen=True)
class Failure:
    """Why a change did not work out. reasons: the first of them short. hint: the next command."""

    code: ExitCode
    reasons: tuple[str, ...]
    hint: str = ""


class Injector:
    """What the transactions of one run share. Its methods may run in several threads, each with another workload."""

    def __init__(self, cluster: Cluster, request: InjectRequest, *, grants: SharedGrants, stop: Stop) -> None:
        self._cluster, self._request, self._grants, self._stop = cluster, request, grants, stop
        self._id = secrets.token_hex(4)
        self._look = SharedLooks(namespace=cluster.namespace).look

    def carry_out(self, planner: Planner, plan: Plan, *, progress: Progress) -> Outcome:
        """Whatever stops it, the user or a mistake of ours included, the workload ends as it was."""
        found: Outcome | Failure = Failure(ExitCode.FAILED, ("a mistake in this program",))
        try:
            found = self._attempt(planner, plan, progress)
        except errors.PluginError as error:
            found = Failure(self._stop.code_of(error), (error.message,), error.hint)
        finally:
            outcome = found if isinstance(found, Outcome) else self._undo(plan, found, progress)
        return outcome

    def _attempt(self, planner: Planner, plan: Plan, progress: Progress) -> Outcome | Failure:
        workload = plan.workload
        _announce(plan, progress)
        self._grants.ensure(plan)
        edited = transitions.add(self._cluster, workload, hold=bool(plan.stop),
                                 edit=lambda before: planner.edit(plan, before, run=self._id))
        image = image_of(edited.after)
        if self._cluster.dry_run.on:
            return outcome_of(workload, results.INJECTED, scc=plan.scc.wanted, image=image)
        self._grants.ensure(plan)
        rollout = transitions.finish(
            self._cluster, edited.after, progress=progress, deadline=self._stop.deadline(self._request.timeout),
            leave_held=True, look=self._look,
        )
        if rollout.phase is Phase.READY:
            return outcome_of(rollout.workload or workload, results.INJECTED, rollout=rollout, image=image,
                              message=plan.stop and "was at 0 replicas meanwhile")
        return judge(rollout, timeout=self._request.timeout, stop=self._stop)

    def go_on(self, workload: Manifest, *, progress: Progress) -> Outcome:
        """A workload with a record: nothing is written, unless an earlier run left it held at zero replicas.

        What an earlier run completed is not undone by a later one, however its pods are by now. One that is held at
        zero gets its replicas back even when the user stops.
        """
        image, record = image_of(workload), read_record(workload)
        assert record is not None
        held, message = record.replicas is not None, self._differences(record, image)
        if self._cluster.dry_run.on:
            return outcome_of(workload, results.UNCHANGED, image=image, message=message)
        progress.phase(f"waiting for {_target(workload)}, injected before", total=replicas_of(workload))
        try:
            rollout = transitions.finish(self._cluster, workload, progress=progress, look=self._look,
                                         deadline=self._stop.deadline(self._request.timeout))
        except errors.PluginError as error:
            return outcome_of(workload, results.FAILED, image=image, message=error.message, hint=error.hint,
                              exit_code=error.exit_code)
        if rollout.phase is Phase.READY and held:
            return outcome_of(rollout.workload or workload, results.INJECTED, rollout=rollout, image=image,
                              message="an earlier run had left it at 0 replicas; it has them back")
        if rollout.phase is Phase.READY:
            return outcome_of(workload, results.UNCHANGED, rollout=rollout, image=image, message=message)
        if self._stop.asked:
            back = "; an earlier run had left it at 0 replicas, it has them back" if held else ""
            return outcome_of(workload, results.FAILED, image=image, exit_code=ExitCode.INTERRUPTED,
                              message=f"interrupted while waiting for its pods; it stays injected{back}")
        failure = judge(rollout, timeout=self._request.timeout, stop=self._stop)
        return outcome_of(
            workload, results.FAILED, rollout=rollout, image=image, exit_code=failure.code, problems=failure.reasons,
            message=f"it was injected before, but is not ready: {failure.reasons[0]}",
            hint=f"take it out with: oc gsb uninject {_target(workload)} -n {self._cluster.namespace}",
        )

    def finish_removal(self, workload: Manifest, *, progress: Progress) -> Manifest | Outcome:
        """A workload whose removal was begun by an earlier run, as it is once that is over."""
        progress.phase(f"finishing the removal of {_target(workload)}'s sidecar that was begun before")
        words, hint, code = "", "", ExitCode.TIMEOUT
        try:
            rollout = transitions.finish(self._cluster, workload, progress=progress,
                                         deadline=self._stop.deadline(self._request.timeout))
            if rollout.phase is Phase.READY and rollout.workload is not None:
                return rollout.workload
            words = f"its sidecar's removal, begun before, is not over: {rollout.summary}"
        except errors.PluginError as error:
            words, hint, code = error.message, error.hint, error.exit_code
        if self._stop.asked:
            code = ExitCode.INTERRUPTED
        return outcome_of(workload, results.REFUSED, message=words, hint=hint, exit_code=code)

    def _differences(self, record: Record, image: str) -> str:
        """What the flags ask for and the sidecar does not have: inject does not change what is there."""
        asked = self._request.options(self._request.image or image)
        if asked.image != image:
            return f"its sidecar has image {image}; to change that: oc gsb upgrade --image {asked.image}"
        default = options_text(InjectRequest(self._request.selection).options(image))
        text = options_text(asked)
        if text not in (default, record.options):
            return (f"it was injected with {record.options or 'no flags'}, not {text}; uninject and inject it to "
                    "change that")
        return ""

    def _undo(self, plan: Plan, failure: Failure, progress: Progress) -> Outcome:
        workload = plan.workload
        progress.phase(f"rolling {_target(workload)} back", total=replicas_of(workload))
        deadline = Deadline.after(ROLLBACK_SECONDS)
        try:
            patched = self._is_ours(workload)
            rollout = transitions.look_now(self._cluster, workload)
            if patched:
                rollout = transitions.roll_back(self._cluster, workload, hold=bool(plan.stop), deadline=deadline,
                                                progress=progress, look=self._look)
                transitions.wait_for_sidecars_gone(self._cluster, workload, deadline=deadline, progress=progress)
        except errors.PluginError as error:
            return outcome_of(
                workload, results.FAILED, exit_code=failure.code,
                message=f"{failure.reasons[0]}; then rolling back failed: {error.message}",
                problems=(*failure.reasons, f"rolling back failed: {error.message}"),
                hint=f"finish it with: oc gsb uninject {_target(workload)} -n {self._cluster.namespace}",
            )
        notes = [] if rollout.phase is Phase.READY else [
            f"it is as it was before, but its pods are not all back: {rollout.summary}"]
        return outcome_of(
            workload, results.ROLLED_BACK if patched else results.FAILED, rollout=rollout, exit_code=failure.code,
            hint=failure.hint, message="; ".join([failure.reasons[0], *notes]), problems=(*failure.reasons, *notes),
        )

    def _is_ours(self, workload: Manifest) -> bool:
        try:
            current = self._cluster.get(kind_of(workload), name_of(workload), namespace=self._cluster.namespace)
        except errors.NotFound:
            return False
        record = read_record(current) if has_record(current) else None
        return record is not None and record.run == self._id


def judge(rollout: Rollout, *, timeout: float, stop: Stop) -> Failure:
    """What a rollout that did not succeed comes to."""
    if rollout.phase is Phase.FAILED:
        return Failure(ExitCode.FAILED, rollout.reasons)
    if stop.asked:
        return Failure(ExitCode.INTERRUPTED, ("interrupted",))
    first = f"not over after {format_duration(timeout)} (--timeout): {rollout.summary}"
    return Failure(ExitCode.TIMEOUT, (first, *rollout.reasons[1:]))


def _announce(plan: Plan, progress: Progress) -> None:
    target = _target(plan.workload)
    progress.phase(f"injecting {target}", total=replicas_of(plan.workload))
    for warning in plan.warnings:
        progress.warn(f"{target}: {warning}")
    if plan.stop:
        progress.warn(f"{target} goes to 0 replicas for the change: {plan.stop}")
    if plan.scc.wanted:
        progress.note(f"{target}: its pods have SCC {plan.scc.base}; with the sidecar they get "
                      f"{plan.scc.wanted}, same user and groups (service account {plan.scc.account})")


def _target(workload: Manifest) -> str:
    return f"{kind_of(workload).name.lower()}/{name_of(workload)}"
