"""Sidecars brought to the image of the installed Kasten: one patch, its rollout, and the old image when that fails."""

from __future__ import annotations

from functools import partial

from oc_gsb.sidecar import results, transitions
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.image_probe import TRIALS, Trial, forget_trials, try_image
from oc_gsb.sidecar.images import begin_upgrade, end_upgrade, image_of, undo_upgrade
from oc_gsb.sidecar.injection import ROLLBACK_SECONDS, Failure, judge
from oc_gsb.sidecar.kasten import read_tools_image
from oc_gsb.sidecar.problems import reason_to_stop
from oc_gsb.sidecar.record import has_record, read_record
from oc_gsb.sidecar.requests import UpgradeRequest
from oc_gsb.sidecar.results import Answer, Outcome, answer_with, outcome_of
from oc_gsb.sidecar.selection import select_workloads
from oc_gsb.sidecar.side_by_side import Stop, Voices, run_side_by_side
from oc_gsb.sidecar.template import release
from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, POD
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.edits import edit_workload
from plugin_core.workloads.shared_looks import SharedLooks
from plugin_core.workloads.templates import kind_of, pod_spec_of, replicas_of, service_account_of

__all__ = ["UpgradeRequest", "upgrade"]


def upgrade(cluster: Cluster, request: UpgradeRequest, *, progress: Progress) -> Answer:
    """Upgrades the selected sidecars. Of -l and --all those without one of ours are skipped."""
    progress.phase("looking at the workloads")
    image = request.image or read_tools_image(cluster, namespace=request.k10_namespace)
    workloads = [one for one in select_workloads(cluster, request.selection)
                 if request.selection.named or has_record(one) or sidecar_of(pod_spec_of(one))]
    claims = {name_of(claim): claim
              for claim in cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=cluster.namespace).items}
    stop = Stop()
    run = _Run(cluster, request, image=image, claims=claims, stop=stop)
    refused = {} if cluster.dry_run.on or not request.try_image else run.try_images(workloads, progress)
    parallel = min(request.parallel, max(1, len(workloads)))
    voices = Voices(progress, total=len(workloads), what=f"upgrading {len(workloads)} workloads, {parallel} at a time")
    jobs = [partial(run.upgrade, one, refused=refused, voices=voices) for one in workloads]
    done = run_side_by_side(jobs, parallel=parallel, stop=stop)
    outcomes = [found or outcome_of(one, results.NOT_STARTED, message="interrupted before its turn",
                                    exit_code=ExitCode.INTERRUPTED)
                for one, found in zip(workloads, done, strict=True)]
    return answer_with("UpgradeList", outcomes, dry_run=cluster.dry_run,
                       empty=f"No workload in namespace {cluster.namespace} has a sidecar.")


class _Run:
    """One run of upgrade: what it shares between workloads."""

    def __init__(
        self, cluster: Cluster, request: UpgradeRequest, *, image: str, claims: dict[str, Manifest], stop: Stop
    ) -> None:
        self._cluster, self._request, self._image = cluster, request, image
        self._claims, self._stop = claims, stop
        self._look = SharedLooks(namespace=cluster.namespace).look

    def try_images(self, workloads: list[Manifest], progress: Progress) -> dict[Trial, str]:
        """Why the new image does not start, by how it is pulled; what starts, or is not known, is left out."""
        left = self._cluster.list_all(POD, namespace=self._cluster.namespace, labels=TRIALS).items
        forget_trials(self._cluster, left, progress=progress)
        trials = list(dict.fromkeys(
            self._trial(one) for one in workloads if image_of(one) not in ("", self._image) and has_record(one)))
        jobs = [partial(try_image, self._cluster, one, stop=self._stop, progress=progress)
                for one in trials]
        found = run_side_by_side(jobs, parallel=1, stop=self._stop)
        for trial, tried in zip(trials, found, strict=True):
            if tried and tried.open and not self._stop.asked:
                progress.warn(f"whether {trial.image} can be pulled is not known: {tried.open}")
        return {trial: tried.problem for trial, tried in zip(trials, found, strict=True) if tried and tried.problem}

    def _trial(self, workload: Manifest) -> Trial:
        names = [str(one.get("name")) for one in pod_spec_of(workload).get("imagePullSecrets") or []]
        return Trial(self._image, service_account_of(workload), tuple(names))

    def upgrade(self, workload: Manifest, *, refused: dict[Trial, str], voices: Voices) -> Outcome:
        target = _target(workload)
        try:
            return self._refusal(workload, refused) or self._carry_out(workload, voices.of(target))
        except errors.PluginError as error:
            return outcome_of(workload, results.FAILED, message=error.message, hint=error.hint,
                              image=image_of(workload), exit_code=error.exit_code)
        finally:
            voices.over(target)

    def _refusal(self, workload: Manifest, refused: dict[Trial, str]) -> Outcome | None:
        """Only a readable record makes a failed upgrade, and a later removal, safe to undo."""
        record, named = read_record(workload), self._request.selection.named
        where = f"{_target(workload)} -n {self._cluster.namespace}"
        message, hint = "", ""
        if record is not None and record.removing:
            message, hint = "it is being uninjected", f"finish that first: oc gsb uninject {where}"
        elif record is not None and self._trial(workload) in refused:
            message = refused[self._trial(workload)]
            hint = "name another with --image; --no-image-check leaves this out"
        elif record is None and sidecar_of(pod_spec_of(workload)) is None:
            message, hint = "it has no sidecar", f"oc gsb inject {where}"
        elif record is None:
            message = "its sidecar was not injected by oc-gsb"
            hint = f"take it over with: oc gsb inject {where}"
            if not named:
                return outcome_of(workload, results.SKIPPED, message=message, image=image_of(workload))
        if not message:
            return None
        return outcome_of(workload, results.REFUSED, exit_code=ExitCode.NOT_READY, message=message, hint=hint,
                          image=image_of(workload))

    def _carry_out(self, workload: Manifest, progress: Progress) -> Outcome:
        record, target = read_record(workload), _target(workload)
        assert record is not None
        present = image_of(workload)
        before, same = record.previous_image or present, present == self._image
        begun = same and (bool(record.previous_image) or record.replicas is not None)
        result = results.UPGRADED if begun or not same else results.UNCHANGED
        message = "" if same else f"had {present}"
        if begun:
            message = "an earlier run had begun it" if record.replicas is None else (
                "an earlier run had left it at 0 replicas; it has them back")
        stop = "" if same else reason_to_stop(workload, self._claims)
        progress.phase(f"{'waiting for' if same else 'upgrading'} {target}", total=replicas_of(workload))
        if stop:
            progress.warn(f"{target} goes to 0 replicas for the change: {stop}")
        found: Outcome | Failure = Failure(ExitCode.FAILED, ("a mistake in this program",))
        try:
            found = self._attempt(workload, result, message, hold=bool(stop), progress=progress)
        except errors.PluginError as error:
            found = Failure(self._stop.code_of(error), (error.message,), error.hint)
        finally:
            outcome = found if isinstance(found, Outcome) else self._settle(
                workload, before, found, same=same and not record.previous_image, progress=progress)
        return outcome

    def _attempt(
        self, workload: Manifest, result: str, message: str, *, hold: bool, progress: Progress
    ) -> Outcome | Failure:
        edited = transitions.change(self._cluster, workload, hold=hold,
                                    edit=lambda manifest: begin_upgrade(manifest, self._image))
        if self._cluster.dry_run.on:
            return outcome_of(workload, result, image=self._image, message=message)
        rollout = transitions.finish(self._cluster, edited.after, progress=progress, look=self._look,
                                     deadline=self._stop.deadline(self._request.timeout), leave_held=hold)
        if rollout.phase is not Phase.READY:
            return judge(rollout, timeout=self._request.timeout, stop=self._stop)
        edit_workload(self._cluster, kind_of(workload), name_of(workload), namespace=self._cluster.namespace,
                      edit=end_upgrade)
        return outcome_of(rollout.workload or workload, result, rollout=rollout, image=self._image, message=message)

    def _settle(
        self, workload: Manifest, before: str, failure: Failure, *, same: bool, progress: Progress
    ) -> Outcome:
        """After a failure: the old image, unless the present one is all there is to return to.

        A run that was killed may have left it at 0 replicas; by now it has those of its record, and they may overlap.
        """
        target, code, reasons = _target(workload), failure.code, failure.reasons
        if same:
            return outcome_of(
                workload, results.FAILED, image=before, message=f"it has this image, but {reasons[0]}", exit_code=code,
                problems=reasons,
                hint=f"oc gsb verify {target}, or back with: oc gsb upgrade {target} --image IMAGE")
        progress.phase(f"giving {target} its old image back", total=replicas_of(workload))
        try:
            rollout = transitions.change_back(
                self._cluster, workload, edit=lambda manifest: undo_upgrade(manifest, before),
                hold=bool(reason_to_stop(release(workload), self._claims)), deadline=Deadline.after(ROLLBACK_SECONDS),
                progress=progress, look=self._look,
            )
        except errors.PluginError as error:
            return outcome_of(
                workload, results.FAILED, exit_code=code, problems=(*reasons, f"rolling back failed: {error.message}"),
                message=f"{reasons[0]}; then rolling back failed: {error.message}",
                hint=f"finish it with: oc gsb upgrade {target} --image {before} -n {self._cluster.namespace}",
            )
        notes = [] if rollout.phase is Phase.READY else [
            f"it has its old image {before} again, but its pods are not all back: {rollout.summary}"]
        return outcome_of(workload, results.ROLLED_BACK, rollout=rollout, exit_code=code, image=before,
                          hint=failure.hint, message="; ".join([reasons[0], *notes]), problems=(*reasons, *notes))


def _target(workload: Manifest) -> str:
    return f"{kind_of(workload).name.lower()}/{name_of(workload)}"
