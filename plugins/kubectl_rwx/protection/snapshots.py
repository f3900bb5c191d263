"""Taking snapshots of claims as one set: read, refuse, create all at once, wait for all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from kubectl_rwx.diagnosis.explanations import explain_snapshots
from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.protection.claim_selection import describe_claim, find_claims
from kubectl_rwx.protection.creation import create_together
from kubectl_rwx.protection.cuts import hold_deadline, hold_until_cut
from kubectl_rwx.protection.group_snapshots import Group, plan_groups, take_group
from kubectl_rwx.protection.quiescing import hold_still
from kubectl_rwx.protection.set_names import LONGEST, generate_run, generate_set_name, member_name
from kubectl_rwx.protection.snapshot_api import require_snapshot_api
from kubectl_rwx.protection.snapshot_plans import Member, Plan, plan_snapshots, tell_choices
from kubectl_rwx.protection.snapshot_reports import describe_snapshot, snapshot_report
from kubectl_rwx.protection.snapshot_requests import SnapshotRequest
from kubectl_rwx.protection.snapshot_rights import check_rights
from kubectl_rwx.protection.snapshot_waits import wait_until_ready
from kubectl_rwx.protection.source_claims import settle_claims
from kubectl_rwx.protection.stillness import Hold, withdraw_promise
from kubectl_rwx.protection.workload_claims import find_workload_claims
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase, as_timeout
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress

TIDYING = 30.0
"""Seconds that the labels may take to be put right, however little of --timeout is left."""


def take_snapshots(cluster: Cluster, request: SnapshotRequest, progress: Progress) -> Answer:
    """Snapshots every claim asked for that can be, and says why the others cannot.

    Nothing is created when no claim can be. Under dry-run the report shows what would be created. Raises Interrupted
    after Ctrl-C, naming what remains, and any error that concerns the request as a whole.
    """
    deadline = Deadline.after(request.timeout)
    bounded, namespace = cluster.within(deadline), cluster.namespace
    require_snapshot_api(bounded)
    users, empty = find_workload_claims(bounded, request.workloads)
    asked = tuple(dict.fromkeys([*request.claims, *users]))
    sight = check_rights(bounded, request, progress, count=len(asked))
    if request.workloads and not asked:
        return Answer(snapshot_report([], problems=empty), sum_up(empty, done=0, undone="workloads have no claims"))
    claims, problems = find_claims(bounded, namespace=namespace, names=asked, selector=request.selector)
    problems = [*empty, *problems]
    bound, unbound = settle_claims(
        bounded, claims, deadline=deadline, progress=progress, wait=request.wait and not cluster.dry_run.on
    )
    plan = plan_snapshots(bounded, bound, wanted_class=request.snapshot_class, sight=sight)
    plan.problems[:0] = [*problems, *unbound]
    if request.name:
        _refuse_existing_set(bounded, request.name)
    run = _Run(
        cluster, request, plan, deadline=deadline, progress=progress, asked=len(claims) + len(problems), users=users
    )
    return run.carry_out()


def _refuse_existing_set(cluster: Cluster, name: str) -> None:
    """Raises AlreadyExists when a set of that name is there: a set is of one moment, nothing is added to it later."""
    try:
        there = cluster.list_all(VOLUME_SNAPSHOT, namespace=cluster.namespace, labels=f"{names.SET_LABEL}={name}").items
    except errors.Forbidden:
        return
    if there:
        raise errors.AlreadyExists(
            f'the snapshot set "{name}" exists already, with {len(there)} snapshots; nothing was done',
            hint=f"choose another --name, or see it with: kubectl rwx list -n {cluster.namespace}", status=409,
        )


class _Run:
    """One run, from plan to answer. made: what exists by now, recorded as it comes to be."""

    def __init__(
        self, cluster: Cluster, request: SnapshotRequest, plan: Plan, *, deadline: Deadline, progress: Progress,
        asked: int, users: Mapping[str, str],
    ) -> None:
        self._cluster, self._request, self._plan = cluster, request, plan
        self._deadline, self._progress = deadline, progress
        self._run, self._alone = generate_run(), asked == 1
        self._set = request.name or generate_set_name(
            name_of(plan.members[0].claim) if asked == 1 and plan.members else cluster.namespace
        )
        self._users, self._hold = users, Hold()
        self._made: list[Manifest] = []

    def carry_out(self) -> Answer:
        members, problems = self._plan.members, list(self._plan.problems)
        if not members:
            return self._answer([], problems, done=0)
        tell_choices(members, self._progress, quiesced=self._request.quiesce.on)
        try:
            problems += self._cut(members)
            if self._cluster.dry_run.on or not self._request.wait or not self._made:
                return self._answer(self._made, problems, done=len(self._made), notes=self._not_waited_for())
            return self._await(problems)
        except KeyboardInterrupt:
            self._say_what_remains()
        except (errors.ConnectionFailed, errors.Unavailable, errors.ServerAway) as error:
            told = as_timeout(error, deadline=self._deadline)
            if not self._made:
                raise told from error
            words = f"{told.message}; {_created(len(self._made), 'snapshot')} without us"
            raise type(told)(words, hint=self._resume()) from error

    def _cut(self, members: Sequence[Member]) -> list[Problem]:
        """Creates the snapshots while their writers stand still; what they promise is withdrawn when it was not so."""
        request, claims = self._request.quiesce, [name_of(member.claim) for member in members]
        bounded = self._cluster.within(self._deadline)
        groups, single = plan_groups(bounded, members, mode=self._request.group, progress=self._progress)
        problems: list[Problem] = []
        settled = False
        try:
            with hold_still(
                bounded, request, claims, run=self._run, why=f"snapshot {self._set}", deadline=self._deadline,
                progress=self._progress,
            ) as hold:
                self._hold = hold
                limit = hold_deadline(hold, self._deadline, timeout=request.freeze_timeout)
                problems += self._create_groups(groups, limit=limit) + self._create(single)
                if hold.on and self._made and not self._cluster.dry_run.on:
                    self._made = hold_until_cut(
                        self._cluster, hold, request, self._made, claims=claims, deadline=limit,
                        labels=f"{names.RUN_LABEL}={self._run}", progress=self._progress,
                    )
                settled = True
        finally:
            broken = self._hold.broken if settled else ["the command ended before the cut"]
            if self._hold.on and broken and self._made and not self._cluster.dry_run.on:
                self._withdraw("; ".join(broken))
        return problems + [Problem(f"set/{self._set}", errors.NotReady(words)) for words in self._hold.unforgiven]

    def _withdraw(self, why: str) -> None:
        """Must not hide why it is needed; a reader who knows how long the writers stood still can judge by himself."""
        try:
            self._made = withdraw_promise(self._cluster.within(Deadline.after(TIDYING)), self._made, why=why)
        except errors.PluginError as error:
            self._progress.warn(f"the snapshots of set {self._set} still say quiesced, which is not so: {why}; "
                                f"{error.message}")

    def _create_groups(self, groups: Sequence[Group], *, limit: Deadline) -> list[Problem]:
        problems = []
        for number, group in enumerate(groups):
            name = self._set if len(groups) == 1 else f"{self._set[:LONGEST - 3]}-{number + 1}"
            try:
                self._made += take_group(
                    self._cluster, group, name=name, set_name=self._set, run=self._run, made=self._manifest,
                    deadline=limit, progress=self._progress,
                )
            except errors.PluginError as error:
                problems += [Problem(describe_claim(name_of(member.claim)), error) for member in group.members]
        return problems

    def _manifest(self, member: Member) -> Manifest:
        claim = name_of(member.claim)
        manifest = member.manifest(
            name=member_name(self._set, claim, alone=self._alone), set_name=self._set, run=self._run
        )
        if claim in self._users:
            manifest["metadata"]["annotations"][names.SOURCE_WORKLOAD] = self._users[claim]
        return self._hold.annotate(manifest)

    def _create(self, members: Sequence[Member]) -> list[Problem]:
        manifests = [self._manifest(member) for member in members]
        results = create_together(self._cluster.within(self._deadline), manifests, made=self._made, tell=self._tell)
        return [
            Problem(describe_snapshot(name_of(manifest)), _explain_refusal(result))
            for manifest, result in zip(manifests, results, strict=True)
            if isinstance(result, errors.PluginError)
        ]

    def _tell(self, snapshot: Manifest) -> None:
        self._progress.note(f"{describe_snapshot(name_of(snapshot))} created{self._cluster.dry_run.suffix}")

    def _await(self, problems: list[Problem]) -> Answer:
        outcomes = wait_until_ready(
            self._cluster, self._made, namespace=self._cluster.namespace, labels=f"{names.RUN_LABEL}={self._run}",
            deadline=self._deadline, progress=self._progress,
        )
        ready = [name for name, outcome in outcomes.items() if outcome.phase is Phase.READY]
        problems += [
            Problem(describe_snapshot(name), errors.NotReady(outcome.readiness.reason))
            for name, outcome in outcomes.items() if outcome.phase is Phase.FAILED
        ]
        waiting = {name: outcome for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING}
        problems += self._explain_waiting(waiting)
        last_seen = {name_of(snapshot): snapshot for snapshot in self._made}
        last_seen.update({name: outcome.manifest for name, outcome in outcomes.items() if outcome.manifest})
        return self._answer(list(last_seen.values()), problems, done=len(ready))

    def _explain_waiting(self, waiting: dict[str, Outcome]) -> list[Problem]:
        """One problem for each snapshot that is not ready, with what was observed of the first few."""
        unready = [outcome.manifest for outcome in waiting.values() if outcome.manifest]
        look = self._cluster.within(Deadline.after(10))
        explained = explain_snapshots(look, unready, namespace=self._cluster.namespace) if unready else {}
        give_up = f"kubectl delete vs -n {self._cluster.namespace} {' '.join(list(waiting)[:10])}"
        said = f"not ready after {format_duration(self._request.timeout)} (--timeout)"
        return [
            Problem(
                describe_snapshot(name),
                errors.TimedOut(
                    said + "".join(f"\n    {line}" for line in explained.get(name, [])),
                    hint=f"{self._resume()}\n       to give up: {give_up}",
                ),
            )
            for name in waiting
        ]

    def _answer(
        self, snapshots: Sequence[Manifest], problems: Sequence[Problem], *, done: int, notes: tuple[str, ...] = ()
    ) -> Answer:
        report = snapshot_report(
            snapshots, problems=problems, notes=notes,
            facts={"set": self._set, "run": self._run, "quiesce": self._hold.facts} if snapshots else None,
        )
        return Answer(report=report, failure=sum_up(problems, done=done, undone="claims have no ready snapshot"))

    def _which(self) -> str:
        """The snapshots of this run, as kubectl takes them."""
        if len(self._made) == 1:
            return f"vs/{name_of(self._made[0])} -n {self._cluster.namespace}"
        return f"vs -l {names.SET_LABEL}={self._set} -n {self._cluster.namespace}"

    def _resume(self) -> str:
        limit = format_duration(max(self._request.timeout, 600))
        which = f"vs/{name_of(self._made[0])}" if len(self._made) == 1 else self._set
        return f"kubectl rwx wait {which} -n {self._cluster.namespace} --timeout={limit}"

    def _not_waited_for(self) -> tuple[str, ...]:
        if self._cluster.dry_run.on or not self._made:
            return ()
        return (f"not waited for; to wait: {self._resume()}",)

    def _say_what_remains(self) -> NoReturn:
        if not self._made:
            raise errors.Interrupted("interrupted: no snapshot was created") from None
        remaining = ", ".join(name_of(snapshot) for snapshot in self._made[:10])
        more = f" and {len(self._made) - 10} more" if len(self._made) > 10 else ""
        raise errors.Interrupted(
            f"interrupted: created and left in place, they become ready by themselves: {remaining}{more}",
            hint=f"{self._resume()}\n       to delete instead: kubectl delete {self._which()}",
        ) from None


def _created(number: int, noun: str) -> str:
    return f"1 {noun} was created and goes on" if number == 1 else f"{number} {noun}s were created and go on"


def _explain_refusal(error: errors.PluginError) -> errors.PluginError:
    if isinstance(error, errors.AlreadyExists):
        return errors.AlreadyExists(
            "it exists already and was left alone", hint="choose another --name, or see it with: kubectl rwx list",
            status=error.status, server_message=error.server_message,
        )
    return error
