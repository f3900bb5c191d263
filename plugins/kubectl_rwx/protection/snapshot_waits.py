"""Waiting for the snapshots of one run: one watch, errors shown live, an early end for known causes only."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kubectl_rwx.protection.bindings import first_reason
from kubectl_rwx.protection.claim_selection import read_named
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CLASS
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import claim_of, content_of, error_of, judge_snapshot

LOOK_EVERY = 5.0
"""Seconds between two looks at what a failing snapshot depends on."""


def wait_until_ready(
    cluster: Cluster, snapshots: Sequence[Manifest], *, namespace: str, labels: str, deadline: Deadline,
    progress: Progress,
) -> dict[str, Outcome]:
    """Where each snapshot stands when all are ready or failed, or the deadline has passed. labels: finds this run's."""
    names = [name_of(snapshot) for snapshot in snapshots]
    progress.phase(f"waiting for {_count(len(names), 'snapshot')} to be ready", total=len(names))
    causes = FatalCauses(cluster.within(deadline), namespace=namespace)

    def judge(snapshot: Manifest | None) -> Readiness:
        readiness = judge_snapshot(snapshot)
        if readiness.phase is Phase.WAITING and snapshot is not None and name_of(snapshot) in causes.found:
            return Readiness(Phase.FAILED, causes.found[name_of(snapshot)])
        return readiness

    def notify(outcomes: dict[str, Outcome]) -> None:
        waiting = {name: outcome for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING}
        causes.look([outcome.manifest for outcome in waiting.values() if outcome.manifest])
        progress.update(done=len(outcomes) - len(waiting), waiting_for=first_reason(_errors_first(waiting)))

    return wait_for(
        cluster, VOLUME_SNAPSHOT, names, namespace=namespace, judge=judge, deadline=deadline, labels=labels,
        notify=notify,
    )


class FatalCauses:
    """The causes no retry can mend, looked for while a snapshot reports an error: its class or its claim is gone.

    found: name of the snapshot → the observed cause. Everything else a driver says may pass, and is waited for.
    """

    def __init__(self, cluster: Cluster, *, namespace: str) -> None:
        self.found: dict[str, str] = {}
        self._cluster, self._namespace = cluster, namespace
        self._looked = float("-inf")

    def look(self, waiting: Sequence[Manifest]) -> None:
        """Reads classes and claims of failing snapshots, at most every LOOK_EVERY seconds, where that is allowed."""
        failing = [snapshot for snapshot in waiting if error_of(snapshot)]
        if not failing or time.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = time.monotonic()
        try:
            self._look_at_claims([snapshot for snapshot in failing if not content_of(snapshot)])
            self._look_at_classes(failing)
        except errors.Forbidden:
            return

    def _look_at_claims(self, uncut: Sequence[Manifest]) -> None:
        claims = read_named(
            self._cluster, PERSISTENT_VOLUME_CLAIM, [claim_of(snapshot) for snapshot in uncut],
            namespace=self._namespace,
        )
        for snapshot in uncut:
            if claim_of(snapshot) not in claims:
                self.found[name_of(snapshot)] = f"its claim {claim_of(snapshot)} was deleted"

    def _look_at_classes(self, failing: Sequence[Manifest]) -> None:
        wanted = {
            name_of(snapshot): str(part_of(snapshot, "spec", "volumeSnapshotClassName") or "") for snapshot in failing
        }
        names = sorted({name for name in wanted.values() if name})
        there = read_named(self._cluster, VOLUME_SNAPSHOT_CLASS, names)
        for snapshot, snapshot_class in wanted.items():
            if snapshot_class and snapshot_class not in there:
                self.found[snapshot] = f"VolumeSnapshotClass {snapshot_class} was deleted"


def _errors_first(waiting: dict[str, Outcome]) -> dict[str, Outcome]:
    """The same outcomes: what a driver complains about is worth more than what is merely not done yet."""
    return dict(sorted(waiting.items(), key=lambda item: not (item[1].manifest and error_of(item[1].manifest))))


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"
