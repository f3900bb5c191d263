"""Injection of the sidecar, as one transaction a workload: plan, grant, one patch, rollout; undone when it fails."""

from __future__ import annotations

import secrets

from oc_gsb.sidecar import results, transitions
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.grants import ensure_grant, withdraw
from oc_gsb.sidecar.kasten import read_tools_image
from oc_gsb.sidecar.mounting import has_nothing_to_back_up
from oc_gsb.sidecar.planning import Plan, Planner
from oc_gsb.sidecar.record import has_record, read_record
from oc_gsb.sidecar.requests import InjectRequest
from oc_gsb.sidecar.results import Answer, Outcome, answer_with, not_started_after, outcome_of
from oc_gsb.sidecar.selection import select_workloads
from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.templates import kind_of, pod_spec_of, replicas_of
from plugin_core.workloads.waits import Rollout

ROLLBACK_SECONDS = 120.0
"""How long a rollback's pods are waited for; the rollback itself is one request."""


def inject(cluster: Cluster, request: InjectRequest, *, progress: Progress) -> Answer:
    """Injects each selected workload; one that fails does not keep the others from theirs.

    Every workload is planned before the first is changed. One that has a record is waited for and otherwise left alone.
    """
    progress.phase("looking at the workloads and what their injection needs")
    run = _Run(cluster, request, progress=progress)
    steps = [(workload, run.plan(workload)) for workload in select_workloads(cluster, request.selection)]
    outcomes: list[Outcome] = []
    for workload, plan in steps:
        kept_from_it = not_started_after(outcomes, workload)
        if kept_from_it:
            outcomes.append(kept_from_it)
        elif isinstance(plan, Outcome):
            outcomes.append(plan)
        else:
            outcomes.append(run.carry_out(plan) if plan else run.go_on(workload))
    empty = f"No workload in namespace {cluster.namespace} matches."
    return answer_with("InjectionList", outcomes, dry_run=cluster.dry_run, empty=empty)


class _Run:
    """One run of inject: what it shares between workloads."""

    def __init__(self, cluster: Cluster, request: InjectRequest, *, progress: Progress) -> None:
        self._cluster, self._request, self._progress = cluster, request, progress
        self._planner: Planner | None = None
        self._id = secrets.token_hex(4)

    def plan(self, workload: Manifest) -> Plan | Outcome | None:
        """A plan; an outcome when nothing is to be done; None for a workload with a record, which go_on is for."""
        try:
            record = read_record(workload)
            if record is not None and record.removing and not self._cluster.dry_run.on:
                workload = self._finish_removal(workload)
            elif record is not None and sidecar_of(pod_spec_of(workload)) is not None:
                return None
            elif record is not None:
                raise errors.NotReady(
                    "it was injected before, but someone took the sidecar out of its template since (GitOps, or an "
                    "undone rollout)", hint=f"clear its record with: oc gsb uninject {_target(workload)} "
                    f"-n {self._cluster.namespace}; then inject it again",
                )
        except errors.PluginError as error:
            return outcome_of(workload, results.REFUSED, message=error.message, hint=error.hint,
                              exit_code=error.exit_code)
        if not self._request.selection.named and has_nothing_to_back_up(workload):
            return outcome_of(workload, results.SKIPPED, message="it mounts no PersistentVolumeClaim")
        plan = self._get_planner().plan(workload)
        if not plan.problems:
            return plan
        code = ExitCode.FORBIDDEN if plan.forbidden else ExitCode.NOT_READY
        more = f" (and {len(plan.problems) - 1} more)" if len(plan.problems) > 1 else ""
        return outcome_of(workload, results.REFUSED, message=plan.problems[0] + more, problems=plan.problems,
                          exit_code=code, hint=plan.hint, scc=plan.scc.base)

    def carry_out(self, plan: Plan) -> Outcome:
        """The transaction. Whatever stops it, Ctrl-C included, the workload and the cluster end as they were."""
        workload, planner = plan.workload, self._get_planner()
        self._announce(plan)
        created: list[Manifest] = []
        code, hint = ExitCode.FAILED, ""
        reasons: tuple[str, ...] = ()
        try:
            self._grant(plan, created)
            edited = transitions.add(self._cluster, workload, hold=bool(plan.stop),
                                     edit=lambda before: planner.edit(plan, before, run=self._id))
            if self._cluster.dry_run.on:
                return outcome_of(workload, results.INJECTED, scc=plan.scc.wanted, image=self._image(edited.after))
            self._grant(plan, created)
            rollout = transitions.finish(self._cluster, edited.after, progress=self._progress,
                                         deadline=Deadline.after(self._request.timeout))
            if rollout.phase is Phase.READY:
                return outcome_of(rollout.workload or workload, results.INJECTED, rollout=rollout,
                                  image=self._image(edited.after), message=plan.stop and "was at 0 replicas meanwhile")
            code, reasons = _verdict(rollout, self._request.timeout)
        except KeyboardInterrupt:
            code, reasons = ExitCode.INTERRUPTED, ("interrupted",)
        except errors.PluginError as error:
            code, reasons, hint = error.exit_code, (error.message,), error.hint
        return self._undo(plan, created, code=code, reasons=reasons, hint=hint)

    def go_on(self, workload: Manifest) -> Outcome:
        """A workload with a record: nothing is written, unless an earlier run left it held at zero replicas.

        What an earlier run completed is not undone by a later one, however its pods are by now.
        """
        image, message = self._image(workload), ""
        record = read_record(workload)
        held = record is not None and record.replicas is not None
        if self._request.image and self._request.image != image:
            message = f"its sidecar has image {image}; uninject and inject it to change that"
        if self._cluster.dry_run.on:
            return outcome_of(workload, results.UNCHANGED, image=image, message=message)
        self._progress.phase(f"waiting for {_target(workload)}, injected before", total=replicas_of(workload))
        try:
            rollout = transitions.finish(self._cluster, workload, progress=self._progress,
                                         deadline=Deadline.after(self._request.timeout))
        except KeyboardInterrupt:
            return outcome_of(workload, results.FAILED, image=image, exit_code=ExitCode.INTERRUPTED,
                              message="interrupted while waiting for its pods; it stays injected")
        except errors.PluginError as error:
            return outcome_of(workload, results.FAILED, image=image, message=error.message, hint=error.hint,
                              exit_code=error.exit_code)
        if rollout.phase is Phase.READY and held:
            return outcome_of(workload, results.INJECTED, rollout=rollout, image=image,
                              message="an earlier run had left it at 0 replicas; it has them back")
        if rollout.phase is Phase.READY:
            return outcome_of(workload, results.UNCHANGED, rollout=rollout, image=image, message=message)
        code, reasons = _verdict(rollout, self._request.timeout)
        return outcome_of(
            workload, results.FAILED, rollout=rollout, image=image, exit_code=code, problems=reasons,
            message=f"it was injected before, but is not ready: {reasons[0]}",
            hint=f"take it out with: oc gsb uninject {_target(workload)} -n {self._cluster.namespace}",
        )

    def _undo(
        self, plan: Plan, created: list[Manifest], *, code: ExitCode, reasons: tuple[str, ...], hint: str,
    ) -> Outcome:
        workload = plan.workload
        self._progress.phase(f"rolling {_target(workload)} back", total=replicas_of(workload))
        deadline = Deadline.after(ROLLBACK_SECONDS)
        try:
            patched = self._is_ours(workload)
            rollout = transitions.look(self._cluster, workload)
            if patched:
                rollout = transitions.roll_back(self._cluster, workload, hold=bool(plan.stop), deadline=deadline,
                                                progress=self._progress)
            notes = list(self._withdraw(plan, created, deadline=deadline))
        except errors.PluginError as error:
            return outcome_of(
                workload, results.FAILED, exit_code=code,
                message=f"{reasons[0]}; then rolling back failed: {error.message}",
                problems=(*reasons, f"rolling back failed: {error.message}"),
                hint=f"finish it with: oc gsb uninject {_target(workload)} -n {self._cluster.namespace}",
            )
        if rollout.phase is not Phase.READY:
            notes.insert(0, f"it is as it was before, but its pods are not all back: {rollout.summary}")
        result = results.ROLLED_BACK if patched else results.FAILED
        return outcome_of(workload, result, rollout=rollout, exit_code=code, hint=hint,
                          message="; ".join([reasons[0], *notes]), problems=(*reasons, *notes))

    def _withdraw(self, plan: Plan, created: list[Manifest], *, deadline: Deadline) -> list[str]:
        if not created or self._cluster.dry_run.on:
            return []
        transitions.wait_for_sidecars_gone(self._cluster, plan.workload, deadline=deadline, progress=self._progress)
        return withdraw(self._cluster, plan.grant, progress=self._progress, only=created)

    def _is_ours(self, workload: Manifest) -> bool:
        try:
            current = self._cluster.get(kind_of(workload), name_of(workload), namespace=self._cluster.namespace)
        except errors.NotFound:
            return False
        record = read_record(current) if has_record(current) else None
        return record is not None and record.run == self._id

    def _finish_removal(self, workload: Manifest) -> Manifest:
        self._progress.phase(f"finishing the removal of {_target(workload)}'s sidecar that was begun before")
        deadline = Deadline.after(self._request.timeout)
        rollout = transitions.finish(self._cluster, workload, deadline=deadline, progress=self._progress)
        if rollout.phase is not Phase.READY or rollout.workload is None:
            raise errors.TimedOut(f"its sidecar's removal, begun before, is not over: {rollout.summary}")
        return rollout.workload

    def _grant(self, plan: Plan, created: list[Manifest]) -> None:
        if plan.scc.grant:
            ensure_grant(self._cluster, plan.grant, copy=plan.scc.copy, created=created, progress=self._progress)

    def _announce(self, plan: Plan) -> None:
        target = _target(plan.workload)
        self._progress.phase(f"injecting {target}", total=replicas_of(plan.workload))
        for warning in plan.warnings:
            self._progress.warn(f"{target}: {warning}")
        if plan.stop:
            self._progress.warn(f"{target} goes to 0 replicas for the change: {plan.stop}")
        if plan.scc.wanted:
            self._progress.note(f"{target}: its pods have SCC {plan.scc.base}; with the sidecar they get "
                                f"{plan.scc.wanted}, same user and groups (service account {plan.scc.account})")

    def _get_planner(self) -> Planner:
        if self._planner is None:
            namespace = self._request.k10_namespace
            image = self._request.image or read_tools_image(self._cluster, namespace=namespace)
            self._planner = Planner(self._cluster, options=self._request.options(image), k10_namespace=namespace)
            if not self._planner.has_sccs:
                self._progress.note("this cluster has no SecurityContextConstraints: no SCC is copied or granted")
        return self._planner

    @staticmethod
    def _image(workload: Manifest) -> str:
        return str((sidecar_of(pod_spec_of(workload)) or {}).get("image", ""))


def _verdict(rollout: Rollout, timeout: float) -> tuple[ExitCode, tuple[str, ...]]:
    """The exit code for a rollout that did not succeed, and the reasons, the first of them short."""
    if rollout.phase is Phase.FAILED:
        return ExitCode.FAILED, rollout.reasons
    first = f"not over after {format_duration(timeout)} (--timeout): {rollout.summary}"
    return ExitCode.TIMEOUT, (first, *rollout.reasons[1:])


def _target(workload: Manifest) -> str:
    return f"{kind_of(workload).name.lower()}/{name_of(workload)}"
