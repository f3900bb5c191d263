"""The verdict table of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubectl_rwx.readiness.verification.plans import Plan
from kubectl_rwx.readiness.verification.steps import Row
from plugin_core.model.durations import format_duration
from plugin_core.model.quantities import format_quantity
from plugin_core.model.reports import Column, Item, Report, column

KIND = "Verification"


def verification_report(
    plan: Plan, rows: Sequence[Row], *, result: str, nodes: dict[str, str], seconds: float, kept: bool,
    left: Sequence[str] = (), notes: Sequence[str] = (),
) -> Report:
    """result: passed, failed, or planned for a dry run. left: what cleanup could not remove."""
    request, objects = plan.objects.request, plan.objects
    facts: dict[str, Any] = {
        "storageClass": request.storage_class, "driver": plan.driver, "accessMode": request.access_mode,
        "snapshotClass": plan.choice.name if plan.choice else None, "namespace": objects.namespace, "run": objects.run,
        "size": format_quantity(request.size), "image": request.pods.image, "nodes": nodes, "result": result,
        "seconds": round(seconds, 2), "kept": kept, "left": list(left),
    }
    return Report(
        kind=KIND, items=tuple(row_item(row) for row in rows), columns=_COLUMNS, facts=facts, empty="",
        name=lambda item: f"{item['step']}: {item['verdict']}", notes=tuple(notes),
    )


def row_item(row: Row) -> Item:
    check = row.check
    return {"step": check.name, "verdict": check.verdict.value, "observed": check.observed, "advice": check.advice,
            "seconds": row.seconds}


def _duration(item: Item) -> str:
    seconds = item["seconds"]
    return "" if seconds is None else format_duration(round(float(seconds), 1))


_COLUMNS = (
    column("STEP", "step"), column("VERDICT", "verdict"), Column("TIME", _duration), column("OBSERVED", "observed"),
    Column("ADVICE", lambda item: str(item["advice"])),
)
