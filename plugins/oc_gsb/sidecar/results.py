"""What inject and uninject answer: an outcome for each workload, their table, and the failure that sets the exit code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import DryRun
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of
from plugin_core.model.reports import Column, Item, Report, column
from plugin_core.names import POD_SCC
from plugin_core.workloads.templates import kind_of, replicas_of
from plugin_core.workloads.waits import Rollout

INJECTED, REMOVED, UNCHANGED, SKIPPED = "injected", "uninjected", "unchanged", "skipped"
UPGRADED = "upgraded"
ROLLED_BACK, REFUSED, FAILED, NOT_STARTED = "rolled back", "refused", "failed", "not started"
_GOOD = frozenset({INJECTED, REMOVED, UNCHANGED, SKIPPED, UPGRADED})


@dataclass(frozen=True)
class Outcome:
    """What became of one workload.

    scc: that of its newest pods. ready: newest pods that are ready; None when nobody looked. pods: pods asked for.
    message: one line. problems: every reason, when there are several. exit_code: DONE for a good result. hint: the next
    command.
    """

    kind: str
    name: str
    namespace: str
    result: str
    scc: str = ""
    ready: int | None = None
    pods: int = 0
    image: str = ""
    message: str = ""
    problems: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.DONE
    hint: str = ""

    @property
    def target(self) -> str:
        return f"{self.kind.lower()}/{self.name}"

    @property
    def good(self) -> bool:
        return self.result in _GOOD


def outcome_of(
    workload: Manifest, result: str, *, rollout: Rollout | None = None, scc: str = "", **details: Any
) -> Outcome:
    """The outcome for a workload as last seen. rollout: where its pods stand; their SCC counts before `scc`."""
    newest = rollout.pods.newest if rollout else ()
    seen = sorted({annotations_of(pod).get(POD_SCC, "") for pod in newest} - {""})
    return Outcome(
        kind=kind_of(workload).name, name=name_of(workload), namespace=namespace_of(workload), result=result,
        scc=",".join(seen) or scc, ready=rollout.ready_pods if rollout else None, pods=replicas_of(workload), **details,
    )


def not_started_after(outcomes: Sequence[Outcome], workload: Manifest) -> Outcome | None:
    """The outcome of a workload whose turn an interrupt came before; None when nothing in outcomes was interrupted."""
    if all(outcome.exit_code is not ExitCode.INTERRUPTED for outcome in outcomes):
        return None
    return outcome_of(workload, NOT_STARTED, message="interrupted before its turn", exit_code=ExitCode.INTERRUPTED)


@dataclass(frozen=True)
class Answer:
    """report: what to show. failure: what to raise afterwards; None when all went well."""

    report: Report
    failure: errors.PluginError | None = None


def answer_with(
    kind: str, outcomes: Sequence[Outcome], *, dry_run: DryRun, empty: str, notes: Sequence[str] = ()
) -> Answer:
    """kind: the JSON kind of the report. empty: the sentence when no workload was selected. notes: see Report."""

    def shown(item: Item) -> str:
        return f"{item['result']}{dry_run.suffix}"

    columns = (
        column("WORKLOAD", "target"), column("NAMESPACE", "namespace", wide=True),
        Column("RESULT", shown), column("SCC", "scc"), Column("PODS", _pods),
        column("IMAGE", "image", wide=True), column("MESSAGE", "message"),
    )
    report = Report(
        kind=kind, items=tuple(_item(outcome) for outcome in outcomes), columns=columns,
        name=lambda item: str(item["target"]), facts={"dryRun": dry_run.value}, empty=empty, notes=tuple(notes),
    )
    return Answer(report, failure_of(outcomes))


def failure_of(outcomes: Sequence[Outcome]) -> errors.PluginError | None:
    """None when all is well; one workload's own failure; PartlyDone when some went well and some did not."""
    bad = [outcome for outcome in outcomes if not outcome.good]
    if not bad:
        return None
    interrupted = [outcome for outcome in bad if outcome.exit_code is ExitCode.INTERRUPTED]
    if len(outcomes) == 1:
        return _error(bad[0].exit_code, _sentence(bad[0]), bad[0].hint)
    codes = {outcome.exit_code for outcome in bad}
    code = ExitCode.INTERRUPTED if interrupted else ExitCode.PARTLY_DONE if len(bad) < len(outcomes) else (
        codes.pop() if len(codes) == 1 else ExitCode.FAILED)
    lines = "\n".join(f"  {_sentence(outcome)}" for outcome in bad)
    hints = dict.fromkeys(outcome.hint for outcome in bad if outcome.hint)
    return _error(code, f"{len(bad)} of {len(outcomes)} workloads not done:\n{lines}", next(iter(hints), ""))


def _sentence(outcome: Outcome) -> str:
    reasons = outcome.problems or (outcome.message,)
    if len(reasons) == 1:
        return f"{outcome.target} {outcome.result}: {reasons[0]}"
    return f"{outcome.target} {outcome.result}:" + "".join(f"\n    - {reason}" for reason in reasons)


def _error(code: ExitCode, message: str, hint: str) -> errors.PluginError:
    kinds: dict[ExitCode, type[errors.PluginError]] = {
        ExitCode.NOT_READY: errors.NotReady, ExitCode.TIMEOUT: errors.TimedOut, ExitCode.FORBIDDEN: errors.Forbidden,
        ExitCode.PARTLY_DONE: errors.PartlyDone, ExitCode.INTERRUPTED: errors.Interrupted,
    }
    return kinds.get(code, errors.PluginError)(message, hint=hint)


def _item(outcome: Outcome) -> Item:
    return {
        "target": outcome.target, "kind": outcome.kind, "namespace": outcome.namespace, "name": outcome.name,
        "result": outcome.result, "scc": outcome.scc or None, "ready": outcome.ready, "pods": outcome.pods,
        "image": outcome.image or None, "message": outcome.message, "problems": list(outcome.problems),
        "exitCode": int(outcome.exit_code), "hint": outcome.hint,
    }


def _pods(item: Item) -> str:
    return "<none>" if item["ready"] is None else f"{item['ready']}/{item['pods']}"
