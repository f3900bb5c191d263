"""The steps forward. Each looks at what is so and does what is missing; a repeat changes nothing."""

from __future__ import annotations

from kubectl_rwx.protection.bindings import wait_until_bound
from kubectl_rwx.protection.claim_selection import describe_claim, read_named
from kubectl_rwx.protection.consumers import bind_claims
from kubectl_rwx.protection.in_place.journals import (
    Journal,
    Replacement,
    Step,
    Stopped,
    erase_journal,
    record_step,
    require_journal,
)
from kubectl_rwx.protection.in_place.users import pods_using
from kubectl_rwx.protection.in_place.volumes import delete_claims, set_policies
from kubectl_rwx.protection.snapshot_reports import describe_snapshot
from kubectl_rwx.protection.snapshot_waits import wait_until_ready
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, labels_of, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.scaling import scale_back, scale_down, wait_until_back, wait_until_down
from plugin_core.workloads.templates import replicas_of

_NONE: Manifest = {"spec": {"replicas": 0}}
"""A workload that somebody deleted runs no pods."""


class Steps:
    """One run of the steps, from the journal's on."""

    def __init__(
        self, cluster: Cluster, journal: Journal, *, deadline: Deadline, progress: Progress, image: str = ""
    ) -> None:
        self._cluster, self._bounded = cluster, cluster.within(deadline)
        self._journal, self._deadline, self._progress, self._image = journal, deadline, progress, image
        self.bound: dict[str, Manifest] = {}

    def carry_out(self) -> None:
        """From the recorded step to the last; the journal is gone then. Raises what went wrong, journal in place."""
        actions = {
            Step.STOP: self.stop, Step.SAFETY: self._take_safety, Step.HOLD: self._hold, Step.REPLACE: self._replace,
            Step.START: self._start, Step.FINISH: self._finish,
        }
        order = list(actions)
        for step in order[order.index(self._journal.step):]:
            record_step(self._bounded, self._journal, step)
            self._progress.phase(step.words)
            actions[step]()
        erase_journal(self._bounded, self._journal)

    def stop(self) -> None:
        """Every workload has no pod any more, and nobody else uses the claims."""
        why = f"in-place restore of {', '.join(self._journal.claims)}"
        down = []
        for one in self._journal.workloads:
            found = self._workload(one)
            if found:
                down.append(scale_down(self._bounded, found, run=self._journal.run, why=why))
                self._progress.note(f"{one} scaled to 0")
        for workload in down:
            wait_until_down(self._bounded, workload, deadline=self._deadline, progress=self._progress)
        others = pods_using(self._bounded, self._journal.claims)
        if others:
            raise errors.NotReady(
                f"other pods use the claims: {', '.join(f'pod/{name_of(pod)}' for pod in others)}"
            )

    def _workload(self, one: Stopped) -> Manifest | None:
        """None when somebody deleted it meanwhile: then there is nothing to stop or start."""
        try:
            return self._bounded.get(one.of_kind, one.name, namespace=self._cluster.namespace)
        except errors.NotFound:
            self._progress.warn(f"{one} is gone")
            return None

    def _take_safety(self) -> None:
        for member in self._journal.members:
            try:
                self._bounded.create(member.safety)
                self._progress.note(f"{describe_snapshot(name_of(member.safety))} created for safety")
            except errors.AlreadyExists:
                there = self._bounded.get(VOLUME_SNAPSHOT, name_of(member.safety), namespace=self._cluster.namespace)
                if labels_of(there).get(names.RUN_LABEL) != self._journal.run:
                    raise
        outcomes = wait_until_ready(
            self._cluster, [member.safety for member in self._journal.members], namespace=self._cluster.namespace,
            labels=f"{names.RUN_LABEL}={self._journal.run}", deadline=self._deadline, progress=self._progress,
        )
        self._require(outcomes, "the safety snapshot is not ready")

    def _hold(self) -> None:
        set_policies(self._bounded, self._journal.members, policy="Retain")

    def _replace(self) -> None:
        there = self._claims()
        old = [member for member in self._journal.members
               if member.claim in there and there[member.claim]["metadata"]["uid"] == member.claim_uid]
        if old:
            require_journal(self._bounded, self._journal)
            self._require_still_down()
        delete_claims(
            self._cluster, {member.claim: member.claim_uid for member in old}, deadline=self._deadline,
            progress=self._progress,
        )
        for member in self._journal.members:
            self._create(member)
        at_once = [member.claim for member in self._journal.members if not member.late]
        if at_once:
            self._bind(at_once)

    def _require_still_down(self) -> None:
        """The last look before data goes: what was written since the safety snapshot would be lost.

        Raises NotReady when somebody (GitOps, an operator, a colleague after a crash) has started a workload again.
        """
        up = [str(one) for one in self._journal.workloads if replicas_of(self._workload(one) or _NONE)]
        up += [f"pod/{name_of(pod)}" for pod in pods_using(self._bounded, self._journal.claims)]
        if up:
            raise errors.NotReady(
                f"{', '.join(up)} was started again since the safety snapshot, and may have written since",
                hint="stop what starts it (pause the GitOps controller or operator), then run this again",
            )

    def _create(self, member: Replacement) -> None:
        try:
            self._bounded.create(member.replacement)
            self._progress.note(f"{describe_claim(member.claim)} created from vs/{member.snapshot}")
        except errors.AlreadyExists:
            there = self._bounded.get(PERSISTENT_VOLUME_CLAIM, member.claim, namespace=self._cluster.namespace)
            if labels_of(there).get(names.RUN_LABEL) != self._journal.run:
                raise errors.NotReady(
                    f"somebody else made a claim {member.claim} while it was being replaced; it was left alone"
                ) from None

    def _claims(self) -> dict[str, Manifest]:
        return read_named(
            self._bounded, PERSISTENT_VOLUME_CLAIM, self._journal.claims, namespace=self._cluster.namespace
        )

    def _bind(self, claims: list[str]) -> None:
        outcomes = wait_until_bound(
            self._cluster, claims, namespace=self._cluster.namespace, deadline=self._deadline,
            progress=self._progress, text="waiting for the restored claims to be Bound",
        )
        self._require(outcomes, "the restored claim is not Bound")

    def _require(self, outcomes: dict[str, Outcome], words: str) -> None:
        """Raises for the first that did not get there."""
        for name, outcome in outcomes.items():
            if outcome.phase is Phase.FAILED:
                raise errors.NotReady(f"{name}: {words}: {outcome.readiness.reason}")
            if outcome.phase is Phase.WAITING:
                limit = format_duration(self._deadline.seconds)
                raise errors.TimedOut(f"{name}: {words} after {limit} (--timeout): {outcome.readiness.reason}")

    def _start(self) -> None:
        """Workloads have their replicas again and are available; what binds on first use is Bound by them."""
        started = start_workloads(self._bounded, self._journal, self._progress)
        late = [member.claim for member in self._journal.members if member.late]
        pending = {name: claim for name, claim in self._claims().items()
                   if name in late and part_of(claim, "status", "phase") != "Bound"}
        if pending and pods_using(self._bounded, list(pending)):
            self._bind(list(pending))
        elif pending:
            outcomes, problems = bind_claims(
                self._cluster, list(pending.values()), namespace=self._cluster.namespace, run=self._journal.run,
                image=self._image, deadline=self._deadline, progress=self._progress,
            )
            if problems:
                raise problems[0].error
            self._require(outcomes, "the restored claim is not Bound")
        for workload in started:
            rollout = wait_until_back(self._bounded, workload, deadline=self._deadline, progress=self._progress)
            if rollout.phase is not Phase.READY:
                kind = errors.NotReady if rollout.phase is Phase.FAILED else errors.TimedOut
                raise kind(f"{workload['kind'].lower()}/{name_of(workload)} did not come back: {rollout.summary}")

    def _finish(self) -> None:
        set_policies(self._bounded, self._journal.members, policy="")
        self.bound = self._claims()


def start_workloads(cluster: Cluster, journal: Journal, progress: Progress) -> list[Manifest]:
    """Scales each back by its own record; those that are there, as the server has them now."""
    started = []
    for one in journal.workloads:
        try:
            back = scale_back(cluster, one.of_kind, one.name, namespace=cluster.namespace, run=journal.run)
        except errors.NotFound:
            progress.warn(f"{one} is gone")
            continue
        if back.others:
            progress.warn(f"{one} was scaled down by another run too, which will scale it back")
            continue
        progress.note(f"{one} scaled back to {back.replicas}")
        started.append(back.workload)
    return started
