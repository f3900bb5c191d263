"""Taking the sidecar out: the workload as it was, its rollout, and only then the SCC copy and grant if unused."""

from __future__ import annotations

from collections.abc import Iterable

from oc_gsb.sidecar import results, transitions
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.grants import our_grants, withdraw
from oc_gsb.sidecar.problems import reason_to_stop
from oc_gsb.sidecar.record import Record, read_record
from oc_gsb.sidecar.requests import UninjectRequest
from oc_gsb.sidecar.results import Answer, Outcome, answer_with, not_started_after, outcome_of
from oc_gsb.sidecar.selection import select_workloads
from oc_gsb.sidecar.template import remove_sidecar
from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, SCC_GROUP
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.templates import kind_of, pod_spec_of, replicas_of, service_account_of


def uninject(cluster: Cluster, request: UninjectRequest, *, progress: Progress) -> Answer:
    """Undoes each injection from its record. A workload without one is left alone.

    Grants come last, and not after an interruption; those that an earlier run left behind are then removed too.
    """
    progress.phase("looking at the workloads")
    workloads = select_workloads(cluster, request.selection)
    claims = {name_of(claim): claim
              for claim in cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=cluster.namespace).items}
    run = _Run(cluster, request, claims=claims, progress=progress)
    outcomes: list[Outcome] = []
    for workload in workloads:
        outcomes.append(not_started_after(outcomes, workload) or run.remove(workload))
    interrupted = any(outcome.exit_code is ExitCode.INTERRUPTED for outcome in outcomes)
    notes = [] if interrupted or cluster.dry_run.on else run.withdraw_unused(workloads)
    empty = f"No workload in namespace {cluster.namespace} matches."
    return answer_with("UninjectionList", outcomes, dry_run=cluster.dry_run, empty=empty, notes=notes)


class _Run:
    """One run of uninject: what it shares between workloads."""

    def __init__(
        self, cluster: Cluster, request: UninjectRequest, *, claims: dict[str, Manifest], progress: Progress
    ) -> None:
        self._cluster, self._request, self._claims, self._progress = cluster, request, claims, progress

    def remove(self, workload: Manifest) -> Outcome:
        try:
            record = read_record(workload)
            if record is None:
                return self._without_record(workload)
            return self._carry_out(workload, record)
        except KeyboardInterrupt:
            return outcome_of(workload, results.FAILED, exit_code=ExitCode.INTERRUPTED, message="interrupted",
                              hint="run the same command again: it goes on where this one stopped")
        except errors.PluginError as error:
            return outcome_of(workload, results.FAILED, message=error.message, hint=error.hint,
                              exit_code=error.exit_code)

    def _carry_out(self, workload: Manifest, record: Record) -> Outcome:
        target = f"{kind_of(workload).name.lower()}/{name_of(workload)}"
        self._progress.phase(f"taking the sidecar out of {target}", total=replicas_of(workload))
        stop = reason_to_stop(workload, self._claims)
        if stop:
            self._progress.warn(f"{target} goes to 0 replicas for the change: {stop}")
        notes = [] if record.removing else list(remove_sidecar(workload, record).kept)
        edited = transitions.take_out(self._cluster, workload, hold=bool(stop))
        if self._cluster.dry_run.on:
            return outcome_of(workload, results.REMOVED, message="; ".join(notes))
        deadline = Deadline.after(self._request.timeout)
        rollout = transitions.finish(self._cluster, edited.after, deadline=deadline, progress=self._progress)
        if rollout.phase is not Phase.READY:
            late = rollout.phase is Phase.WAITING
            words = f"not over after {format_duration(self._request.timeout)} (--timeout)" if late else "failed"
            return outcome_of(
                workload, results.FAILED, rollout=rollout, exit_code=ExitCode.TIMEOUT if late else ExitCode.FAILED,
                message=f"the sidecar is out of its template, but the rollout is {words}: {rollout.summary}",
                problems=(f"the sidecar is out of its template, but the rollout is {words}", *rollout.reasons),
                hint="see its pods and events; then run the same command again",
            )
        transitions.wait_for_sidecars_gone(self._cluster, edited.after, deadline=deadline, progress=self._progress)
        return outcome_of(workload, results.REMOVED, rollout=rollout, message="; ".join(notes))

    def _without_record(self, workload: Manifest) -> Outcome:
        if sidecar_of(pod_spec_of(workload)) is None:
            rollout = None if self._cluster.dry_run.on else transitions.look(self._cluster, workload)
            return outcome_of(workload, results.UNCHANGED, rollout=rollout, message="it has no sidecar")
        return outcome_of(
            workload, results.REFUSED, exit_code=ExitCode.NOT_READY,
            message="its sidecar was not injected by oc-gsb, so there is no record to undo it by",
            hint="remove it with the tool that added it (k10tools k10genericbackup uninject)",
        )

    def withdraw_unused(self, workloads: Iterable[Manifest]) -> list[str]:
        """Removes the grants of the workloads' service accounts that nothing needs; what stays, and why."""
        if not self._cluster.versions_of(SCC_GROUP):
            return []
        accounts = {service_account_of(workload) for workload in workloads}
        notes = []
        try:
            grants = [grant for grant in our_grants(self._cluster) if grant.account in accounts]
            for grant in grants:
                notes += withdraw(self._cluster, grant, progress=self._progress)
        except errors.Forbidden as error:
            notes.append(f"SCC copies and their grants stay: {error.message}")
        return notes
