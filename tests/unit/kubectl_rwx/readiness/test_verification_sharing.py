"""What the second pod of a run is asked, what it is not waited for, and whose failure counts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fakes.progress import Recorder
from kubectl_rwx.readiness.verification import scripts, steps
from kubectl_rwx.readiness.verification.scripts import read_tree
from kubectl_rwx.readiness.verification.sharing import Sharing
from kubectl_rwx.readiness.verification.stages import Stage
from kubectl_rwx.readiness.verification.steps import Halted, Hindered, Ledger, Step
from kubectl_rwx.readiness.verification.waits import Standing
from plugin_core import errors
from plugin_core.kube.waiting import Phase
from plugin_core.model.checks import Verdict

BEFORE = f"41ed 1:2 755 1 .\n81a4 1:2 644 1 ./text\n{'a' * 64}  ./text\n"
AFTER = BEFORE.replace("a" * 64, "b" * 64)
RUNS = Standing(Phase.READY, "node-b")


class FakeStage:
    """Answers the scripts of both pods; raised: what waiting for the second pod ends with.

    written: what the writer sees when it is asked again.
    """

    def __init__(
        self, *, reader: Standing = RUNS, sees: str = AFTER, note: str = "run1", raised: BaseException | None = None,
        making: Callable[[], None] = lambda: None, shared: bool = True, written: str = AFTER,
    ) -> None:
        self.ledger, self.progress, self.made = Ledger(), Recorder(), list[Any]()
        request = SimpleNamespace(shared=shared)
        self.objects = SimpleNamespace(run="run1", request=request, pod=lambda role, claim: (role, claim))
        self.plan = SimpleNamespace(nodes=2)
        self._reader, self._raised, self._making = reader, raised, making
        self._said = {("reader", scripts.READ_AND_NOTE): sees, ("writer", scripts.SHOW): f"note {note}\n",
                      ("writer", scripts.LIST): written}

    def create(self, manifests: Sequence[Any]) -> None:
        self._making()
        self.made += manifests

    def wait_for_pods(self, roles: dict[str, str], text: str) -> dict[str, Standing]:
        if self._raised:
            raise self._raised
        return {role: self._reader for role in roles}

    def execute(self, role: str, script: str, *arguments: str, step: Step) -> str:
        return self._said[role, script]


def sharing_on(stage: FakeStage) -> Sharing:
    return Sharing(cast(Stage, stage), writer_node="node-a")


@pytest.mark.parametrize(("stage", "verdict", "words"), [
    (FakeStage(), Verdict.OK, "both ways; the reader sees 1 files"),
    (FakeStage(sees=BEFORE), Verdict.FAIL, "the reader sees other data than the writer wrote"),
    (FakeStage(sees=BEFORE, written=BEFORE), Verdict.OK, "both ways; the reader sees 1 files"),
    (FakeStage(sees=""), Verdict.FAIL, "the reader sees other data than the writer wrote: it is empty"),
    (FakeStage(note=""), Verdict.FAIL, "the writer does not see what the reader wrote"),
    (FakeStage(sees=AFTER.replace("644", "600")), Verdict.WARN, "the reader sees mode"),
    (FakeStage(reader=Standing(Phase.FAILED, "node-b", "Multi-Attach error")), Verdict.SKIP, "no second pod"),
], ids=["shared", "old data", "overwritten for both", "nothing", "one way", "modes", "refused"])
def test_what_the_second_pod_sees(stage: FakeStage, verdict: Verdict, words: str) -> None:
    with sharing_on(stage) as sharing:
        sharing.expect(read_tree(AFTER))
    row, = [row for row in stage.ledger.rows if row.check.name == steps.CROSS_READ]
    assert row.check.verdict is verdict and words in row.check.observed
    assert stage.made == [("reader", "source")]


@pytest.mark.parametrize(("reader", "verdict", "words"), [
    (RUNS, Verdict.OK, "writer on node-a, reader on node-b"),
    (Standing(Phase.READY, "node-a"), Verdict.WARN, "both on node-a: the scheduler placed them so"),
    (Standing(Phase.FAILED, "", "Unschedulable"), Verdict.WARN, "the reader was not placed: Unschedulable"),
    (Standing(Phase.FAILED, "node-b", "Multi-Attach error"), Verdict.FAIL, "reader on node-b: Multi-Attach error"),
])
def test_where_the_second_pod_is(reader: Standing, verdict: Verdict, words: str) -> None:
    stage = FakeStage(reader=reader)
    with sharing_on(stage) as sharing:
        sharing.expect(read_tree(AFTER))
    assert stage.ledger.verdict_of(steps.NODES) is verdict
    assert words in stage.ledger.rows[0].check.observed
    assert sharing.reader_node == reader.node


def test_a_volume_for_one_node_is_tried_on_one() -> None:
    stage = FakeStage(reader=Standing(Phase.READY, "node-a"), shared=False)
    with sharing_on(stage) as sharing:
        sharing.expect(read_tree(AFTER))
    assert stage.ledger.verdict_of(steps.NODES) is Verdict.OK


@pytest.mark.parametrize("raised", [Hindered("ErrImagePull", "--image"), errors.Forbidden("exceeded quota")])
def test_a_second_pod_that_cannot_run_outweighs_what_else_failed(raised: Exception) -> None:
    """Else its row would count as a refusal to share."""
    with pytest.raises(Halted) as halted, sharing_on(FakeStage(raised=raised)):
        raise Halted
    assert halted.value.open_because


def test_a_second_pod_that_cannot_be_made_leaves_the_class_open() -> None:
    def refuse() -> None:
        raise errors.Forbidden("exceeded quota: pods=1")

    stage = FakeStage(making=refuse)
    with pytest.raises(Halted) as halted, sharing_on(stage) as sharing:
        sharing.expect(read_tree(AFTER))
    assert halted.value.open_because
    assert [row.check.observed for row in stage.ledger.rows] == ["exceeded quota: pods=1"]


def test_a_second_pod_that_still_starts_at_the_deadline_is_no_refusal() -> None:
    with pytest.raises(Halted) as halted, sharing_on(FakeStage(reader=Standing(Phase.WAITING, "node-b"))) as sharing:
        sharing.expect(read_tree(AFTER))
    assert halted.value.timed_out and halted.value.open_because


def test_the_second_pod_does_not_wait_for_a_write_that_failed() -> None:
    stage = FakeStage()
    with pytest.raises(Halted) as halted, sharing_on(stage):
        raise Halted
    assert not halted.value.open_because
    assert [row.check.name for row in stage.ledger.rows] == [steps.NODES]


def test_after_an_interrupt_only_its_making_is_waited_for() -> None:
    begun, going = threading.Event(), threading.Event()

    def make() -> None:
        begun.set()
        assert going.wait(10)

    stage = FakeStage(making=make)
    with pytest.raises(KeyboardInterrupt), sharing_on(stage):
        assert begun.wait(10)
        threading.Timer(0.05, going.set).start()
        raise KeyboardInterrupt
    assert stage.made, "what is in flight must be known to the cleanup"
    assert stage.ledger.rows == []
