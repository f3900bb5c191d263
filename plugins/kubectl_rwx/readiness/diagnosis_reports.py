"""The answer of `diagnose`: a row for each object, and below it the chain, link by link. Schema: docs/schemas/."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from kubectl_rwx.diagnosis.links import Chain, Verdict
from kubectl_rwx.protection.answers import Problem
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT
from plugin_core.model.reports import Column, Item, Report, Section, column

KIND = "DiagnosisList"
ALIKE = 2
"""Chains shown in full of those that break at the same link for the same reason; the others have their row."""

_PREFIXES = {kind.name: kind.prefix for kind in (VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM)}
_ORDER = list(Verdict)


def diagnosis_report(
    chains: Sequence[Chain], *, problems: Sequence[Problem], looked_at: int, where: str, stuck_only: bool,
    with_namespace: bool,
) -> Report:
    """looked_at: how many objects were, for the sentence when none of them is stuck."""
    items = tuple(_item(chain) for chain in chains)
    columns = (column("NAMESPACE", "namespace"), *_COLUMNS) if with_namespace else _COLUMNS
    empty = f"Nothing is stuck in {where}: {looked_at} snapshots and claims were looked at." if stuck_only else (
        "Nothing could be looked at.")
    return Report(
        kind=KIND, items=items, columns=columns, empty=empty, name=lambda item: f"{item['prefix']}/{item['name']}",
        facts={"lookedAt": looked_at, "problems": [problem.item for problem in problems]},
        sections=(Section(key="", title="CHAINS", items=_not_all_alike(items), lines=_lines),),
        notes=_notes(items),
    )


def _item(chain: Chain) -> dict[str, Any]:
    first = chain.first
    return {
        "kind": chain.kind, "prefix": _PREFIXES[chain.kind], "namespace": chain.namespace, "name": chain.name,
        "verdict": chain.verdict.value, "ready": chain.ready, "state": chain.state,
        "first": first.item if first else None, "links": [link.item for link in chain.links],
        "unseen": [link.name for link in chain.unseen], "events": list(chain.events),
    }


def _not_all_alike(items: Sequence[Item]) -> tuple[Item, ...]:
    """The first ALIKE of each kind of break: three hundred snapshots of one dead sidecar need not be told 300 times."""
    told: Counter[tuple[Any, ...]] = Counter()
    shown = []
    for item in items:
        first = item["first"] or {}
        likeness = (item["kind"], item["verdict"], first.get("link"), first.get("code"))
        told[likeness] += 1
        if told[likeness] <= ALIKE:
            shown.append(item)
    return tuple(shown)


def _notes(items: Sequence[Item]) -> tuple[str, ...]:
    hidden = len(items) - len(_not_all_alike(items))
    notes = [f"{hidden} more break as those above do; all chains: -o json"] if hidden else []
    if any(item["unseen"] for item in items):
        notes.append("not seen is not fine: kubectl rwx rbac diagnose --full prints the rights to see every link")
    return tuple(notes)


def _lines(item: Item) -> tuple[str, ...]:
    """The chain; after the first broken link why that matters and what mends it."""
    lines = [f"{item['kind'].lower()}/{item['name']} in {item['namespace']}: {item['state']}"]
    for link in item["links"]:
        lines.append(_line(link))
        if link == item["first"]:
            lines += [f"          why it matters: {link['matters']}"] if link["matters"] else []
            lines += [f"          $ {link['command']}"] if link["command"] else []
    if item["verdict"] == Verdict.UNKNOWN.value:
        lines.append("nothing that may be seen says why it is not ready")
    return (*lines, *(f"event     {words}" for words in item["events"]))


def _line(link: Item) -> str:
    doubt = "not proven: " if link["state"] == "suspect" else ""
    return f"{link['state']:<8}  {link['link']}: {doubt}{link['observed']} [{link['source']}]"


def _first(key: str) -> Any:
    return lambda item: str((item["first"] or {}).get(key) or "")


def _object(item: Item) -> str:
    return f"{item['kind'].lower()}/{item['name']}"


def _observed(item: Item) -> str:
    """Of the first broken link; of a healthy object, the link that is about itself."""
    if item["first"]:
        return str(item["first"]["observed"])
    own = (link["observed"] for link in item["links"] if link["link"] in ("snapshot", "volume"))
    return str(next(own, item["state"]))


_COLUMNS = (
    Column("OBJECT", _object), column("VERDICT", "verdict"), Column("LINK", _first("link")),
    Column("OBSERVED", _observed), Column("CODE", _first("code"), wide=True),
    Column("SOURCE", _first("source"), wide=True), Column("MEND", _first("command"), wide=True),
)
