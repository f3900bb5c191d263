"""Claims to be snapshotted, which may have no volume yet: waited for, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.diagnosis.explanations import explain_claims
from kubectl_rwx.protection.answers import Problem
from kubectl_rwx.protection.bindings import wait_until_bound
from kubectl_rwx.protection.claim_selection import describe_claim
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import STORAGE_CLASS
from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.names import SELECTED_NODE
from plugin_core.storage.claims import judge_binding
from plugin_core.storage.storage_classes import binds_on_first_use

GRACE = 60.0
"""Seconds that a claim without a volume may hold up those of its set that have one."""


def settle_claims(
    cluster: Cluster, claims: Sequence[Manifest], *, deadline: Deadline, progress: Progress, wait: bool
) -> tuple[list[Manifest], list[Problem]]:
    """The claims that are Bound, as last read, and a problem for each other.

    A snapshot asked for too early never becomes ready on some drivers, so unbound claims are waited for: until the
    deadline, or for GRACE seconds when others of the set are bound. Waiting for a first consumer is told at once.
    """
    standing = [(claim, judge_binding(claim)) for claim in claims]
    bound = {name_of(claim): claim for claim, readiness in standing if readiness.phase is Phase.READY}
    problems: dict[str, errors.PluginError] = {
        name_of(claim): errors.NotReady(readiness.reason)
        for claim, readiness in standing if readiness.phase is Phase.FAILED
    }
    pending = [claim for claim, readiness in standing if readiness.phase is Phase.WAITING]
    idle = _without_consumer(cluster, pending)
    problems.update({name_of(claim): _no_consumer(claim) for claim in idle})
    pending = [claim for claim in pending if claim not in idle]
    if pending and not wait:
        problems.update({name_of(claim): errors.NotReady("it is not Bound yet") for claim in pending})
    elif pending:
        limit = Deadline.after(min(GRACE, deadline.left)) if bound else deadline
        outcomes = wait_until_bound(
            cluster, [name_of(claim) for claim in pending], namespace=cluster.namespace, deadline=limit,
            progress=progress, text="waiting for claims to be Bound",
        )
        bound.update({name: outcome.manifest for name, outcome in outcomes.items()
                      if outcome.phase is Phase.READY and outcome.manifest})
        problems.update(_unbound(cluster, outcomes, waited=limit.seconds, flag=limit is deadline))
    order = [name_of(claim) for claim in claims]
    return (
        [bound[name] for name in order if name in bound],
        [Problem(describe_claim(name), problems[name]) for name in order if name in problems],
    )


def _without_consumer(cluster: Cluster, pending: Sequence[Manifest]) -> list[Manifest]:
    """Those whose class binds on first use and for which no pod has been placed yet."""
    if not pending:
        return []
    try:
        classes = cluster.list_all(STORAGE_CLASS).items
    except errors.Forbidden:
        return []
    late = {name_of(item) for item in classes if binds_on_first_use(item)}
    return [claim for claim in pending
            if part_of(claim, "spec", "storageClassName") in late and SELECTED_NODE not in annotations_of(claim)]


def _no_consumer(claim: Manifest) -> errors.NotReady:
    return errors.NotReady(
        f'it has no volume yet: its class "{part_of(claim, "spec", "storageClassName")}" waits for the first pod that '
        "uses it (WaitForFirstConsumer), so there is nothing to snapshot",
        hint="start a pod that mounts it, then run this again",
    )


def _unbound(
    cluster: Cluster, outcomes: dict[str, Outcome], *, waited: float, flag: bool
) -> dict[str, errors.PluginError]:
    found: dict[str, errors.PluginError] = {}
    limit = f"{format_duration(waited)}" + (" (--timeout)" if flag else ", while others of the set are")
    pending = [outcome.manifest for outcome in outcomes.values() if outcome.phase is Phase.WAITING and outcome.manifest]
    explained = explain_claims(cluster.within(Deadline.after(10)), pending, namespace=cluster.namespace)
    for name, outcome in outcomes.items():
        if outcome.phase is Phase.FAILED:
            found[name] = errors.NotReady(outcome.readiness.reason)
        elif outcome.phase is Phase.WAITING:
            lines = explained.get(name, [])
            found[name] = errors.TimedOut(
                f"not Bound after {limit}" + "".join(f"\n    {line}" for line in lines),
                hint=f"kubectl describe pvc {name} -n {cluster.namespace}",
            )
    return found
