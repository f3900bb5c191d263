"""The answer of `setup`: each object with what became of it, and the proof at the end."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.installation.snapshots import Installation
from kubectl_rwx.installation.steps import Change, Step
from plugin_core.model.manifests import namespace_of
from plugin_core.model.reports import Column, Item, Report, Section, column

KIND = "SetupList"


def setup_report(
    installation: Installation, *, dry_run: str = "", notes: Sequence[str] = (), proof: Report | None = None
) -> Report:
    """dry_run: the suffix of a dry run. proof: what `verify` found; None when it did not run."""
    items = tuple(_item(step) for step in installation.steps)
    facts = {"part": installation.part, "version": installation.version or None, "origin": installation.origin or None}
    section = Section("verification", "PROOF", tuple(proof.items) if proof else (), proof.columns if proof else ())
    return Report(
        kind=KIND, items=items, columns=_COLUMNS, facts=facts, sections=(section,),
        name=lambda item: str(item["object"]), empty=f"nothing of setup {installation.part} is installed",
        notes=(*([_summary(installation, dry_run)] if items else []), *installation.notes, *notes,
               *(proof.notes if proof else ())),
    )


def _item(step: Step) -> Item:
    return {"object": step.name, "namespace": namespace_of(step.manifest) or None, "change": step.change.value,
            "reason": step.reason or None}


def _summary(installation: Installation, dry_run: str) -> str:
    counts = {change: sum(step.change is change for step in installation.steps) for change in Change}
    told = ", ".join(f"{count} {change.value}" for change, count in counts.items() if count)
    version = f" {installation.version}" if installation.version else ""
    return f"setup {installation.part}{version}: {told}{dry_run}"


_COLUMNS = (
    column("OBJECT", "object"), Column("NAMESPACE", lambda item: str(item["namespace"] or "")),
    column("CHANGE", "change"), Column("REASON", lambda item: str(item["reason"] or "")),
)
