"""Restoring in place from the request to the answer: begin, go on after a crash, or go back."""

from __future__ import annotations

from collections.abc import Callable

from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.protection.in_place.holders import TakenOver, holding
from kubectl_rwx.protection.in_place.journals import Journal, Step, find_journal, read_journals, write_journal
from kubectl_rwx.protection.in_place.plans import plan_in_place
from kubectl_rwx.protection.in_place.reports import in_place_report
from kubectl_rwx.protection.in_place.rollbacks import roll_back
from kubectl_rwx.protection.in_place.steps import Steps
from kubectl_rwx.protection.restore_requests import RestoreRequest
from kubectl_rwx.protection.rights import Right, require_rights
from kubectl_rwx.protection.set_names import generate_run
from kubectl_rwx.protection.snapshot_api import require_snapshot_api
from kubectl_rwx.protection.snapshot_selection import Chosen, find_snapshots
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import as_timeout
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import (
    CONFIG_MAP,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)
from plugin_core.model.manifests import uid_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import claim_of

BACK_AT_LEAST = 300.0
"""Seconds that the way back has, however little of --timeout is left."""

_RIGHTS: dict[Kind, str] = {
    VOLUME_SNAPSHOT: "get list create delete", PERSISTENT_VOLUME_CLAIM: "get list create delete", POD: "list",
    CONFIG_MAP: "get list create patch delete", PERSISTENT_VOLUME: "get patch", STORAGE_CLASS: "list",
    VOLUME_SNAPSHOT_CLASS: "list", VOLUME_SNAPSHOT_CONTENT: "get",
}


def restore_in_place(
    cluster: Cluster, request: RestoreRequest, progress: Progress, *, consent: Callable[[str], None]
) -> Answer:
    """Claims have the snapshots' data under their own names when it returns without a failure.

    A failure or Ctrl-C on the way goes back to the old volumes; what cannot go back says how to. An unfinished run of
    the same snapshots is gone on with; one of others for the same claims is refused.
    """
    deadline = Deadline.after(request.timeout)
    bounded = cluster.within(deadline)
    require_snapshot_api(bounded)
    require_rights(
        bounded, [Right(verb, kind) for kind, verbs in _RIGHTS.items() for verb in verbs.split()],
        namespace=cluster.namespace,
    )
    journals = read_journals(bounded)
    journal = _unfinished(bounded, journals, request)
    if request.rollback and journal is None:
        raise errors.NotFound("there is no unfinished in-place restore of these to go back from", status=404)
    if cluster.dry_run.on:
        if journal is None:
            snapshots, _ = _snapshots(bounded, request)
            journal = plan_in_place(bounded, snapshots, request.wishes, run=generate_run(), progress=progress)
        return Answer(in_place_report(journal, {}, change="would be replaced"))
    run = _Run(cluster, request, deadline, progress)
    if journal is not None:
        back = request.rollback or journal.step is Step.BACK
        consent(f"go {'back from' if back else 'on with'} the unfinished in-place restore of "
                f"{', '.join(journal.claims)} in namespace {cluster.namespace} (it stands at: {journal.step.words})")
        with holding(cluster, journal.name, progress):
            return run.go_back(journal) if back else run.go_on(journal)
    snapshots, _ = _snapshots(bounded, request)
    journal = plan_in_place(bounded, snapshots, request.wishes, run=generate_run(), progress=progress)
    stopped = ", ".join(str(one) for one in journal.workloads) or "no workload"
    consent(f"replace the data of {', '.join(journal.claims)} in namespace {cluster.namespace} with that of "
            f"{Chosen(request.snapshots, request.set_name)}, stopping {stopped} meanwhile")
    return run.begin(journal)


def _snapshots(cluster: Cluster, request: RestoreRequest) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    snapshots, problems = find_snapshots(cluster, Chosen(request.snapshots, request.set_name))
    if problems:
        first = problems[0].error
        raise type(first)(f"{problems[0].subject}: {first.message}", hint=first.hint)
    return snapshots, tuple(claim_of(item) for item in snapshots)


def _unfinished(cluster: Cluster, journals: list[Journal], request: RestoreRequest) -> Journal | None:
    """The journal to go on with; None when these claims have none. Raises NotReady when it is of other snapshots."""
    if not journals:
        return None
    same = next((journal for journal in journals
                 if request.snapshots and {one.snapshot for one in journal.members} == set(request.snapshots)), None)
    if same:
        return same
    snapshots, claims = _snapshots(cluster, request)
    journal = find_journal(journals, claims)
    if journal is None or {one.snapshot_uid for one in journal.members} == {uid_of(item) for item in snapshots}:
        return journal
    others = " ".join(f"vs/{one.snapshot}" for one in journal.members)
    raise errors.NotReady(
        f"an in-place restore of {', '.join(journal.claims)} from {others} is unfinished (it stands at: "
        f"{journal.step.words})",
        hint=f"finish it: kubectl rwx restore {others} --in-place -n {cluster.namespace}; or go back: add --rollback",
    )


class _Run:
    """Forward or back, and what is said at the end."""

    def __init__(self, cluster: Cluster, request: RestoreRequest, deadline: Deadline, progress: Progress) -> None:
        self._cluster, self._request = cluster, request
        self._deadline, self._progress = deadline, progress

    def begin(self, journal: Journal) -> Answer:
        """Writes the journal, then goes on with it; an interrupt at any moment goes back."""
        try:
            write_journal(self._cluster.within(self._deadline), journal)
            with holding(self._cluster, journal.name, self._progress):
                return self.go_on(journal)
        except KeyboardInterrupt:
            raise self._interrupted(journal) from None

    def go_on(self, journal: Journal) -> Answer:
        if journal.step is not Step.STOP:
            self._progress.note(f"going on with configmap/{journal.name}, which stands at: {journal.step.words}")
        steps = Steps(
            self._cluster, journal, deadline=self._deadline, progress=self._progress, image=self._request.image
        )
        try:
            steps.carry_out()
        except (errors.ConnectionFailed, errors.Unavailable, errors.ServerAway) as error:
            told = as_timeout(error, deadline=self._deadline)
            raise type(told)(f"{told.message}\nthe in-place restore stopped at: {journal.step.words}",
                             hint=self._resume()) from error
        except TakenOver:
            raise
        except errors.PluginError as error:
            if journal.step is Step.FINISH:
                raise
            raise self._failed(journal, error) from error
        except KeyboardInterrupt:
            raise self._interrupted(journal) from None
        return Answer(in_place_report(
            journal, steps.bound, change="replaced",
            notes=(f"what was there before is in the set {journal.safety_set}; to go back to it: kubectl rwx restore "
                   f"{journal.safety_set} --in-place -n {self._cluster.namespace}",),
        ))

    def go_back(self, journal: Journal) -> Answer:
        notes = roll_back(
            self._cluster, journal, deadline=Deadline.after(max(BACK_AT_LEAST, self._request.timeout)),
            progress=self._progress,
        )
        why = (f"it had failed: {journal.why}",) if journal.why else ()
        return Answer(in_place_report(journal, {}, change="put back", notes=(*why, *notes)))

    def _interrupted(self, journal: Journal) -> errors.PluginError:
        """The error to raise after an interrupt, once all is as before where that can be had."""
        if journal.step is Step.FINISH:
            return errors.Interrupted(f"interrupted while {journal.step.words}", hint=self._resume())
        try:
            self._cluster.within(Deadline.after(10)).get(CONFIG_MAP, journal.name, namespace=self._cluster.namespace)
        except errors.NotFound:
            return errors.Interrupted("interrupted before anything was changed: all is as it was")
        except (errors.ConnectionFailed, errors.Unavailable) as error:
            return errors.Interrupted(
                f"interrupted while {journal.step.words}; nothing was put back, for the server does not answer: "
                f"{error.message}", hint=f"{self._resume()}; to go back instead: add --rollback",
            )
        except errors.PluginError:
            pass
        return self._failed(journal, errors.Interrupted("interrupted"))

    def _failed(self, journal: Journal, error: errors.PluginError) -> errors.PluginError:
        """Goes back, and is the error to raise: what failed, at which step, and whether all is as before."""
        at = journal.step.words
        self._progress.warn(f"{at} failed, going back: {error.message}")
        deadline = Deadline.after(max(BACK_AT_LEAST, self._request.timeout))
        try:
            notes = roll_back(
                self._cluster, journal, deadline=deadline, progress=self._progress, why=f"{at}: {error.message}"
            )
        except (errors.PluginError, KeyboardInterrupt) as second:
            words = second.message if isinstance(second, errors.PluginError) else "interrupted"
            return type(error)(f"{at} failed: {error.message}\ngoing back failed too: {words}",
                               hint=f"{self._resume()} --rollback")
        said = "".join(f"\n{note}" for note in notes)
        return type(error)(
            f"{at} failed: {error.message}\nall is as it was: the claims have their old volumes, the workloads their "
            f"replicas{said}", hint=error.hint,
        )

    def _resume(self) -> str:
        chosen = Chosen(self._request.snapshots, self._request.set_name)
        return f"the same again goes on: kubectl rwx restore {chosen} --in-place -n {self._cluster.namespace}"
