"""One run of `verify`: make, write, read from elsewhere, snapshot, change, restore, clone, compare, grow.

Four pods in two waits: writer and reader start with the claim, those of restore and clone together. Nothing is polled.
"""

from __future__ import annotations

from kubectl_rwx.readiness.verification import scripts, steps
from kubectl_rwx.readiness.verification.comparisons import compare_attributes, compare_content, summarize
from kubectl_rwx.readiness.verification.copies import Copies
from kubectl_rwx.readiness.verification.expansions import expand
from kubectl_rwx.readiness.verification.objects import READER, SOURCE, WRITER
from kubectl_rwx.readiness.verification.plans import Plan
from kubectl_rwx.readiness.verification.scripts import Tree, read_tree
from kubectl_rwx.readiness.verification.stages import Stage
from kubectl_rwx.readiness.verification.steps import Ledger
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
        self._before: Tree = {}

    @property
    def ledger(self) -> Ledger:
        return self._stage.ledger

    def run(self) -> None:
        """Raises Halted when a step fails that all later ones need."""
        plan, snapshot = self._stage.plan, None
        self._provision()
        if plan.choice is None:
            self.ledger.add(steps.SNAPSHOT, Verdict.FAIL, plan.no_snapshots,
                            "if the driver makes snapshots, create a VolumeSnapshotClass: kubectl rwx check "
                            f"{plan.objects.request.storage_class}")
        else:
            snapshot = self._snapshot()
        Copies(self._stage, self._before).make(snapshot=snapshot)
        if plan.objects.request.expand:
            expand(self._stage)

    def _provision(self) -> None:
        objects, ledger = self._stage.objects, self.ledger
        with ledger.step(steps.PROVISION) as step:
            pods = [objects.pod(role, claim=SOURCE) for role in (WRITER, READER)]
            self._stage.create([objects.source_claim(), *pods])
            standings = self._stage.wait_for_pods({role: SOURCE for role in (WRITER, READER)},
                                                  "waiting for writer and reader to run")
            if standings[READER].ready and not standings[WRITER].ready:
                # whichever came first has the volume of a driver that refuses the second: let that one write
                self._stage.pods = {WRITER: objects.name(READER), READER: objects.name(WRITER)}
                standings = {WRITER: standings[READER], READER: standings[WRITER]}
            writer, reader = standings[WRITER], standings[READER]
            self.nodes = {role: one.node for role, one in standings.items() if one.node}
            if not writer.ready:
                raise self._stage.halt(step, writer)
            claim = self._stage.read_claim(SOURCE)
            step.ok(f"Bound and mounted; {format_quantity(objects.request.size)} requested, "
                    f"{format_quantity(size_at(claim, 'status', 'capacity', 'storage'))} provisioned")
        self._judge_nodes(writer, reader)
        with ledger.step(steps.WRITE) as step:
            self._before = read_tree(self._stage.execute(WRITER, scripts.WRITE, objects.run, step=step))
            step.ok(f"{len(self._before)} entries by user {self._before['.'].owner}")
        self._cross_read(reader)

    def _judge_nodes(self, writer: Standing, reader: Standing) -> None:
        add, name = self.ledger.add, steps.NODES
        where = f"writer on {writer.node}, reader on {reader.node or 'no node'}"
        if not reader.ready and not reader.node:
            add(name, Verdict.WARN, f"the reader was not placed: {reader.reason}", "see --node-selector, --toleration")
        elif not reader.ready:
            what = "ReadWriteMany is accepted, and then refused on a second node" if writer.node != reader.node else (
                "a second pod cannot mount it")
            add(name, Verdict.FAIL, f"{where}: {reader.reason}", f"{what}: applications would hang")
        elif self._stage.objects.request.shared and writer.node == reader.node:
            count = "there is one node for them" if self._stage.plan.nodes == 1 else "the scheduler placed them so"
            add(name, Verdict.WARN, f"both on {writer.node}: {count}; sharing between nodes was not tried",
                "try it on a cluster with two nodes, or see --node-selector, --toleration")
        else:
            add(name, Verdict.OK, where)

    def _cross_read(self, reader: Standing) -> None:
        with self.ledger.step(steps.CROSS_READ) as step:
            if not reader.ready:
                self._stage.execute(WRITER, "sync", step=step)
                step.skip("there is no second pod that runs")
                return
            run = self._stage.objects.run
            seen = read_tree(self._stage.execute(READER, scripts.READ_AND_NOTE, FROM_READER, run, step=step))
            answer = self._stage.execute(WRITER, scripts.SETTLE, FROM_READER, step=step)
            content = compare_content(self._before, seen)
            attributes = summarize(compare_attributes(self._before, seen), name=steps.CROSS_READ)
            if content.verdict is not Verdict.OK:
                step.fail(f"the reader sees other data than the writer wrote: {content.observed}", content.advice)
            elif run not in answer:
                step.fail("the writer does not see what the reader wrote", "the volume is not shared")
            elif attributes.verdict is not Verdict.OK:
                step.warn(f"the reader sees {attributes.observed}", attributes.advice)
            else:
                step.ok(f"both ways; the reader sees {content.observed}, owners, modes and times too")

    def _snapshot(self) -> Manifest:
        stage = self._stage
        choice = stage.plan.choice
        assert choice
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
