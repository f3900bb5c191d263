"""What a restore answers: each step with its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oc_gsb.kasten.points import Point, point_item
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.reports import Column, Report, column


@dataclass(frozen=True)
class Step:
    """name: what was seen to. result: created, unchanged, complete, ready, verified, failed… detail: one line."""

    name: str
    result: str
    detail: str


@dataclass(frozen=True)
class Answer:
    """report: what to show. failure: what to raise afterwards; None when all went well."""

    report: Report
    failure: errors.PluginError | None = None


class Planned(Protocol):
    """What the answer tells of a plan."""

    @property
    def point(self) -> Point: ...

    @property
    def target(self) -> str: ...

    @property
    def known_from(self) -> str: ...


def answer_of(
    plan: Planned, steps: Sequence[Step], *, dry_run: DryRun, failure: errors.PluginError | None = None
) -> Answer:
    """The table of steps."""
    suffix = dry_run.suffix
    items = tuple({"step": one.name, "result": one.result, "detail": one.detail} for one in steps)
    columns = (column("STEP", "step"), Column("RESULT", lambda item: f"{item['result']}{suffix}"),
               column("DETAIL", "detail"))
    notes = (f"what the namespace needs was known from {plan.known_from}",) if plan.known_from else ()
    facts = {"restorePoint": dict(point_item(plan.point)), "targetNamespace": plan.target,
             "knownFrom": plan.known_from or None, "dryRun": dry_run.value}
    report = Report(kind="Restore", items=items, columns=columns, name=lambda item: str(item["step"]), facts=facts,
                    notes=notes)
    return Answer(report, failure)
