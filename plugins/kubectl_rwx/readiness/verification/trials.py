"""One run of `verify`: make, write, read from elsewhere, snapshot, change, restore, clone, compare.

Four pods in two waits: writer and reader start with the claim, those of restore and clone together. Nothing is polled.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.protection.creation import create_together
from kubectl_rwx.readiness.verification import scripts, steps
from kubectl_rwx.readiness.verification.comparisons import (
    CONTENT,
    compare_attributes,
    compare_content,
    judge_leaks,
    summarize,
)
from kubectl_rwx.readiness.verification.objects import CLONE, CLONED, READER, RESTORE, RESTORED, SOURCE, WRITER
from kubectl_rwx.readiness.verification.plans import Plan
from kubectl_rwx.readiness.verification.scripts import Tree, read_tree
from kubectl_rwx.readiness.verification.steps import Halted, Ledger, Step
from kubectl_rwx.readiness.verification.waits import (
    DELETED,
    Standing,
    says_unsupported,
    wait_until_running,
    wait_until_snapshotted,
)
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Progress
from plugin_core.model.quantities import format_quantity
from plugin_core.storage.claims import size_at, source_of_claim
from plugin_core.storage.sizes import restore_size
from plugin_core.workloads.helper_pods import CONTAINER

_LONGEST_COMMAND = 300.0
FROM_READER, FROM_RESTORE, FROM_CLONE, FROM_SOURCE = "from-reader", "from-restore", "from-clone", "from-source"


class Trial:
    """run() fills the ledger; nodes: where writer and reader were. Removal is the caller's."""

    def __init__(self, cluster: Cluster, plan: Plan, *, deadline: Deadline, progress: Progress) -> None:
        self.ledger = Ledger()
        self.nodes: dict[str, str] = {}
        self._cluster, self._plan, self._progress = cluster.within(deadline), plan, progress
        self._deadline, self._objects = deadline, plan.objects
        self._before: Tree = {}
        self._changed: Tree = {}
        self._pods: dict[str, str] = {}

    def run(self) -> None:
        """Raises Halted when a step fails that all later ones need."""
        self._provision()
        if self._plan.choice is None:
            self.ledger.add(steps.SNAPSHOT, Verdict.FAIL, self._plan.no_snapshots,
                            "if the driver makes snapshots, create a VolumeSnapshotClass: kubectl rwx check "
                            f"{self._plan.objects.request.storage_class}")
            self._copy(snapshot=None)
            return
        self._copy(snapshot=self._snapshot())

    def _provision(self) -> None:
        objects, ledger = self._objects, self.ledger
        with ledger.step(steps.PROVISION) as step:
            self._create([objects.source_claim(), objects.pod(WRITER, claim=SOURCE), objects.pod(READER, claim=SOURCE)])
            standings = self._await({WRITER: SOURCE, READER: SOURCE}, "waiting for writer and reader to run")
            if standings[READER].ready and not standings[WRITER].ready:
                # whichever came first has the volume of a driver that refuses the second: let that one write
                self._pods = {WRITER: objects.name(READER), READER: objects.name(WRITER)}
                standings = {WRITER: standings[READER], READER: standings[WRITER]}
            writer, reader = standings[WRITER], standings[READER]
            self.nodes = {role: one.node for role, one in standings.items() if one.node}
            if not writer.ready:
                raise self._halt(step, writer)
            claim = self._claim(SOURCE)
            step.ok(f"Bound and mounted; {format_quantity(objects.request.size)} requested, "
                    f"{format_quantity(size_at(claim, 'status', 'capacity', 'storage'))} provisioned")
        self._judge_nodes(writer, reader)
        with ledger.step(steps.WRITE) as step:
            self._before = read_tree(self._execute(WRITER, scripts.WRITE, objects.run, step=step))
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
        elif self._objects.request.shared and writer.node == reader.node:
            count = "there is one node for them" if self._plan.nodes == 1 else "the scheduler placed them so"
            add(name, Verdict.WARN, f"both on {writer.node}: {count}; sharing between nodes was not tried",
                "try it on a cluster with two nodes, or see --node-selector, --toleration")
        else:
            add(name, Verdict.OK, where)

    def _cross_read(self, reader: Standing) -> None:
        with self.ledger.step(steps.CROSS_READ) as step:
            if not reader.ready:
                self._execute(WRITER, "sync", step=step)
                step.skip("there is no second pod that runs")
                return
            run = self._objects.run
            seen = read_tree(self._execute(READER, scripts.READ_AND_NOTE, FROM_READER, run, step=step))
            answer = self._execute(WRITER, scripts.SETTLE, FROM_READER, step=step)
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
        choice = self._plan.choice
        assert choice
        with self.ledger.step(steps.SNAPSHOT) as step:
            self._cluster.create(self._objects.snapshot(snapshot_class=choice.name))
            outcome = wait_until_snapshotted(
                self._cluster, self._objects.name(SOURCE), namespace=self._objects.namespace, deadline=self._deadline,
                patience=self._objects.request.patience, progress=self._progress,
            )
            if outcome.phase is not Phase.READY or outcome.manifest is None:
                raise step.halt(outcome.phase, outcome.readiness.reason,
                                timeout=format_duration(self._deadline.seconds))
            size = size_at(outcome.manifest, "status", "restoreSize")
            step.ok(f"ready, by class {choice.name} ({choice.reason}), restoreSize {format_quantity(size)}")
            return outcome.manifest

    def _copy(self, *, snapshot: Manifest | None) -> None:
        """Changes the source, then makes restore and clone at the same time, and compares each."""
        objects, source = self._objects, source_of_claim(self._claim(SOURCE))
        wanted: dict[str, tuple[str, Manifest]] = {}
        if snapshot:
            size = restore_size(snapshot_size=size_at(snapshot, "status", "restoreSize"), source=source)
            wanted[RESTORED] = RESTORE, objects.restored_claim(size=size)
        if objects.request.clone:
            wanted[CLONED] = CLONE, objects.cloned_claim(size=restore_size(snapshot_size=0, source=source))
        if not wanted:
            return
        with self.ledger.step(steps.RESTORE if snapshot else steps.CLONE) as step:
            self._changed = read_tree(self._execute(WRITER, scripts.CHANGE, f"{objects.run} changed", step=step))
            manifests = [claim for _, claim in wanted.values()]
            manifests += [objects.pod(role, claim=part) for role, (part, _) in wanted.items()]
            self._create(manifests)
            standings = self._await({role: part for role, (part, _) in wanted.items()},
                                    "waiting for restore and clone to be filled and mounted")
            if snapshot:
                self._say_copy(step, standings[RESTORED])
        if snapshot and standings[RESTORED].ready:
            self._judge_restore()
        if CLONED in standings:
            self._judge_clone(standings[CLONED], seconds=step.seconds)
        if any(standing.phase is Phase.WAITING for standing in standings.values()):
            raise Halted(timed_out=True)

    def _say_copy(self, step: Step, standing: Standing) -> None:
        if standing.ready:
            step.ok(f"Bound and mounted on {standing.node}")
        elif standing.phase is Phase.WAITING:
            step.fail(f"not ready after {format_duration(self._deadline.seconds)} (--timeout): {standing.reason}")
        else:
            step.fail(standing.reason)

    def _judge_restore(self) -> None:
        objects, ledger = self._objects, self.ledger
        with ledger.step(CONTENT) as step:
            text = self._execute(RESTORED, scripts.MARK, objects.run, FROM_RESTORE, step=step)
        restored = read_tree(text)
        ledger.extend([compare_content(self._before, restored, later=self._changed)])
        ledger.extend(compare_attributes(self._before, restored))
        self._judge_isolation(RESTORED, FROM_RESTORE, steps.ISOLATED, wrote=scripts.CANNOT_WRITE not in text)

    def _judge_isolation(self, role: str, mark: str, name: str, *, wrote: bool) -> None:
        """The copy wrote `mark` (or could not); now the source writes, and neither may see what the other wrote."""
        later = f"{FROM_SOURCE}-after-{role}"
        with self.ledger.step(name) as step:
            in_source = self._execute(WRITER, f"{scripts.SEES}\necho later > {scripts.TREE}/{later}\nsync", mark,
                                      step=step)
            in_copy = self._execute(role, scripts.SEES, later, step=step)
        if name == steps.ISOLATED:
            self.ledger.extend([self._judge_source(in_source, mark)])
        self.ledger.extend([judge_leaks(
            name, to_source=f"sees {mark}" in in_source, to_copy=f"sees {later}" in in_copy, wrote=wrote
        )])

    def _judge_source(self, listing: str, mark: str) -> Check:
        found = {path: entry for path, entry in read_tree(listing).items() if path != f"./{mark}"}
        unchanged = compare_content(self._changed, found)
        if unchanged.verdict is Verdict.OK:
            return Check(steps.SOURCE_KEPT, Verdict.OK, "its change after the snapshot is still there")
        return Check(steps.SOURCE_KEPT, Verdict.FAIL, f"the restore changed the source: {unchanged.observed}",
                     "restoring overwrites live data")

    def _judge_clone(self, standing: Standing, *, seconds: float) -> None:
        ledger = self.ledger
        if not standing.ready:
            if standing.phase is Phase.FAILED and says_unsupported(standing.reason):
                ledger.add(steps.CLONE, Verdict.SKIP, f"the driver does not clone: {standing.reason}",
                           "snapshot and restore instead", seconds=seconds)
            else:
                ledger.add(steps.CLONE, Verdict.FAIL, standing.reason, seconds=seconds)
            return
        if ledger.verdict_of(steps.CLONE) is None:
            ledger.add(steps.CLONE, Verdict.OK, f"Bound and mounted on {standing.node}", seconds=seconds)
        with ledger.step(steps.CLONE_DATA) as step:
            text = self._execute(CLONED, scripts.MARK, self._objects.run, FROM_CLONE, step=step)
        cloned = read_tree(text)
        checks = [compare_content(self._changed, cloned), *compare_attributes(self._changed, cloned)]
        ledger.extend([summarize(checks, name=steps.CLONE_DATA)])
        self._judge_isolation(CLONED, FROM_CLONE, steps.CLONE_ISOLATED, wrote=scripts.CANNOT_WRITE not in text)

    def _create(self, manifests: Sequence[Manifest]) -> None:
        made: list[Manifest] = []
        for result in create_together(self._cluster, manifests, made=made, tell=lambda manifest: None):
            if isinstance(result, errors.PluginError):
                raise result

    def _await(self, roles: dict[str, str], text: str) -> dict[str, Standing]:
        """Standings by role; roles: role → part of its claim's name."""
        objects = self._objects
        names = {objects.name(role): objects.name(part) for role, part in roles.items()}
        standings = wait_until_running(
            self._cluster, names, namespace=objects.namespace, labels=objects.selector, deadline=self._deadline,
            patience=objects.request.patience, progress=self._progress, text=text,
        )
        for name, standing in standings.items():
            if standing.reason == DELETED:
                raise errors.NotFound(f"pod/{name} was deleted by someone else", status=404)
        return {role: standings[objects.name(role)] for role in roles}

    def _claim(self, part: str) -> Manifest:
        return self._cluster.get(PERSISTENT_VOLUME_CLAIM, self._objects.name(part), namespace=self._objects.namespace)

    def _halt(self, step: Step, standing: Standing) -> Halted:
        return step.halt(standing.phase, standing.reason, timeout=format_duration(self._deadline.seconds))

    def _execute(self, role: str, script: str, *arguments: str, step: Step) -> str:
        """stdout of a script in a pod. What goes wrong in it is the step's failed row, and ends the run."""
        pod = self._pods.get(role, self._objects.name(role))
        done = self._cluster.execute(
            pod, ["sh", "-c", script, "sh", *arguments], namespace=self._objects.namespace, container=CONTAINER,
            seconds=max(1.0, min(self._deadline.left, _LONGEST_COMMAND)),
        )
        if done.exit_code:
            words = " ".join(done.stderr.split()) or f"exit code {done.exit_code}"
            denied = "ermission denied" in words
            step.fail(f"in the {role}: {words}", "the volume's root does not belong to the pod's group (no fsGroup on "
                      "this storage?): --run-as-user, or the class's permissions" if denied else "")
            raise Halted
        return done.stdout
