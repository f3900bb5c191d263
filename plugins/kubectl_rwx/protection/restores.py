"""Restoring snapshots to new claims of the right size, class, access modes and volumeMode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from kubectl_rwx.diagnosis.explanations import explain_claims
from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.protection.bindings import wait_until_bound
from kubectl_rwx.protection.claim_selection import describe_claim, read_named, reading_verb
from kubectl_rwx.protection.consumers import bind_claims
from kubectl_rwx.protection.creation import create_together
from kubectl_rwx.protection.restore_plans import (
    Restoration,
    Surroundings,
    difference,
    explain_unready,
    plan_restore,
    read_surroundings,
)
from kubectl_rwx.protection.restore_reports import Restored, restore_report
from kubectl_rwx.protection.restore_requests import RestoreRequest
from kubectl_rwx.protection.rights import Right, join_rights, missing_rights, require_rights
from kubectl_rwx.protection.set_names import generate_run
from kubectl_rwx.protection.snapshot_api import require_snapshot_api
from kubectl_rwx.protection.snapshot_reports import describe_snapshot
from kubectl_rwx.protection.snapshot_selection import Chosen, find_snapshots
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME_CLAIM,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CONTENT,
)
from plugin_core.model.manifests import Manifest, labels_of, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import claim_of


def restore(cluster: Cluster, request: RestoreRequest, progress: Progress) -> Answer:
    """A new claim for each snapshot. One that an earlier run made of the same snapshot is "unchanged".

    Nothing is created for a snapshot that is not ready, or whose claim would not fit. Raises Interrupted after Ctrl-C,
    naming what remains, and any error that concerns the request as a whole.
    """
    deadline = Deadline.after(request.timeout)
    bounded = cluster.within(deadline)
    require_snapshot_api(bounded)
    _require_rights(bounded, request)
    snapshots, problems = find_snapshots(bounded, Chosen(request.snapshots, request.set_name))
    if request.wishes.to and len(snapshots) > 1:
        raise errors.UsageError(
            f'--to names one claim, but the set "{request.set_name}" has {len(snapshots)} snapshots',
            hint="use --suffix",
        )
    unready = explain_unready(bounded, snapshots)
    refused = {problem.subject for problem in unready}
    ready = [snapshot for snapshot in snapshots if describe_snapshot(name_of(snapshot)) not in refused]
    around = _look_around(bounded, ready, progress)
    run = generate_run()
    plan = plan_restore(ready, around, request.wishes, run=run)
    for caution in dict.fromkeys(one.caution for one in plan.restorations if one.caution):
        progress.warn(caution)
    restoring = _Restoring(cluster, request, deadline=deadline, progress=progress)
    return restoring.carry_out(plan.restorations, [*problems, *unready, *plan.problems])


def _require_rights(cluster: Cluster, request: RestoreRequest) -> None:
    needed = [
        Right("list" if request.set_name else reading_verb(len(request.snapshots)), VOLUME_SNAPSHOT),
        Right("get", PERSISTENT_VOLUME_CLAIM), Right("list", PERSISTENT_VOLUME_CLAIM),
        Right("create", PERSISTENT_VOLUME_CLAIM),
    ]
    require_rights(cluster, needed, namespace=cluster.namespace)


def _look_around(cluster: Cluster, snapshots: Sequence[Manifest], progress: Progress) -> Surroundings:
    """Reads what the plan needs; of the cluster's scope only what may be read, and says what goes unchecked."""
    contents = Right(reading_verb(len(snapshots)), VOLUME_SNAPSHOT_CONTENT)
    classes = Right("list", STORAGE_CLASS)
    missing = missing_rights(cluster, [contents, classes], namespace=cluster.namespace)
    if classes in missing:
        progress.warn(f"whether the StorageClass fits the snapshot is not checked: you may not {join_rights(missing)}")
    return read_surroundings(
        cluster, snapshots, may_read_contents=contents not in missing, may_read_classes=classes not in missing
    )


class _Restoring:
    """One run, from plan to answer. made: the claims that exist by now, recorded as they come to be."""

    def __init__(self, cluster: Cluster, request: RestoreRequest, *, deadline: Deadline, progress: Progress) -> None:
        self._cluster, self._request = cluster, request
        self._deadline, self._progress = deadline, progress
        self._made: list[Manifest] = []

    def carry_out(self, restorations: Sequence[Restoration], problems: list[Problem]) -> Answer:
        wanted, clashes = _without_clashes(restorations)
        unchanged, creating, existing = self._sort_out(wanted)
        problems = [*problems, *clashes, *existing]
        try:
            problems += self._create(creating)
            return self._finish(wanted, unchanged, problems)
        except KeyboardInterrupt:
            self._say_what_remains()

    def _sort_out(
        self, restorations: Sequence[Restoration]
    ) -> tuple[dict[str, Manifest], list[Restoration], list[Problem]]:
        """What an earlier run has restored already, what is to be created, and what is in the way."""
        wanted = [name_of(restoration.claim) for restoration in restorations]
        there = read_named(
            self._cluster.within(self._deadline), PERSISTENT_VOLUME_CLAIM, wanted, namespace=self._cluster.namespace
        )
        unchanged, problems = {}, []
        for restoration in restorations:
            name = name_of(restoration.claim)
            if name not in there:
                continue
            different = difference(there[name], restoration)
            if different:
                problems.append(_in_the_way(name, different))
            else:
                unchanged[name] = there[name]
                self._progress.note(f"{describe_claim(name)} unchanged")
        return unchanged, [one for one in restorations if name_of(one.claim) not in there], problems

    def _create(self, restorations: Sequence[Restoration]) -> list[Problem]:
        manifests = [restoration.claim for restoration in restorations]
        results = create_together(self._cluster.within(self._deadline), manifests, made=self._made, tell=self._tell)
        return [
            Problem(describe_claim(name_of(manifest)), result)
            for manifest, result in zip(manifests, results, strict=True) if isinstance(result, errors.PluginError)
        ]

    def _tell(self, claim: Manifest) -> None:
        self._progress.note(f"{describe_claim(name_of(claim))} created{self._cluster.dry_run.suffix}")

    def _finish(
        self, restorations: Sequence[Restoration], unchanged: dict[str, Manifest], problems: list[Problem]
    ) -> Answer:
        last_seen = {**unchanged, **{name_of(claim): claim for claim in self._made}}
        chosen = {name_of(one.claim): one for one in restorations if name_of(one.claim) in last_seen}
        idle = {name for name, one in chosen.items() if one.on_first_use and not _is_bound(last_seen[name])}
        awaited = [name for name in chosen if name not in idle and not _is_bound(last_seen[name])]
        if awaited and self._request.wait and not self._cluster.dry_run.on:
            outcomes = self._await(awaited, chosen)
            last_seen.update({name: outcome.manifest for name, outcome in outcomes.items() if outcome.manifest})
            idle |= {name for name, outcome in outcomes.items()
                     if outcome.phase is Phase.READY and not _is_bound(outcome.manifest or {})}
            problems = problems + self._explain(outcomes)
        if idle and self._request.bind and self._request.wait and not self._cluster.dry_run.on:
            bound, unbound = bind_claims(
                self._cluster, [last_seen[name] for name in sorted(idle)], namespace=self._cluster.namespace,
                run=labels_of(last_seen[min(idle)]).get(names.RUN_LABEL, ""), image=self._request.image,
                deadline=self._deadline, progress=self._progress,
            )
            last_seen.update({name: outcome.manifest for name, outcome in bound.items() if outcome.manifest})
            idle -= set(bound)
            problems = problems + unbound
        restored = [
            Restored(claim=last_seen[name], source=claim_of(one.snapshot), waits_for_consumer=name in idle,
                     change="unchanged" if name in unchanged else "created")
            for name, one in chosen.items()
        ]
        failed = {problem.subject for problem in problems}
        done = sum(describe_claim(name) not in failed for name in chosen)
        return Answer(
            report=restore_report(restored, problems=problems, notes=self._notes(sorted(idle))),
            failure=sum_up(problems, done=done, undone="snapshots were not restored"),
        )

    def _await(self, awaited: Sequence[str], chosen: dict[str, Restoration]) -> dict[str, Outcome]:
        look = self._cluster.within(self._deadline)

        def deleted_snapshots(pending: dict[str, Outcome]) -> dict[str, str]:
            sources = {name: name_of(chosen[name].snapshot) for name in pending}
            try:
                there = read_named(look, VOLUME_SNAPSHOT, list(sources.values()), namespace=self._cluster.namespace)
            except errors.Forbidden:
                return {}
            gone = {name: source for name, source in sources.items() if source not in there}
            return {name: f"its snapshot {source} was deleted" for name, source in gone.items()}

        try:
            return wait_until_bound(
                self._cluster, awaited, namespace=self._cluster.namespace, deadline=self._deadline,
                progress=self._progress, text="waiting for restored claims to be Bound", fatal=deleted_snapshots,
                first_use_will_do=True,
            )
        except errors.ServerAway as error:
            words = f"{error.message}; what was created goes on without us: {', '.join(awaited)}"
            raise errors.ServerAway(words, hint=self._resume(awaited)) from error

    def _explain(self, outcomes: dict[str, Outcome]) -> list[Problem]:
        failed = [
            Problem(describe_claim(name), errors.NotReady(outcome.readiness.reason))
            for name, outcome in outcomes.items() if outcome.phase is Phase.FAILED
        ]
        waiting = {name: outcome.manifest for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING}
        seen = [claim for claim in waiting.values() if claim]
        look = self._cluster.within(Deadline.after(10))
        explained = explain_claims(look, seen, namespace=self._cluster.namespace) if seen else {}
        limit = format_duration(self._request.timeout)
        hint = (f"{self._resume(list(waiting))}\n       to give up: kubectl delete pvc -n {self._cluster.namespace} "
                f"{' '.join(waiting)}")
        return failed + [
            Problem(describe_claim(name), errors.TimedOut(
                f"not Bound after {limit} (--timeout)" + "".join(f"\n    {line}" for line in explained.get(name, [])),
                hint=hint,
            )) for name in waiting
        ]

    def _notes(self, idle: Sequence[str]) -> tuple[str, ...]:
        if not idle:
            return ()
        what = describe_claim(idle[0]) if len(idle) == 1 else f"{len(idle)} claims"
        verb = "waits for its first consumer and is" if len(idle) == 1 else "wait for their first consumers and are"
        return (f"{what} {verb} filled when a pod uses it (volumeBindingMode WaitForFirstConsumer); "
                "--bind makes it real now",)

    def _resume(self, claims: Sequence[str]) -> str:
        listed = " ".join(f"pvc/{name}" for name in claims)
        return (f"kubectl rwx wait {listed} -n {self._cluster.namespace} "
                f"--timeout={format_duration(max(600, self._request.timeout))}")

    def _say_what_remains(self) -> NoReturn:
        if not self._made:
            raise errors.Interrupted("interrupted: no claim was created") from None
        remaining = [name_of(claim) for claim in self._made]
        raise errors.Interrupted(
            f"interrupted: created and left in place, they are filled by themselves: {', '.join(remaining)}",
            hint=f"{self._resume(remaining)}\n       to delete instead: kubectl delete pvc "
                 f"-n {self._cluster.namespace} {' '.join(remaining)}",
        ) from None


def _without_clashes(restorations: Sequence[Restoration]) -> tuple[list[Restoration], list[Problem]]:
    """Two snapshots of one claim cannot both become CLAIM-restored: the later ones are refused."""
    chosen: dict[str, Restoration] = {}
    problems = []
    for restoration in restorations:
        name = name_of(restoration.claim)
        if name in chosen:
            other = name_of(chosen[name].snapshot)
            problems.append(Problem(describe_snapshot(name_of(restoration.snapshot)), errors.UsageError(
                f'claim "{name}" is restored from {other} already', hint="restore them one by one with --to"
            )))
        else:
            chosen[name] = restoration
    return list(chosen.values()), problems


def _in_the_way(name: str, different: str) -> Problem:
    return Problem(describe_claim(name), errors.AlreadyExists(
        f"it exists already and was left alone: {different}",
        hint="choose another name with --to or --suffix", status=409,
    ))


def _is_bound(claim: Manifest) -> bool:
    return bool(part_of(claim, "status", "phase") == "Bound")
