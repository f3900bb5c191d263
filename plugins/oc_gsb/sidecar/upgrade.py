"""Sidecars brought to the image of the installed Kasten: one patch, its rollout, and the old image when that fails."""

from __future__ import annotations

from dataclasses import dataclass

from oc_gsb.sidecar import results, transitions
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.images import image_of, with_image
from oc_gsb.sidecar.kasten import NAMESPACE, read_tools_image
from oc_gsb.sidecar.problems import reason_to_stop
from oc_gsb.sidecar.record import has_record, read_record
from oc_gsb.sidecar.results import Answer, Outcome, answer_with, not_started_after, outcome_of
from oc_gsb.sidecar.selection import Selection, select_workloads
from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.templates import kind_of, pod_spec_of, replicas_of
from plugin_core.workloads.waits import Rollout

ROLLBACK_SECONDS = 120.0


@dataclass(frozen=True)
class UpgradeRequest:
    """image: "" for the one Kasten's configuration names. timeout: seconds for each workload's rollout."""

    selection: Selection
    image: str = ""
    timeout: float = 600.0
    k10_namespace: str = NAMESPACE


def upgrade(cluster: Cluster, request: UpgradeRequest, *, progress: Progress) -> Answer:
    """Upgrades each selected sidecar in turn. Of -l and --all those without one of ours are skipped."""
    progress.phase("looking at the workloads")
    image = request.image or read_tools_image(cluster, namespace=request.k10_namespace)
    workloads = [one for one in select_workloads(cluster, request.selection)
                 if request.selection.named or has_record(one) or sidecar_of(pod_spec_of(one))]
    claims = {name_of(claim): claim
              for claim in cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=cluster.namespace).items}
    run = _Run(cluster, request, image=image, claims=claims, progress=progress)
    outcomes: list[Outcome] = []
    for workload in workloads:
        outcomes.append(not_started_after(outcomes, workload) or run.upgrade(workload))
    return answer_with("UpgradeList", outcomes, dry_run=cluster.dry_run,
                       empty=f"No workload in namespace {cluster.namespace} has a sidecar.")


class _Run:
    """One run of upgrade: what it shares between workloads."""

    def __init__(
        self, cluster: Cluster, request: UpgradeRequest, *, image: str, claims: dict[str, Manifest], progress: Progress
    ) -> None:
        self._cluster, self._request, self._image = cluster, request, image
        self._claims, self._progress = claims, progress

    def upgrade(self, workload: Manifest) -> Outcome:
        try:
            return self._refusal(workload) or self._carry_out(workload)
        except errors.PluginError as error:
            return outcome_of(workload, results.FAILED, message=error.message, hint=error.hint,
                              image=image_of(workload), exit_code=error.exit_code)

    def _refusal(self, workload: Manifest) -> Outcome | None:
        """Only a readable record makes a failed upgrade, and a later removal, safe to undo."""
        record, named = read_record(workload), self._request.selection.named
        where = f"{_target(workload)} -n {self._cluster.namespace}"
        if record is not None and record.removing:
            return outcome_of(workload, results.REFUSED, exit_code=ExitCode.NOT_READY, message="it is being uninjected",
                              hint=f"finish that first: oc gsb uninject {where}")
        if record is not None:
            return None
        if sidecar_of(pod_spec_of(workload)) is None:
            return outcome_of(workload, results.REFUSED, exit_code=ExitCode.NOT_READY, message="it has no sidecar",
                              hint=f"oc gsb inject {where}")
        message = "its sidecar was not injected by oc-gsb"
        if not named:
            return outcome_of(workload, results.SKIPPED, message=message, image=image_of(workload))
        return outcome_of(workload, results.REFUSED, exit_code=ExitCode.NOT_READY, message=message,
                          image=image_of(workload), hint="upgrade it with the tool that added it")

    def _carry_out(self, workload: Manifest) -> Outcome:
        before, target = image_of(workload), _target(workload)
        same, record = before == self._image, read_record(workload)
        result = results.UNCHANGED if same else results.UPGRADED
        message = "" if same else f"had {before}"
        if same and record is not None and record.replicas is not None:
            result, message = results.UPGRADED, "an earlier run had left it at 0 replicas; it has them back"
        stop = "" if same else reason_to_stop(workload, self._claims)
        self._progress.phase(f"{'waiting for' if same else 'upgrading'} {target}", total=replicas_of(workload))
        if stop:
            self._progress.warn(f"{target} goes to 0 replicas for the change: {stop}")
        reasons: tuple[str, ...] = ()
        code, hint = ExitCode.FAILED, ""
        try:
            edited = transitions.change(self._cluster, workload, hold=bool(stop),
                                        edit=lambda manifest: with_image(manifest, self._image))
            if self._cluster.dry_run.on:
                return outcome_of(workload, result, image=self._image, message=message)
            rollout = transitions.finish(self._cluster, edited.after, progress=self._progress,
                                         deadline=Deadline.after(self._request.timeout))
            if rollout.phase is Phase.READY:
                return outcome_of(rollout.workload or workload, result, rollout=rollout, image=self._image,
                                  message=message)
            code, reasons = self._verdict(rollout)
        except KeyboardInterrupt:
            code, reasons = ExitCode.INTERRUPTED, ("interrupted",)
        except errors.PluginError as error:
            code, reasons, hint = error.exit_code, (error.message,), error.hint
        if same:
            return outcome_of(workload, results.FAILED, image=before, message=f"it has this image, but {reasons[0]}",
                              exit_code=code, problems=reasons,
                              hint=f"oc gsb verify {target}, or back with: oc gsb upgrade {target} --image IMAGE")
        return self._undo(workload, before, hold=bool(stop), code=code, reasons=reasons, hint=hint)

    def _undo(
        self, workload: Manifest, before: str, *, hold: bool, code: ExitCode, reasons: tuple[str, ...], hint: str
    ) -> Outcome:
        target = _target(workload)
        self._progress.phase(f"giving {target} its old image back", total=replicas_of(workload))
        try:
            rollout = transitions.change_back(
                self._cluster, workload, edit=lambda manifest: with_image(manifest, before), hold=hold,
                deadline=Deadline.after(ROLLBACK_SECONDS), progress=self._progress,
            )
        except errors.PluginError as error:
            return outcome_of(
                workload, results.FAILED, exit_code=code, problems=(*reasons, f"rolling back failed: {error.message}"),
                message=f"{reasons[0]}; then rolling back failed: {error.message}",
                hint=f"finish it with: oc gsb upgrade {target} --image {before} -n {self._cluster.namespace}",
            )
        notes = [] if rollout.phase is Phase.READY else [
            f"it has its old image {before} again, but its pods are not all back: {rollout.summary}"]
        return outcome_of(workload, results.ROLLED_BACK, rollout=rollout, exit_code=code, image=before, hint=hint,
                          message="; ".join([reasons[0], *notes]), problems=(*reasons, *notes))

    def _verdict(self, rollout: Rollout) -> tuple[ExitCode, tuple[str, ...]]:
        if rollout.phase is Phase.FAILED:
            return ExitCode.FAILED, rollout.reasons
        first = f"not over after {format_duration(self._request.timeout)} (--timeout): {rollout.summary}"
        return ExitCode.TIMEOUT, (first, *rollout.reasons[1:])


def _target(workload: Manifest) -> str:
    return f"{kind_of(workload).name.lower()}/{name_of(workload)}"
