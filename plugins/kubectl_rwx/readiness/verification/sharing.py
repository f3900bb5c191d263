"""The second pod of a run, beside all that happens to snapshot, restore and clone: nobody waits for it before the end.

It reads what the first wrote and changed, and leaves a note that the first must see.
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from types import TracebackType

from kubectl_rwx.readiness.verification import scripts, steps
from kubectl_rwx.readiness.verification.comparisons import compare_attributes, compare_content, summarize
from kubectl_rwx.readiness.verification.objects import READER, SOURCE, WRITER
from kubectl_rwx.readiness.verification.scripts import Tree, read_note, read_tree
from kubectl_rwx.readiness.verification.stages import Stage
from kubectl_rwx.readiness.verification.steps import Halted, Step
from kubectl_rwx.readiness.verification.waits import Standing
from plugin_core.kube.waiting import Phase
from plugin_core.model.checks import Verdict

_NOTE = "from-reader"


class Sharing:
    """A context: the second pod is made when it is entered, and has been judged when it is left.

    It is left with Halted when the second pod cannot be judged; that it was hindered outweighs what else went wrong,
    since its row would count as a refusal to share.
    """

    def __init__(self, stage: Stage, *, writer_node: str) -> None:
        self._stage, self._writer_node = stage, writer_node
        self.reader_node = ""
        self._expected: Future[Tree] = Future()
        self._pool = ThreadPoolExecutor(max_workers=1)

    def expect(self, tree: Tree) -> None:
        """What the second pod is to see from now on. Never told: it does not look."""
        self._expected.set_result(tree)

    def __enter__(self) -> Sharing:
        pod = self._stage.objects.pod(READER, claim=SOURCE)
        self._made = self._pool.submit(self._stage.create, [pod])
        self._judged = self._pool.submit(self._judge)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._expected.cancel()
        try:
            if error is None or isinstance(error, Halted):
                if not self._judged.done():
                    self._stage.progress.phase("waiting for the second pod")
                own = self._judged.exception()
                if own and (error is None or (isinstance(own, Halted) and own.open_because)):
                    raise own from None
        finally:
            # after Ctrl-C nobody waits for its end, which comes with the pods; but what is made must be known
            self._pool.shutdown(wait=False, cancel_futures=True)
            wait([self._made])

    def _judge(self) -> None:
        stage = self._stage
        with stage.ledger.step(steps.NODES) as step:
            self._made.result()
            reader = stage.wait_for_pods({READER: SOURCE}, "")[READER]
            self.reader_node = reader.node
            self._judge_nodes(step, reader)
        if reader.phase is Phase.WAITING:
            raise Halted(timed_out=True)
        with suppress(CancelledError):
            self._read(reader, self._expected.result())

    def _judge_nodes(self, step: Step, reader: Standing) -> None:
        where = f"writer on {self._writer_node}, reader on {reader.node or 'no node'}"
        if not reader.ready and not reader.node:
            step.warn(f"the reader was not placed: {reader.reason}", "see --node-selector, --toleration")
        elif not reader.ready:
            what = "ReadWriteMany is accepted, and then refused on a second node" if self._writer_node != reader.node \
                else "a second pod cannot mount it"
            step.fail(f"{where}: {reader.reason}", f"{what}: applications would hang")
        elif self._stage.objects.request.shared and self._writer_node == reader.node:
            count = "there is one node for them" if self._stage.plan.nodes == 1 else "the scheduler placed them so"
            step.warn(f"both on {reader.node}: {count}; sharing between nodes was not tried",
                      "try it on a cluster with two nodes, or see --node-selector, --toleration")
        else:
            step.ok(where)

    def _read(self, reader: Standing, expected: Tree) -> None:
        stage, run = self._stage, self._stage.objects.run
        with stage.ledger.step(steps.CROSS_READ) as step:
            if not reader.ready:
                step.skip("there is no second pod that runs")
                return
            seen = read_tree(stage.execute(READER, scripts.READ_AND_NOTE, _NOTE, run, step=step))
            answer = read_note(stage.execute(WRITER, scripts.SHOW, _NOTE, step=step))
            content = compare_content(expected, seen)
            if content.verdict is not Verdict.OK:
                # a restore that overwrites its source does so for both, and has a row of its own
                expected = read_tree(stage.execute(WRITER, scripts.LIST, step=step))
                content = compare_content(expected, seen)
            attributes = summarize(compare_attributes(expected, seen), name=steps.CROSS_READ)
            if content.verdict is not Verdict.OK:
                step.fail(f"the reader sees other data than the writer wrote: {content.observed}", content.advice)
            elif answer != run:
                step.fail("the writer does not see what the reader wrote", "the volume is not shared")
            elif attributes.verdict is not Verdict.OK:
                step.warn(f"the reader sees {attributes.observed}", attributes.advice)
            else:
                step.ok(f"both ways; the reader sees {content.observed}, owners, modes and times too")
