"""One run of `verify`: make, write, snapshot, change, restore, clone, compare, grow; a second pod reads beside it.

Four pods: the second starts when the first runs, those of restore and clone start together. Nothing is polled.
"""

from __future__ import annotations

from kubectl_rwx.readiness.verification import scripts, steps
from kubectl_rwx.readiness.verification.copies import Copies
from kubectl_rwx.readiness.verification.expansions import expand
from kubectl_rwx.readiness.verification.objects import READER, SOURCE, WRITER
from kubectl_rwx.readiness.verification.plans import Plan
from kubectl_rwx.readiness.verification.scripts import Tree, read_tree
from kubectl_rwx.readiness.verification.sharing import Sharing
from kubectl_rwx.readiness.verification.stages import Stage
from kubectl_rwx.readiness.verification.steps import Halted, Ledger
from kubectl_rwx.readiness.verification.waits import wait_until_snapshotted
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.checks import Verdict
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Progress
from plugin_core.model.quantities import format_quantity
from plugin_core.storage.claims import size_at


class Trial:
    """run() fills the ledger; nodes: where writer and reader were. Removal is the caller's."""

    def __init__(self, cluster: Cluster, plan: Plan, *, deadline: Deadline, progress: Progress) -> None:
        self._stage = Stage(cluster, plan, deadline=deadline, progress=progress)
        self.nodes: dict[str, str] = {}

    @property
    def ledger(self) -> Ledger:
        return self._stage.ledger

    def run(self) -> None:
        """Raises Halted when a step fails that all later ones need."""
        stage = self._stage
        try:
            claim = self._provision()
            sharing = Sharing(stage, writer_node=self.nodes[WRITER])
            try:
                with sharing:
                    self._copy(sharing, claim)
            finally:
                self.nodes |= {READER: sharing.reader_node} if sharing.reader_node else {}
            if stage.objects.request.expand:
                expand(stage)
        finally:
            stage.close()

    def _provision(self) -> Manifest:
        """The claim, when the first pod runs."""
        stage, objects = self._stage, self._stage.objects
        with self.ledger.step(steps.PROVISION) as step:
            stage.create([objects.source_claim(), objects.pod(WRITER, claim=SOURCE)])
            writer = stage.wait_for_pods({WRITER: SOURCE}, "waiting for the first pod to run")[WRITER]
            self.nodes = {WRITER: writer.node} if writer.node else {}
            if not writer.ready:
                stage.require_unhindered(writer)
                raise stage.halt(step, writer)
            claim = stage.read_claim(SOURCE)
            step.ok(f"Bound and mounted; {format_quantity(objects.request.size)} requested, "
                    f"{format_quantity(size_at(claim, 'status', 'capacity', 'storage'))} provisioned")
        return claim

    def _copy(self, sharing: Sharing, claim: Manifest) -> None:
        before = self._write()
        try:
            snapshot = self._snapshot()
        except Halted:
            sharing.expect(before)
            raise
        copies = Copies(self._stage, before, claim=claim, snapshot=snapshot)
        sharing.expect(copies.change_source())
        copies.make()

    def _write(self) -> Tree:
        with self.ledger.step(steps.WRITE) as step:
            written = read_tree(self._stage.execute(WRITER, scripts.WRITE, self._stage.objects.run, step=step))
            step.ok(f"{len(written)} entries by user {written['.'].owner}")
        return written

    def _snapshot(self) -> Manifest | None:
        stage = self._stage
        choice = stage.plan.choice
        if not choice:
            self.ledger.add(steps.SNAPSHOT, Verdict.FAIL, stage.plan.no_snapshots,
                            "if the driver makes snapshots, create a VolumeSnapshotClass: kubectl rwx check "
                            f"{stage.objects.request.storage_class}")
            return None
        with self.ledger.step(steps.SNAPSHOT) as step:
            stage.cluster.create(stage.objects.snapshot(snapshot_class=choice.name))
            outcome = wait_until_snapshotted(
                stage.cluster, stage.objects.name(SOURCE), namespace=stage.objects.namespace, deadline=stage.deadline,
                patience=stage.objects.request.patience, progress=stage.progress,
            )
            if outcome.phase is not Phase.READY or outcome.manifest is None:
                raise step.halt(outcome.phase, outcome.readiness.reason,
                                timeout=format_duration(stage.deadline.seconds))
            size = size_at(outcome.manifest, "status", "restoreSize")
            step.ok(f"ready, by class {choice.name} ({choice.reason}), restoreSize {format_quantity(size)}")
            return outcome.manifest
