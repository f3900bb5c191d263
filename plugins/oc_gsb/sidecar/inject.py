"""Injection into many workloads: each looked at before the first is changed, then several at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from oc_gsb.sidecar import results
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.image_probe import Tried, forget_trials, try_image
from oc_gsb.sidecar.injection import Injector
from oc_gsb.sidecar.kasten import read_tools_image
from oc_gsb.sidecar.mounting import has_nothing_to_back_up
from oc_gsb.sidecar.planning import Plan, Planner
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.requests import InjectRequest
from oc_gsb.sidecar.results import Answer, Outcome, answer_with, outcome_of
from oc_gsb.sidecar.selection import select_workloads
from oc_gsb.sidecar.shared_grants import SharedGrants
from oc_gsb.sidecar.side_by_side import Stop, Voices, run_side_by_side
from oc_gsb.sidecar.surroundings import kasten_warnings
from oc_gsb.sidecar.template import remove_sidecar
from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import Cluster
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.templates import kind_of, pod_spec_of


@dataclass
class _Turn:
    """One workload's. plan None and outcome None: it has a record, and is gone on with."""

    workload: Manifest
    removing: bool = False
    plan: Plan | None = None
    outcome: Outcome | None = None
    known: bool = False

    @property
    def name(self) -> str:
        return f"{kind_of(self.workload).name.lower()}/{name_of(self.workload)}"


def inject(cluster: Cluster, request: InjectRequest, *, progress: Progress) -> Answer:
    """Injects the selected workloads; one that fails does not keep the others from theirs.

    Every workload is planned before the first is changed. One that has a record is waited for and otherwise left alone.
    """
    progress.phase("looking at the workloads and what their injection needs")
    return _Run(cluster, request, progress=progress).run()


class _Run:
    """One run of inject."""

    def __init__(self, cluster: Cluster, request: InjectRequest, *, progress: Progress) -> None:
        self._cluster, self._request, self._progress, self._stop = cluster, request, progress, Stop()
        self._grants = SharedGrants(cluster, progress=progress)
        self._injector = Injector(cluster, request, grants=self._grants, stop=self._stop)

    def run(self) -> Answer:
        turns = [self._look_at(one) for one in select_workloads(self._cluster, self._request.selection)]
        notes = run_side_by_side([partial(self._work, turns)], parallel=1, stop=self._stop)[0] or []
        empty = f"No workload in namespace {self._cluster.namespace} matches."
        outcomes = [self._outcome(turn) for turn in turns]
        return answer_with("InjectionList", outcomes, dry_run=self._cluster.dry_run, empty=empty, notes=notes)

    def _work(self, turns: Sequence[_Turn]) -> list[str]:
        """All that follows the first look, in a thread of its own; what is to be said of the grants."""
        self._finish_removals([turn for turn in turns if turn.removing])
        planner = self._plan([turn for turn in turns if not turn.known and turn.outcome is None])
        planned = [turn for turn in turns if turn.plan is not None and turn.outcome is None]
        if planner is not None and planned:
            self._try_images(planner, planned)
            if not self._stop.asked:
                self._grants.prepare([turn.plan for turn in planned if turn.plan and turn.outcome is None])
        self._carry_out(planner, [turn for turn in turns if turn.outcome is None])
        used = [turn.plan.grant for turn in planned if turn.plan and self._outcome(turn).good]
        return self._grants.withdraw_unused(used)

    def _look_at(self, workload: Manifest) -> _Turn:
        turn = _Turn(workload)
        try:
            record = read_record(workload)
            if record is not None and record.removing:
                turn.removing = not self._cluster.dry_run.on
                if not turn.removing:
                    turn.workload = remove_sidecar(workload, record).workload
            elif record is not None and sidecar_of(pod_spec_of(workload)) is not None:
                turn.known = True
            elif record is not None:
                raise errors.NotReady(
                    "it was injected before, but someone took the sidecar out of its template since (GitOps, or an "
                    "undone rollout)", hint=f"clear its record with: oc gsb uninject {turn.name} "
                    f"-n {self._cluster.namespace}; then inject it again",
                )
            elif not self._request.selection.named and has_nothing_to_back_up(workload):
                turn.outcome = outcome_of(workload, results.SKIPPED, message="it mounts no PersistentVolumeClaim")
        except errors.PluginError as error:
            turn.outcome = outcome_of(workload, results.REFUSED, message=error.message, hint=error.hint,
                                      exit_code=error.exit_code)
        return turn

    def _finish_removals(self, turns: Sequence[_Turn]) -> None:
        jobs = [partial(self._injector.finish_removal, turn.workload, progress=self._progress) for turn in turns]
        done = run_side_by_side(jobs, parallel=1, stop=self._stop)
        for turn, found in zip(turns, done, strict=True):
            if isinstance(found, Outcome):
                turn.outcome = found
            elif found is not None:
                turn.workload = found

    def _plan(self, turns: Sequence[_Turn]) -> Planner | None:
        """Fills in plans, and outcomes for what has a problem. None when there is nothing to plan."""
        if not turns or self._stop.asked:
            return None
        namespace = self._request.k10_namespace
        image = self._request.image or read_tools_image(self._cluster, namespace=namespace)
        planner = Planner(self._cluster, [turn.workload for turn in turns], options=self._request.options(image),
                          k10_namespace=namespace, force=self._request.force)
        if not planner.has_sccs:
            self._progress.note("this cluster has no SecurityContextConstraints: no SCC is copied or granted")
        for turn in turns:
            turn.plan = planner.plan(turn.workload)
            if turn.plan.problems:
                turn.outcome = _refused(turn.plan, turn.plan.problems)
        if not self._cluster.dry_run.on:
            forget_trials(self._cluster, planner.pods, progress=self._progress)
        kasten = kasten_warnings(self._cluster, namespace=namespace, has_ca=bool(self._request.ca_configmap))
        for warning in (*planner.unread, *kasten):
            self._progress.warn(warning)
        return planner

    def _try_images(self, planner: Planner, turns: Sequence[_Turn]) -> None:
        trials = list(dict.fromkeys(turn.plan.trial for turn in turns if turn.plan and turn.plan.trial))
        wanted = [one for one in trials if not planner.runs(one)]
        if not wanted or not self._request.try_image or self._cluster.dry_run.on:
            return
        jobs = [partial(try_image, self._cluster, one, stop=self._stop, progress=self._progress)
                for one in wanted]
        done = run_side_by_side(jobs, parallel=1, stop=self._stop)
        tried = dict(zip(wanted, (one or Tried() for one in done), strict=True))
        for trial, found in tried.items():
            if found.open and not self._stop.asked:
                self._progress.warn(f"whether {trial.image} can be pulled is not known: {found.open}")
        for turn in turns:
            problem = tried[turn.plan.trial].problem if turn.plan and turn.plan.trial in tried else ""
            if turn.plan and problem:
                turn.outcome = _refused(turn.plan, (problem,), hint="name another with --image, or the Secret to pull "
                                        "it with by --pull-secret; --no-image-check leaves this out")

    def _carry_out(self, planner: Planner | None, turns: Sequence[_Turn]) -> None:
        parallel = min(self._request.parallel, max(1, len(turns)))
        voices = Voices(self._progress, total=len(turns),
                        what=f"injecting {len(turns)} workloads, {parallel} at a time")

        def take(turn: _Turn) -> Outcome:
            voice = voices.of(turn.name)
            try:
                if turn.plan is None or planner is None:
                    return self._injector.go_on(turn.workload, progress=voice)
                return self._injector.carry_out(planner, turn.plan, progress=voice)
            finally:
                voices.over(turn.name)

        found = run_side_by_side([partial(take, turn) for turn in turns], parallel=parallel, stop=self._stop)
        for turn, outcome in zip(turns, found, strict=True):
            turn.outcome = outcome

    @staticmethod
    def _outcome(turn: _Turn) -> Outcome:
        return turn.outcome or outcome_of(turn.workload, results.NOT_STARTED, message="interrupted before its turn",
                                          exit_code=ExitCode.INTERRUPTED)


def _refused(plan: Plan, problems: Sequence[str], *, hint: str = "") -> Outcome:
    code = ExitCode.FORBIDDEN if plan.forbidden else ExitCode.NOT_READY
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return outcome_of(plan.workload, results.REFUSED, message=problems[0] + more, problems=tuple(problems),
                      exit_code=code, hint=hint or plan.hint, scc=plan.scc.base)
