"""Taking the sidecar out: the workload as it was, its rollout, and only then the SCC copy and grant if unused."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from oc_gsb.sidecar import results, transitions
from oc_gsb.sidecar.adoption import is_foreign, leftovers, without_foreign
from oc_gsb.sidecar.grants import our_grants, withdraw
from oc_gsb.sidecar.image_probe import TRIALS, forget_trials
from oc_gsb.sidecar.problems import reason_to_stop
from oc_gsb.sidecar.record import Record, read_record
from oc_gsb.sidecar.requests import UninjectRequest
from oc_gsb.sidecar.results import Answer, Outcome, answer_with, outcome_of
from oc_gsb.sidecar.selection import select_workloads
from oc_gsb.sidecar.side_by_side import Stop, Voices, run_side_by_side
from oc_gsb.sidecar.template import remove_sidecar
from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, POD, SCC_GROUP
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.shared_looks import SharedLooks
from plugin_core.workloads.templates import kind_of, replicas_of, service_account_of
from plugin_core.workloads.waits import Rollout


def uninject(cluster: Cluster, request: UninjectRequest, *, progress: Progress) -> Answer:
    """Undoes each injection from its record. A workload without one is left alone.

    Grants come last, and not after an interruption; those that an earlier run left behind are then removed too.
    """
    progress.phase("looking at the workloads")
    workloads = select_workloads(cluster, request.selection)
    claims = {name_of(claim): claim
              for claim in cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=cluster.namespace).items}
    stop = Stop()
    run = _Run(cluster, request, claims=claims, stop=stop)
    parallel = min(request.parallel, max(1, len(workloads)))
    voices = Voices(progress, total=len(workloads),
                    what=f"taking the sidecar out of {len(workloads)} workloads, {parallel} at a time")
    jobs = [partial(run.remove, one, voices=voices) for one in workloads]
    done = run_side_by_side(jobs, parallel=parallel, stop=stop)
    outcomes = [found or outcome_of(one, results.NOT_STARTED, message="interrupted before its turn",
                                    exit_code=ExitCode.INTERRUPTED)
                for one, found in zip(workloads, done, strict=True)]
    notes: list[str] = []
    if not stop.asked and not cluster.dry_run.on:
        clearing = partial(_clear, cluster, workloads, progress)
        notes = run_side_by_side([clearing], parallel=1, stop=Stop())[0] or []
    empty = f"No workload in namespace {cluster.namespace} matches."
    return answer_with("UninjectionList", outcomes, dry_run=cluster.dry_run, empty=empty, notes=notes)


class _Run:
    """One run of uninject: what it shares between workloads."""

    def __init__(
        self, cluster: Cluster, request: UninjectRequest, *, claims: dict[str, Manifest], stop: Stop
    ) -> None:
        self._cluster, self._request, self._claims, self._stop = cluster, request, claims, stop
        self._look = SharedLooks(namespace=cluster.namespace).look

    def remove(self, workload: Manifest, *, voices: Voices) -> Outcome:
        target = _target(workload)
        try:
            record = read_record(workload)
            if record is None:
                return self._without_record(workload, voices.of(target))
            return self._carry_out(workload, record, voices.of(target))
        except errors.PluginError as error:
            hint = "run the same command again: it goes on where this one stopped" if self._stop.asked else error.hint
            return outcome_of(workload, results.FAILED, message=error.message, hint=hint,
                              exit_code=self._stop.code_of(error))
        finally:
            voices.over(target)

    def _carry_out(self, workload: Manifest, record: Record, progress: Progress) -> Outcome:
        progress.phase(f"taking the sidecar out of {_target(workload)}", total=replicas_of(workload))
        stop = self._reason_to_stop(workload, progress)
        notes = [] if record.removing else list(remove_sidecar(workload, record).kept)
        if record.adopted:
            notes.append("another tool had put it in; the annotation's value from before that is not known")
        edited = transitions.take_out(self._cluster, workload, hold=bool(stop))
        return self._follow(workload, edited.after, notes, progress)

    def _without_record(self, workload: Manifest, progress: Progress) -> Outcome:
        """Another tool's sidecar is taken out when it was named; what such a tool left behind, always."""
        foreign, left = is_foreign(workload), leftovers(workload)
        if foreign and not self._request.selection.named:
            return outcome_of(workload, results.SKIPPED, message="its sidecar was not injected by oc-gsb",
                              hint=f"take it out with: oc gsb uninject {_target(workload)}")
        if not foreign and not left:
            rollout = None if self._cluster.dry_run.on else transitions.look_now(self._cluster, workload)
            if rollout and _is_unfinished(rollout):
                progress.phase(f"waiting for the pods of {_target(workload)} that still have the sidecar")
                notes = ["an earlier run had taken it out of the template"]
                return self._follow(workload, workload, notes, progress)
            late = rollout is not None and rollout.phase is not Phase.READY
            return outcome_of(workload, results.UNCHANGED, rollout=rollout, message="it has no sidecar" + (
                f"; its pods are not all there: {rollout.summary}" if rollout and late else ""))
        what = "a sidecar that another tool put in" if foreign else f"the volumes {', '.join(left)} of a sidecar"
        progress.phase(f"taking out of {_target(workload)} {what}", total=replicas_of(workload))
        if self._reason_to_stop(workload, progress):
            return outcome_of(
                workload, results.REFUSED, exit_code=ExitCode.NOT_READY,
                message="it has to go to 0 replicas for that, and no record is there to mend a crash from",
                hint=f"oc gsb inject {_target(workload)}, which takes it over, then uninject it",
            )
        edited = transitions.take_out_foreign(self._cluster, workload, edit=without_foreign)
        notes = [f"{what} was taken out; what was there before it is not recorded"]
        return self._follow(workload, edited.after, notes, progress)

    def _follow(self, workload: Manifest, after: Manifest, notes: list[str], progress: Progress) -> Outcome:
        if self._cluster.dry_run.on:
            return outcome_of(workload, results.REMOVED, message="; ".join(notes))
        deadline = self._stop.deadline(self._request.timeout)
        rollout = transitions.finish(self._cluster, after, deadline=deadline, progress=progress, look=self._look)
        if rollout.phase is not Phase.READY:
            return self._unfinished(workload, rollout)
        left = transitions.wait_for_sidecars_gone(self._cluster, after, deadline=deadline, progress=progress)
        if left:
            notes.append(f"still terminating: {', '.join(f'pod/{name_of(pod)}' for pod in left)}")
        return outcome_of(workload, results.REMOVED, rollout=rollout, message="; ".join(notes))

    def _unfinished(self, workload: Manifest, rollout: Rollout) -> Outcome:
        if self._stop.asked:
            return outcome_of(
                workload, results.FAILED, exit_code=ExitCode.INTERRUPTED,
                message="interrupted: the sidecar is out of its template, its new pods were not waited for",
                hint="run the same command again: it goes on where this one stopped",
            )
        late = rollout.phase is Phase.WAITING
        words = f"not over after {format_duration(self._request.timeout)} (--timeout)" if late else "failed"
        return outcome_of(
            workload, results.FAILED, rollout=rollout, exit_code=ExitCode.TIMEOUT if late else ExitCode.FAILED,
            message=f"the sidecar is out of its template, but the rollout is {words}: {rollout.summary}",
            problems=(f"the sidecar is out of its template, but the rollout is {words}", *rollout.reasons),
            hint="see its pods and events; then run the same command again",
        )

    def _reason_to_stop(self, workload: Manifest, progress: Progress) -> str:
        stop = reason_to_stop(workload, self._claims)
        if stop:
            progress.warn(f"{_target(workload)} goes to 0 replicas for the change: {stop}")
        return stop


def _is_unfinished(rollout: Rollout) -> bool:
    """Whether pods of before still have the sidecar; where new ones have it, a webhook puts it in."""
    has_sidecar = transitions.has_sidecar
    return not any(map(has_sidecar, rollout.pods.newest)) and any(map(has_sidecar, rollout.pods.older))


def _clear(cluster: Cluster, workloads: Iterable[Manifest], progress: Progress) -> list[str]:
    trials = cluster.list_all(POD, namespace=cluster.namespace, labels=TRIALS).items
    forget_trials(cluster, trials, progress=progress)
    return _withdraw_unused(cluster, workloads, progress)


def _withdraw_unused(cluster: Cluster, workloads: Iterable[Manifest], progress: Progress) -> list[str]:
    """Removes the grants of the workloads' service accounts that nothing needs; what stays, and why."""
    if not cluster.versions_of(SCC_GROUP):
        return []
    accounts = {service_account_of(workload) for workload in workloads}
    notes = []
    try:
        grants = [grant for grant in our_grants(cluster) if grant.account in accounts]
        for grant in grants:
            notes += withdraw(cluster, grant, progress=progress)
    except errors.Forbidden as error:
        notes.append(f"SCC copies and their grants stay: {error.message}")
    return notes


def _target(workload: Manifest) -> str:
    return f"{kind_of(workload).name.lower()}/{name_of(workload)}"
