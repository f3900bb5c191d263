"""An answer as data: what every command returns and every output format shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Item = Mapping[str, Any]
"""One row: JSON-ready, camelCase keys, documented in docs/output.md."""


@dataclass(frozen=True)
class Column:
    """One table column. wide: only shown with -o wide. cell turns an item into its text."""

    title: str
    cell: Callable[[Item], str]
    wide: bool = False


def column(title: str, key: str, *, wide: bool = False) -> Column:
    """A column that shows item[key]: lists joined with a comma, booleans lower-case, None and "" as <none>."""

    def cell(item: Item) -> str:
        value = item.get(key)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, (list, tuple)):
            value = ",".join(str(part) for part in value)
        return "<none>" if value in (None, "") else str(value)

    return Column(title=title, cell=cell, wide=wide)


@dataclass(frozen=True)
class Section:
    """A further list of an answer, shown below its items, and in JSON under `key` ("": in the table only).

    columns: the table; with lines, each item is told in those lines of text instead (the first one unindented).
    """

    key: str
    title: str
    items: tuple[Item, ...]
    columns: tuple[Column, ...] = ()
    lines: Callable[[Item], tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Report:
    """The answer of one command.

    kind: the JSON kind, e.g. SnapshotList. facts: top-level fields beside items. name: what -o name prints for an item.
    empty: the sentence (on stderr) when there are no items. notes: sentences for stderr after the table. sections: what
    the answer holds besides the items; an empty one is left out of the table, not of the JSON.
    """

    kind: str
    items: tuple[Item, ...]
    columns: tuple[Column, ...]
    name: Callable[[Item], str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    empty: str = "No resources found."
    notes: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
