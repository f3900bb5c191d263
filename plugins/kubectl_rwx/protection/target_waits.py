"""Waiting, again, for snapshots or claims that an earlier run left on their way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kubectl_rwx.diagnosis.explanations import explain_claims, explain_snapshots
from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.protection.bindings import wait_until_bound
from kubectl_rwx.protection.claim_selection import describe_claim, read_named
from kubectl_rwx.protection.restore_reports import Restored, restore_report
from kubectl_rwx.protection.rights import Right, require_rights
from kubectl_rwx.protection.snapshot_reports import describe_snapshot, snapshot_report
from kubectl_rwx.protection.snapshot_selection import Chosen, choose, find_snapshots
from kubectl_rwx.protection.snapshot_waits import wait_until_ready
from plugin_core import errors, names
from plugin_core.cli.targets import parse_targets
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase, as_timeout
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.storage.claims import source_snapshot_of


@dataclass(frozen=True)
class WaitRequest:
    """Either chosen snapshots, or claims by name. timeout: seconds."""

    chosen: Chosen | None = None
    claims: tuple[str, ...] = ()
    timeout: float = 600.0

    def __post_init__(self) -> None:
        if self.timeout <= 0:
            raise errors.UsageError("--timeout must be longer than 0")


def wait_request(words: tuple[str, ...], *, timeout: float) -> WaitRequest:
    """From the command line: SET, vs/NAME…, or pvc/NAME…; not snapshots and claims at once. Raises UsageError."""
    if len(words) == 1 and "/" not in words[0]:
        return WaitRequest(chosen=choose(words), timeout=timeout)
    targets = parse_targets(words, allowed=[VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM])
    if len({target.kind for target in targets}) > 1:
        raise errors.UsageError("either snapshots or claims, not both", hint="wait for the one, then for the other")
    if targets[0].kind == VOLUME_SNAPSHOT:
        return WaitRequest(chosen=Chosen(snapshots=tuple(target.name for target in targets)), timeout=timeout)
    return WaitRequest(claims=tuple(target.name for target in targets), timeout=timeout)


def wait(cluster: Cluster, request: WaitRequest, progress: Progress) -> Answer:
    """Returns when all are ready (or Bound, or wait for their first consumer); changes nothing, so repeat it freely."""
    deadline = Deadline.after(request.timeout)
    try:
        if request.chosen:
            return _wait_for_snapshots(cluster, request.chosen, deadline, progress)
        return _wait_for_claims(cluster, request.claims, deadline, progress)
    except KeyboardInterrupt:
        raise errors.Interrupted("interrupted: nothing was changed, and what was waited for goes on") from None
    except (errors.ConnectionFailed, errors.Unavailable) as error:
        raise as_timeout(error, deadline=deadline) from error


def _wait_for_snapshots(cluster: Cluster, chosen: Chosen, deadline: Deadline, progress: Progress) -> Answer:
    bounded, namespace = cluster.within(deadline), cluster.namespace
    require_rights(bounded, [chosen.right, Right("list", VOLUME_SNAPSHOT)], namespace=namespace)
    snapshots, problems = find_snapshots(bounded, chosen)
    labels = f"{names.SET_LABEL}={chosen.set_name}" if chosen.set_name else ""
    outcomes = wait_until_ready(
        cluster, snapshots, namespace=namespace, labels=labels, deadline=deadline, progress=progress
    )
    waiting = [outcome.manifest for outcome in outcomes.values() if outcome.phase is Phase.WAITING and outcome.manifest]
    look = cluster.within(Deadline.after(10))
    explained = explain_snapshots(look, waiting, namespace=namespace) if waiting else {}
    problems += _problems(outcomes, explained, describe_snapshot, state="ready", deadline=deadline)
    last_seen = [outcomes[name_of(item)].manifest or item for item in snapshots]
    done = sum(outcome.phase is Phase.READY for outcome in outcomes.values())
    report = snapshot_report(last_seen, problems=problems)
    return Answer(report, sum_up(problems, done=done, undone="snapshots are not ready"))


def _wait_for_claims(cluster: Cluster, wanted: tuple[str, ...], deadline: Deadline, progress: Progress) -> Answer:
    bounded, namespace = cluster.within(deadline), cluster.namespace
    require_rights(
        bounded, [Right("get", PERSISTENT_VOLUME_CLAIM), Right("list", PERSISTENT_VOLUME_CLAIM)], namespace=namespace
    )
    there = read_named(bounded, PERSISTENT_VOLUME_CLAIM, wanted, namespace=namespace)
    problems = [Problem(describe_claim(name), errors.NotFound(
        f'it does not exist in namespace "{namespace}"', status=404, hint=f"kubectl get pvc -n {namespace}",
    )) for name in wanted if name not in there]
    outcomes = wait_until_bound(
        cluster, list(there), namespace=namespace, deadline=deadline, progress=progress,
        text="waiting for claims to be Bound", first_use_will_do=True,
    )
    waiting = [outcome.manifest for outcome in outcomes.values() if outcome.phase is Phase.WAITING and outcome.manifest]
    look = cluster.within(Deadline.after(10))
    explained = explain_claims(look, waiting, namespace=namespace) if waiting else {}
    problems += _problems(outcomes, explained, describe_claim, state="Bound", deadline=deadline)
    rows = [_row(name, outcome, there[name]) for name, outcome in outcomes.items()]
    done = sum(outcome.phase is Phase.READY for outcome in outcomes.values())
    report = restore_report(rows, problems=problems)
    return Answer(report, sum_up(problems, done=done, undone="claims are not Bound"))


def _row(name: str, outcome: Outcome, before: Manifest) -> Restored:
    claim = outcome.manifest or before
    bound = part_of(claim, "status", "phase") == "Bound"
    return Restored(claim=claim, source=source_snapshot_of(claim), change="unchanged",
                    waits_for_consumer=outcome.phase is Phase.READY and not bound)


def _problems(
    outcomes: Mapping[str, Outcome], explained: Mapping[str, list[str]], describe: Callable[[str], str], *, state: str,
    deadline: Deadline,
) -> list[Problem]:
    problems = []
    for name, outcome in outcomes.items():
        if outcome.phase is Phase.FAILED:
            problems.append(Problem(describe(name), errors.NotReady(outcome.readiness.reason)))
        elif outcome.phase is Phase.WAITING:
            lines = explained.get(name) or [outcome.readiness.reason]
            problems.append(Problem(describe(name), errors.TimedOut(
                f"not {state} after {format_duration(deadline.seconds)} (--timeout)"
                + "".join(f"\n    {line}" for line in lines), hint="the same command again, with a longer --timeout",
            )))
    return problems
