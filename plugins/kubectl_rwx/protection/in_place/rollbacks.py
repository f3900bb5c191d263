"""The way back: the old volumes bound again under the claims' names, the workloads as they were."""

from __future__ import annotations

import copy

from kubectl_rwx.protection.bindings import wait_until_bound
from kubectl_rwx.protection.claim_selection import read_named
from kubectl_rwx.protection.in_place.journals import Journal, Replacement, Step, erase_journal, record_step
from kubectl_rwx.protection.in_place.steps import Steps, start_workloads
from kubectl_rwx.protection.in_place.volumes import delete_claims, release_volume, set_policies
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, is_terminating, labels_of, name_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.scaling import wait_until_back

FIRST = 30.0
"""Seconds for which a server that is away is waited for before anything is put back."""


def roll_back(
    cluster: Cluster, journal: Journal, *, deadline: Deadline, progress: Progress, why: str = ""
) -> tuple[str, ...]:
    """Goes back from wherever the journal stands, and erases it. Returns what a reader should know besides.

    Raises what keeps it from going back; the journal then still says so, and a repeat goes on.
    """
    bounded = cluster.within(deadline)
    # the journal must say it, and a server that is away is told soon
    record_step(cluster.within(Deadline.after(FIRST)), journal, Step.BACK, why=why)
    progress.phase("going back")
    replaced = _replaced(bounded, journal)
    lost: list[str] = []
    if replaced:
        Steps(cluster, journal, deadline=deadline, progress=progress).stop()
        lost = _put_back(cluster, journal, replaced, deadline=deadline, progress=progress)
    set_policies(bounded, journal.members, policy="")
    notes = [f"the old volume of {claim} was gone: it was filled from the safety snapshot instead" for claim in lost]
    for workload in start_workloads(bounded, journal, progress):
        rollout = wait_until_back(bounded, workload, deadline=deadline, progress=progress)
        if rollout.phase is not Phase.READY:
            what = f"{workload['kind'].lower()}/{name_of(workload)}"
            notes.append(f"{what} has its replicas again, but: {rollout.summary}")
    if not lost:
        _drop_safety(bounded, journal)
    erase_journal(bounded, journal)
    return tuple(notes)


def _replaced(cluster: Cluster, journal: Journal) -> list[Replacement]:
    """The members whose old claim is gone, or is going and cannot be kept."""
    there = _claims(cluster, journal)
    return [
        member for member in journal.members
        if member.claim not in there or uid_of(there[member.claim]) != member.claim_uid
        or is_terminating(there[member.claim])
    ]


def _claims(cluster: Cluster, journal: Journal) -> dict[str, Manifest]:
    return read_named(cluster, PERSISTENT_VOLUME_CLAIM, journal.claims, namespace=cluster.namespace)


def _put_back(
    cluster: Cluster, journal: Journal, replaced: list[Replacement], *, deadline: Deadline, progress: Progress
) -> list[str]:
    """The replacements are deleted and the old volumes bound again; claims whose old volume is gone."""
    bounded, lost = cluster.within(deadline), []
    there = _claims(bounded, journal)
    going = {}
    for member in replaced:
        claim = there.get(member.claim)
        if claim is None or _is_back(claim, member):
            continue
        if uid_of(claim) != member.claim_uid and labels_of(claim).get(names.RUN_LABEL) != journal.run:
            raise errors.NotReady(
                f"somebody else made a claim {member.claim} meanwhile, so the old volume {member.volume} cannot be "
                "bound under that name", hint=f"delete or rename it, then go back: --in-place --rollback -n "
                                              f"{cluster.namespace}",
            )
        going[member.claim] = uid_of(claim)
    delete_claims(cluster, going, deadline=deadline, progress=progress)
    for member in replaced:
        if member.claim in there and _is_back(there[member.claim], member):
            continue
        original = copy.deepcopy(member.original)
        if not release_volume(bounded, member.volume, claim=member.claim):
            lost.append(member.claim)
            original["spec"].pop("volumeName", None)
            original["spec"]["dataSource"] = {**member.replacement["spec"]["dataSource"],
                                              "name": name_of(member.safety)}
            original["spec"].pop("dataSourceRef", None)
        try:
            bounded.create(original)
        except errors.AlreadyExists:
            continue
    outcomes = wait_until_bound(
        cluster, [member.claim for member in replaced], namespace=cluster.namespace, deadline=deadline,
        progress=progress, text="waiting for the claims to be Bound to their old volumes", first_use_will_do=True,
    )
    unbound = [f"{name}: {outcome.readiness.reason}" for name, outcome in outcomes.items()
               if outcome.phase is not Phase.READY]
    if unbound:
        raise errors.TimedOut(f"not Bound to their old volumes yet: {'; '.join(unbound)}")
    return lost


def _is_back(claim: Manifest, member: Replacement) -> bool:
    """Whether an earlier try has bound the old volume again already."""
    return part_of(claim, "spec", "volumeName") == member.volume and uid_of(claim) != member.claim_uid


def _drop_safety(cluster: Cluster, journal: Journal) -> None:
    """The data is back as it was: the safety snapshots are of no use, and are left to the controller to delete."""
    for member in journal.members:
        try:
            cluster.delete(VOLUME_SNAPSHOT, name_of(member.safety), namespace=cluster.namespace)
        except errors.NotFound:
            continue
