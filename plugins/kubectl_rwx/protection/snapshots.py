"""Taking snapshots of claims as one set: read, refuse, create all at once, wait for all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.protection.claim_selection import find_claims, reading_verb
from kubectl_rwx.protection.creation import create_together
from kubectl_rwx.protection.diagnosis import explain_snapshots
from kubectl_rwx.protection.rights import Right, join_rights, missing_rights, require_rights
from kubectl_rwx.protection.set_names import LONGEST, generate_run, generate_set_name, is_dns_label, member_name
from kubectl_rwx.protection.snapshot_api import require_snapshot_api
from kubectl_rwx.protection.snapshot_plans import Member, Plan, Sight, plan_snapshots, tell_choices
from kubectl_rwx.protection.snapshot_reports import describe_snapshot, snapshot_report
from kubectl_rwx.protection.snapshot_waits import wait_until_ready
from kubectl_rwx.protection.source_claims import settle_claims
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
)
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress


@dataclass(frozen=True)
class SnapshotRequest:
    """What the user asked for. Exactly one of claims, selector and everything says of what.

    snapshot_class "": by the volume's driver. name "": generated. timeout: seconds for everything, waiting included.
    """

    claims: tuple[str, ...] = ()
    selector: str = ""
    everything: bool = False
    snapshot_class: str = ""
    name: str = ""
    timeout: float = 600.0
    wait: bool = True

    def __post_init__(self) -> None:
        ways = [bool(self.claims), bool(self.selector), self.everything]
        if sum(ways) != 1:
            what = "say what to snapshot" if not any(ways) else "claims, --selector and --all exclude each other"
            raise errors.UsageError(what, hint="name claims (pvc/NAME…), or -l LABELS, or --all")
        if self.name and not is_dns_label(self.name):
            raise errors.UsageError(
                f'--name "{self.name}" cannot be the name of a set',
                hint=f"use at most {LONGEST} lower-case letters, digits and dashes, a letter or digit at both ends",
            )
        if self.timeout <= 0:
            raise errors.UsageError("--timeout must be longer than 0", hint="not to wait at all: --no-wait")


def take_snapshots(cluster: Cluster, request: SnapshotRequest, progress: Progress) -> Answer:
    """Snapshots every claim asked for that can be, and says why the others cannot.

    Nothing is created when no claim can be. Under dry-run the report shows what would be created. Raises Interrupted
    after Ctrl-C, naming what remains, and any error that concerns the request as a whole.
    """
    deadline = Deadline.after(request.timeout)
    bounded, namespace = cluster.within(deadline), cluster.namespace
    require_snapshot_api(bounded)
    sight = _check_rights(bounded, request, progress)
    claims, problems = find_claims(bounded, namespace=namespace, names=request.claims, selector=request.selector)
    bound, unbound = settle_claims(
        bounded, claims, deadline=deadline, progress=progress, wait=request.wait and not cluster.dry_run.on
    )
    plan = plan_snapshots(bounded, bound, wanted_class=request.snapshot_class, sight=sight)
    plan.problems[:0] = [*problems, *unbound]
    if request.name:
        _refuse_existing_set(bounded, request.name)
    run = _Run(cluster, request, plan, deadline=deadline, progress=progress, asked=len(claims) + len(problems))
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


def _check_rights(cluster: Cluster, request: SnapshotRequest, progress: Progress) -> Sight:
    """Raises Forbidden when the request cannot be done; else what may be read of the cluster's scope."""
    namespace, count = cluster.namespace, len(request.claims)
    read_claims = reading_verb(count) if count else "list"
    needed = [Right(read_claims, PERSISTENT_VOLUME_CLAIM), Right("create", VOLUME_SNAPSHOT)]
    if request.wait and not cluster.dry_run.on:
        needed.append(Right("list", VOLUME_SNAPSHOT))
    require_rights(cluster, needed, namespace=namespace)
    volumes = Right(read_claims, PERSISTENT_VOLUME)
    classes = Right("get" if request.snapshot_class else "list", VOLUME_SNAPSHOT_CLASS)
    missing = missing_rights(cluster, [volumes, classes], namespace=namespace)
    if classes in missing and not request.snapshot_class:
        raise errors.Forbidden(
            f"without --class these rights are needed and missing: {join_rights(missing)}",
            hint="name the VolumeSnapshotClass with --class (ask an administrator which one fits)", status=403,
        )
    if missing:
        what = "whether the class fits the volume's driver is" if classes in missing else "non-CSI volumes are"
        progress.warn(f"{what} not checked: you may not {join_rights(missing)}")
    return Sight(volumes=volumes not in missing, classes=classes not in missing)


class _Run:
    """One run, from plan to answer. made: what exists by now, recorded as it comes to be."""

    def __init__(
        self, cluster: Cluster, request: SnapshotRequest, plan: Plan, *, deadline: Deadline, progress: Progress,
        asked: int,
    ) -> None:
        self._cluster, self._request, self._plan = cluster, request, plan
        self._deadline, self._progress = deadline, progress
        self._run, self._alone = generate_run(), asked == 1
        self._set = request.name or generate_set_name(
            name_of(plan.members[0].claim) if asked == 1 and plan.members else cluster.namespace
        )
        self._made: list[Manifest] = []

    def carry_out(self) -> Answer:
        members, problems = self._plan.members, list(self._plan.problems)
        if not members:
            return self._answer([], problems, done=0)
        tell_choices(members, self._progress)
        try:
            problems += self._create(members)
            if self._cluster.dry_run.on or not self._request.wait or not self._made:
                return self._answer(self._made, problems, done=len(self._made), notes=self._not_waited_for())
            return self._await(problems)
        except KeyboardInterrupt:
            self._say_what_remains()

    def _create(self, members: Sequence[Member]) -> list[Problem]:
        manifests = [
            member.manifest(
                name=member_name(self._set, name_of(member.claim), alone=self._alone), set_name=self._set, run=self._run
            )
            for member in members
        ]
        results = create_together(self._cluster.within(self._deadline), manifests, made=self._made, tell=self._tell)
        return [
            Problem(describe_snapshot(name_of(manifest)), _explain_refusal(result))
            for manifest, result in zip(manifests, results, strict=True)
            if isinstance(result, errors.PluginError)
        ]

    def _tell(self, snapshot: Manifest) -> None:
        self._progress.note(f"{describe_snapshot(name_of(snapshot))} created{self._cluster.dry_run.suffix}")

    def _await(self, problems: list[Problem]) -> Answer:
        try:
            outcomes = wait_until_ready(
                self._cluster, self._made, namespace=self._cluster.namespace, labels=f"{names.RUN_LABEL}={self._run}",
                deadline=self._deadline, progress=self._progress,
            )
        except (errors.ConnectionFailed, errors.Unavailable) as error:
            raise errors.TimedOut(
                f"{error.message}\nuntil --timeout {format_duration(self._request.timeout)} was over; "
                f"{_created(len(self._made), 'snapshot')} without us", hint=self._resume(),
            ) from error
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
            snapshots, problems=problems, facts={"set": self._set, "run": self._run} if snapshots else None, notes=notes
        )
        return Answer(report=report, failure=sum_up(problems, done=done, undone="claims have no ready snapshot"))

    def _which(self) -> str:
        """The snapshots of this run, as kubectl takes them."""
        if len(self._made) == 1:
            return f"vs/{name_of(self._made[0])} -n {self._cluster.namespace}"
        return f"vs -l {names.SET_LABEL}={self._set} -n {self._cluster.namespace}"

    def _resume(self) -> str:
        limit = format_duration(max(self._request.timeout, 600))
        return f"kubectl wait --for=jsonpath='{{.status.readyToUse}}'=true {self._which()} --timeout={limit}"

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
