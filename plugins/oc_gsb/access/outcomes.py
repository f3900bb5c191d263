"""What the writing scc verbs answer: one line for each object, and the failure that sets the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oc_gsb.sidecar.results import Answer
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import Kind
from plugin_core.model.reports import Column, Item, Report, column

CREATED, DELETED, UNCHANGED, CHANGED, REFUSED = "created", "deleted", "unchanged", "changed", "refused"


@dataclass(frozen=True)
class Outcome:
    """What became of one object. namespace: "" when cluster-scoped. message: why, "" when the result says it all."""

    kind: Kind
    name: str
    result: str
    namespace: str = ""
    message: str = ""
    hint: str = ""

    @property
    def target(self) -> str:
        return f"{self.kind.name.lower()}/{self.name}"


def answer_with(
    kind: str, outcomes: Sequence[Outcome], *, dry_run: DryRun, empty: str, notes: Iterable[str] = ()
) -> Answer:
    """kind: the JSON kind. A refused object makes it NotReady; some refused and some not, PartlyDone."""

    def shown(item: Item) -> str:
        return f"{item['result']}{dry_run.suffix}"

    report = Report(
        kind=kind, items=tuple(_item(one) for one in outcomes),
        columns=(column("OBJECT", "target"), column("NAMESPACE", "namespace"), Column("RESULT", shown),
                 column("MESSAGE", "message")),
        name=lambda item: str(item["target"]), facts={"dryRun": dry_run.value}, empty=empty,
        notes=tuple(dict.fromkeys(notes)),
    )
    return Answer(report, _failure(outcomes))


def _failure(outcomes: Sequence[Outcome]) -> errors.PluginError | None:
    bad = [one for one in outcomes if one.result == REFUSED]
    if not bad:
        return None
    hint = next((one.hint for one in bad if one.hint), "")
    message = "\n  ".join(f"{one.target} {one.result}: {one.message}" for one in bad)
    if len(bad) < len(outcomes):
        return errors.PartlyDone(message, hint=hint)
    return errors.NotReady(message, hint=hint)


def _item(outcome: Outcome) -> Item:
    return {"target": outcome.target, "kind": outcome.kind.name, "namespace": outcome.namespace or None,
            "name": outcome.name, "result": outcome.result, "message": outcome.message}
