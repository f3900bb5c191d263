"""Restoring snapshots to claims of another namespace, through a pre-provisioned pair (transfers.py).

Snapshots and claims of two namespaces cannot name each other: cross-namespace data sources are still alpha.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from kubectl_rwx.diagnosis.explanations import explain_claims
from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.protection.bindings import wait_until_bound
from kubectl_rwx.protection.claim_selection import describe_claim, read_named
from kubectl_rwx.protection.consumers import bind_claims
from kubectl_rwx.protection.restore_plans import (
    Restoration,
    difference,
    explain_unready,
    plan_restore,
    read_surroundings,
)
from kubectl_rwx.protection.restore_reports import Restored, restore_report
from kubectl_rwx.protection.restore_requests import RestoreRequest
from kubectl_rwx.protection.rights import Right, missing_rights, require_rights
from kubectl_rwx.protection.set_names import generate_run
from kubectl_rwx.protection.snapshot_api import require_snapshot_api
from kubectl_rwx.protection.snapshot_reports import describe_snapshot
from kubectl_rwx.protection.snapshot_selection import Chosen, find_snapshots
from kubectl_rwx.protection.transfers import Pair, create_pair, make_pair, remove_pairs, wait_for_pairs
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import (
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CONTENT,
)
from plugin_core.model.manifests import Manifest, name_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import claim_of, content_of, is_ready

TIDYING = 30.0
"""Seconds for which a server that is away is waited for before the pairs are left to `cleanup`."""


def restore_elsewhere(cluster: Cluster, request: RestoreRequest, progress: Progress) -> Answer:
    """A claim in request.to_namespace for each snapshot; the pairs are gone when it returns, but where a claim still
    waits for its first consumer. Run again after a crash, it takes over what is there.
    """
    deadline = Deadline.after(request.timeout)
    bounded, target = cluster.within(deadline), request.to_namespace
    require_snapshot_api(bounded)
    _require_rights(bounded, request)
    _require_namespace(bounded, target)
    chosen = Chosen(request.snapshots, request.set_name)
    snapshots, problems = find_snapshots(bounded, chosen)
    if request.wishes.to and len(snapshots) > 1:
        raise errors.UsageError(f"--to names one claim, but {len(snapshots)} snapshots are meant", hint="use --suffix")
    unready = explain_unready(bounded, snapshots)
    refused = {problem.subject for problem in unready}
    ready = [item for item in snapshots if describe_snapshot(name_of(item)) not in refused]
    may_read_classes = not missing_rights(bounded, [Right("list", STORAGE_CLASS)], namespace=cluster.namespace)
    around = read_surroundings(bounded, ready, may_read_contents=True, may_read_classes=may_read_classes)
    plan = plan_restore(ready, around, request.wishes, run=generate_run())
    for caution in dict.fromkeys(one.caution for one in plan.restorations if one.caution):
        progress.warn(caution)
    work = _Elsewhere(cluster, request, deadline, progress)
    return work.carry_out(plan.restorations, around.contents, [*problems, *unready, *plan.problems])


def _require_rights(cluster: Cluster, request: RestoreRequest) -> None:
    """In the source namespace few, in the target those of a restore, and contents, which are of the whole cluster."""
    require_rights(cluster, [
        Right("list" if request.set_name else "get", VOLUME_SNAPSHOT), Right("list", VOLUME_SNAPSHOT),
        *(Right(verb, VOLUME_SNAPSHOT_CONTENT) for verb in ("get", "list", "create", "delete")),
    ], namespace=cluster.namespace)
    require_rights(cluster, [
        *(Right(verb, VOLUME_SNAPSHOT) for verb in ("get", "list", "create", "delete")),
        *(Right(verb, PERSISTENT_VOLUME_CLAIM) for verb in ("get", "list", "create")),
        *([Right(verb, POD) for verb in ("create", "list", "delete")] if request.bind else []),
    ], namespace=request.to_namespace)


def _require_namespace(cluster: Cluster, name: str) -> None:
    try:
        found = cluster.get(NAMESPACE, name)
    except errors.Forbidden:
        return
    except errors.NotFound as error:
        raise errors.NotFound(
            f'there is no namespace "{name}" (--to-namespace)', status=404, hint=f"kubectl create namespace {name}"
        ) from error
    if part_of(found, "status", "phase") == "Terminating":
        raise errors.NotReady(f'namespace "{name}" is being deleted; nothing can be created in it')


class _Elsewhere:
    """One run. made: claims that exist by now. pairs: by name of the claim they are for."""

    def __init__(self, cluster: Cluster, request: RestoreRequest, deadline: Deadline, progress: Progress) -> None:
        self._cluster, self._request = cluster, request
        self._deadline, self._progress = deadline, progress
        self._target = request.to_namespace
        self._pairs: dict[str, Pair] = {}
        self._made: dict[str, Manifest] = {}
        self._idle: set[str] = set()

    def carry_out(
        self, restorations: Sequence[Restoration], contents: dict[str, Manifest], problems: list[Problem]
    ) -> Answer:
        wanted = self._prepare(restorations, contents, problems)
        unchanged = set(self._made)
        try:
            self._restore(wanted, problems)
        except KeyboardInterrupt:
            raise self._interrupted() from None
        except errors.ServerAway as error:
            self._pairs.clear()  # nothing can be removed now, and trying would hide why
            raise errors.ServerAway(
                f"{error.message}; what was created stays and goes on without us",
                hint="when the server answers again, the same command goes on, and tidies up",
            ) from error
        finally:
            self._tidy()
        self._verify_originals([one.snapshot for one in wanted.values()], problems)
        rows = [
            Restored(claim=self._made[name], source=claim_of(one.snapshot), waits_for_consumer=name in self._idle,
                     change="unchanged" if name in unchanged else "created")
            for name, one in wanted.items() if name in self._made
        ]
        failed = {problem.subject for problem in problems}
        done = sum(describe_claim(name) not in failed for name in self._made)
        report = restore_report(rows, problems=problems, notes=self._notes())
        return Answer(report, sum_up(problems, done=done, undone="snapshots were not restored"))

    def _prepare(
        self, restorations: Sequence[Restoration], contents: dict[str, Manifest], problems: list[Problem]
    ) -> dict[str, Restoration]:
        """The claims to be made, by name, with their pairs; what exists is unchanged or in the way."""
        wanted: dict[str, Restoration] = {}
        bounded = self._cluster.within(self._deadline)
        there = read_named(
            bounded, PERSISTENT_VOLUME_CLAIM, [name_of(one.claim) for one in restorations], namespace=self._target
        )
        for one in restorations:
            name, subject = name_of(one.claim), describe_snapshot(name_of(one.snapshot))
            try:
                content = contents.get(content_of(one.snapshot), {})
                run = one.claim["metadata"]["labels"][names.RUN_LABEL]
                pair = make_pair(one.snapshot, content, target=self._target, run=run)
                if name in wanted:
                    raise errors.UsageError(f'claim "{name}" is restored from another already', hint="one by one: --to")
                different = difference(there[name], one) if name in there else ""
                if different:
                    raise errors.AlreadyExists(
                        f"{describe_claim(name)} in {self._target} exists already and was left alone: {different}",
                        hint="choose another name with --to or --suffix", status=409,
                    )
            except errors.PluginError as error:
                problems.append(Problem(subject, error))
                continue
            wanted[name], self._pairs[name] = one, pair
            if name in there:
                self._made[name] = there[name]
                self._progress.note(f"{describe_claim(name)} unchanged")
        return wanted

    def _restore(self, wanted: dict[str, Restoration], problems: list[Problem]) -> None:
        bounded, dry = self._cluster.within(self._deadline), self._cluster.dry_run.on
        unbound = {name: one for name, one in wanted.items() if not _is_bound(self._made.get(name))}
        for name in list(unbound):
            try:
                create_pair(bounded, self._pairs[name], self._progress)
            except errors.PluginError as error:
                problems.append(Problem(describe_snapshot(name_of(unbound.pop(name).snapshot)), error))
        pairs = [self._pairs[name] for name in unbound]
        outcomes = {} if dry else wait_for_pairs(
            self._cluster, pairs, target=self._target, deadline=self._deadline, progress=self._progress
        )
        for name in list(unbound):
            outcome = outcomes.get(self._pairs[name].name)
            if outcome and outcome.phase is not Phase.READY:
                problems.append(Problem(describe_snapshot(name_of(unbound.pop(name).snapshot)), errors.TimedOut(
                    f"it cannot be read in namespace {self._target}: {outcome.readiness.reason}",
                    hint="the same command again, with a longer --timeout",
                )))
        for name, one in list(unbound.items()):
            try:
                self._made[name] = self._made.get(name) or bounded.create(self._claim(name, one))
            except errors.PluginError as error:
                problems.append(Problem(describe_claim(name), error))
                del unbound[name]
        if unbound and self._request.wait and not dry:
            self._await(unbound, problems)

    def _claim(self, name: str, one: Restoration) -> Manifest:
        claim = copy.deepcopy(one.claim)
        claim["metadata"]["namespace"] = self._target
        claim["spec"]["dataSource"]["name"] = self._pairs[name].name
        self._progress.note(f"{describe_claim(name)} created in {self._target}{self._cluster.dry_run.suffix}")
        return claim

    def _await(self, unbound: dict[str, Restoration], problems: list[Problem]) -> None:
        late = [name for name, one in unbound.items() if one.on_first_use]
        outcomes: dict[str, Outcome] = {}
        at_once = [name for name in unbound if name not in late]
        if at_once:
            outcomes = wait_until_bound(
                self._cluster, at_once, namespace=self._target, deadline=self._deadline, progress=self._progress,
                text=f"waiting for restored claims in {self._target} to be Bound", first_use_will_do=True,
            )
        if late and self._request.bind:
            bound, unfit = bind_claims(
                self._cluster, [self._made[name] for name in late], namespace=self._target, run=self._run,
                image=self._request.image, deadline=self._deadline, progress=self._progress,
            )
            outcomes.update(bound)
            problems += unfit
        self._made.update({name: outcome.manifest for name, outcome in outcomes.items() if outcome.manifest})
        waiting = [self._made[name] for name in at_once if outcomes[name].phase is not Phase.READY]
        look = self._cluster.within(Deadline.after(10))
        explained = explain_claims(look, waiting, namespace=self._target) if waiting else {}
        for claim in waiting:
            lines = explained.get(name_of(claim)) or [outcomes[name_of(claim)].readiness.reason]
            problems.append(Problem(describe_claim(name_of(claim)), errors.TimedOut(
                f"not Bound after {format_duration(self._request.timeout)} (--timeout)"
                + "".join(f"\n    {line}" for line in lines), hint="the same command again goes on, and tidies up",
            )))
        self._idle = {name for name in late if not _is_bound(self._made.get(name))} if not self._request.bind else set()

    @property
    def _run(self) -> str:
        return str(next(iter(self._pairs.values())).snapshot["metadata"]["labels"][names.RUN_LABEL])

    def _tidy(self) -> None:
        """Removes each pair that no claim waits for; the controller would not let go of the others anyway."""
        if self._cluster.dry_run.on:
            return
        over = [pair.name for name, pair in self._pairs.items()
                if name not in self._made or _is_bound(self._made[name])]
        try:
            there = read_named(self._cluster.within(Deadline.after(TIDYING)), VOLUME_SNAPSHOT_CONTENT, over)
            remove_pairs(self._cluster, list(there), target=self._target, progress=self._progress)
        except (errors.ConnectionFailed, errors.Unavailable, errors.ServerAway) as error:
            self._progress.warn(f"{', '.join(over)} may still be there: {error.message}; when the server answers "
                                f"again: kubectl rwx cleanup -n {self._target}")

    def _verify_originals(self, snapshots: Sequence[Manifest], problems: list[Problem]) -> None:
        """The originals must be as they were; that nobody has to believe it, they are read again."""
        now = read_named(
            self._cluster.within(Deadline.after(30)), VOLUME_SNAPSHOT, [name_of(item) for item in snapshots],
            namespace=self._cluster.namespace,
        )
        for snapshot in snapshots:
            seen = now.get(name_of(snapshot))
            if seen is None or uid_of(seen) != uid_of(snapshot) or not is_ready(seen):
                problems.append(Problem(describe_snapshot(name_of(snapshot)), errors.NotReady(
                    "the original snapshot is no longer ready",
                    hint=f"kubectl rwx describe vs/{name_of(snapshot)} -n {self._cluster.namespace}",
                )))

    def _notes(self) -> tuple[str, ...]:
        left = sorted(name for name in self._made if not _is_bound(self._made[name]))
        if not left or self._cluster.dry_run.on:
            return ()
        return (
            f"{', '.join(describe_claim(name) for name in left)} in {self._target} is not filled yet, so "
            f"{', '.join(describe_snapshot(self._pairs[name].name) for name in left)} stays for it; when it is Bound, "
            "the same command again removes that, and so does kubectl rwx cleanup; --bind does it all at once",
        )

    def _interrupted(self) -> errors.Interrupted:
        left = [name for name in self._made if not _is_bound(self._made[name])]
        said = f"left in {self._target}, filled by themselves: {', '.join(left)}" if left else "no claim is unfilled"
        return errors.Interrupted(f"interrupted: {said}", hint="the same command again goes on, and tidies up")


def _is_bound(claim: Manifest | None) -> bool:
    return bool(claim) and bool(part_of(claim or {}, "status", "phase") == "Bound")
