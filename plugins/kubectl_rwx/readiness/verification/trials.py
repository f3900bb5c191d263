"""One run of `verify`: make, write, read from elsewhere, snapshot, change, restore, clone, compare, grow.

Four pods: writer and reader start with the claim, and the first of them to run writes; the snapshot is taken while the
other starts and reads; the pods of restore and clone start together. Nothing is polled.
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress

from kubectl_rwx.readiness.verification import scripts, steps
from kubectl_rwx.readiness.verification.comparisons import compare_attributes, compare_content, summarize
from kubectl_rwx.readiness.verification.copies import Copies
from kubectl_rwx.readiness.verification.expansions import expand
from kubectl_rwx.readiness.verification.objects import READER, SOURCE, WRITER
from kubectl_rwx.readiness.verification.plans import Plan
from kubectl_rwx.readiness.verification.scripts import Tree, read_note, read_tree
from kubectl_rwx.readiness.verification.stages import Stage
from kubectl_rwx.readiness.verification.steps import Halted, Ledger, Step
from kubectl_rwx.readiness.verification.waits import Standing, wait_until_snapshotted
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.checks import Verdict
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Progress
from plugin_core.model.quantities import format_quantity
from plugin_core.storage.claims import size_at

FROM_READER = "from-reader"


class Trial:
    """run() fills the ledger; nodes: where writer and reader were. Removal is the caller's."""

    def __init__(self, cluster: Cluster, plan: Plan, *, deadline: Deadline, progress: Progress) -> None:
        self._stage = Stage(cluster, plan, deadline=deadline, progress=progress)
        self.nodes: dict[str, str] = {}
        self._claim: Manifest = {}
        self._before: Tree = {}
        self._writer = self._reader = Standing(Phase.WAITING)
        self._written: Future[None] = Future()
        self._seen: Tree | None = None
        self._reading_seconds = 0.0

    @property
    def ledger(self) -> Ledger:
        return self._stage.ledger

    def run(self) -> None:
        """Raises Halted when a step fails that all later ones need."""
        try:
            self._provision()
            snapshot = self._cut()
            copies = Copies(self._stage, self._before, claim=self._claim, snapshot=snapshot)
            self._judge_sharing(copies.change_source(note=FROM_READER))
            copies.make()
            if self._stage.objects.request.expand:
                expand(self._stage)
        finally:
            self._stage.close()

    def _provision(self) -> None:
        """Over when one of the two pods runs; the other is `_share`'s to wait for."""
        stage, objects = self._stage, self._stage.objects
        with self.ledger.step(steps.PROVISION) as step:
            pods = [objects.pod(role, claim=SOURCE) for role in (WRITER, READER)]
            stage.create([objects.source_claim(), *pods])
            standings = stage.wait_for_pods({role: SOURCE for role in (WRITER, READER)},
                                            "waiting for the first pod to run", first=True)
            if standings[READER].ready and not standings[WRITER].ready:
                # whichever came first has the volume of a driver that refuses the second: let that one write
                stage.pods = {WRITER: objects.name(READER), READER: objects.name(WRITER)}
                standings = {WRITER: standings[READER], READER: standings[WRITER]}
            self._writer, self._reader = standings[WRITER], standings[READER]
            if not self._writer.ready:
                self._say_nodes()
                stage.require_unhindered(self._writer)
                raise stage.halt(step, self._writer)
            self._claim = stage.read_claim(SOURCE)
            step.ok(f"Bound and mounted; {format_quantity(objects.request.size)} requested, "
                    f"{format_quantity(size_at(self._claim, 'status', 'capacity', 'storage'))} provisioned")

    def _write(self) -> None:
        with self.ledger.step(steps.WRITE) as step:
            self._before = read_tree(
                self._stage.execute(WRITER, scripts.WRITE, self._stage.objects.run, step=step))
            step.ok(f"{len(self._before)} entries by user {self._before['.'].owner}")
        self._written.set_result(None)

    def _share(self) -> None:
        """Waits for the second pod, which reads what was written and leaves a note."""
        with self.ledger.step(steps.NODES) as step:
            if self._reader.phase is Phase.WAITING:
                self._reader = self._stage.wait_for_pods({READER: SOURCE}, "")[READER]
            self._judge_nodes(step, self._writer, self._reader)
        self._say_nodes()
        with suppress(CancelledError):
            self._written.result()
            self._read()

    def _say_nodes(self) -> None:
        standings = {WRITER: self._writer, READER: self._reader}
        self.nodes = {role: one.node for role, one in standings.items() if one.node}

    def _cut(self) -> Manifest | None:
        """Writes, and takes the snapshot, while the second pod starts and reads; all is over when this ends."""
        pool = ThreadPoolExecutor(max_workers=1)
        sharing = pool.submit(self._share)
        try:
            self._write()
            snapshot = self._snapshot()
            sharing.result()
        except Halted:
            self._written.cancel()
            hindered = sharing.exception()
            if isinstance(hindered, Halted) and hindered.open_because:
                raise hindered from None
            if self._seen is not None:
                with self.ledger.step(steps.CROSS_READ) as step:
                    self._judge_sharing(read_note(self._stage.execute(WRITER, scripts.SHOW, FROM_READER, step=step)))
            raise
        finally:
            # after Ctrl-C nobody waits for it: it makes nothing, and ends with the pods
            self._written.cancel()
            pool.shutdown(wait=False)
        return snapshot

    def _judge_nodes(self, step: Step, writer: Standing, reader: Standing) -> None:
        where = f"writer on {writer.node}, reader on {reader.node or 'no node'}"
        if not reader.ready and not reader.node:
            step.warn(f"the reader was not placed: {reader.reason}", "see --node-selector, --toleration")
        elif not reader.ready:
            what = "ReadWriteMany is accepted, and then refused on a second node" if writer.node != reader.node else (
                "a second pod cannot mount it")
            step.fail(f"{where}: {reader.reason}", f"{what}: applications would hang")
        elif self._stage.objects.request.shared and writer.node == reader.node:
            count = "there is one node for them" if self._stage.plan.nodes == 1 else "the scheduler placed them so"
            step.warn(f"both on {writer.node}: {count}; sharing between nodes was not tried",
                      "try it on a cluster with two nodes, or see --node-selector, --toleration")
        else:
            step.ok(where)

    def _read(self) -> None:
        with self.ledger.step(steps.CROSS_READ) as step:
            if not self._reader.ready:
                step.skip("there is no second pod that runs")
                return
            self._seen = read_tree(self._stage.execute(
                READER, scripts.READ_AND_NOTE, FROM_READER, self._stage.objects.run, step=step))
            self._reading_seconds = step.seconds

    def _judge_sharing(self, answer: str) -> None:
        """answer: what the writer saw of the reader's note."""
        if self._seen is None:
            return
        content = compare_content(self._before, self._seen)
        attributes = summarize(compare_attributes(self._before, self._seen), name=steps.CROSS_READ)
        if content.verdict is not Verdict.OK:
            said = (Verdict.FAIL, f"the reader sees other data than the writer wrote: {content.observed}",
                    content.advice)
        elif answer != self._stage.objects.run:
            said = Verdict.FAIL, "the writer does not see what the reader wrote", "the volume is not shared"
        elif attributes.verdict is not Verdict.OK:
            said = Verdict.WARN, f"the reader sees {attributes.observed}", attributes.advice
        else:
            said = (Verdict.OK, f"both ways; the reader sees {content.observed}, owners, modes and times too", "")
        self.ledger.add(steps.CROSS_READ, *said, seconds=self._reading_seconds)

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
