"""One Report in every output format: table, wide, json, yaml, name. stdout carries nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence

from plugin_core.model.reports import Column, Item, Report

FORMATS = ("table", "wide", "json", "yaml", "name")

_GAP = "   "


def render(report: Report, *, output: str, api_version: str) -> str:
    """The text for stdout, with its last newline; "" for an empty table.

    output: one of FORMATS. api_version: the schema's version in json and yaml, e.g. "kubectl-rwx/v1".
    """
    if output in ("table", "wide"):
        return _blocks(report, wide=output == "wide")
    if output == "name":
        return "".join(f"{report.name(item)}\n" for item in report.items)
    items = [dict(item) for item in report.items]
    further = {section.key: [dict(item) for item in section.items] for section in report.sections if section.key}
    document = {"apiVersion": api_version, "kind": report.kind, **report.facts, "items": items, **further}
    writers: dict[str, Callable[[object], str]] = {"json": _json, "yaml": _yaml}
    return writers[output](document)


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


def _yaml(document: object) -> str:
    """The same data as _json: through JSON, so that enums are their values and nothing becomes an &alias."""
    import yaml

    plain = json.loads(json.dumps(document))
    return yaml.safe_dump(plain, sort_keys=False, default_flow_style=False, allow_unicode=True, width=math.inf)


def _blocks(report: Report, *, wide: bool) -> str:
    """The items, then each section under its title, with an empty line between."""
    blocks = [_table(report.items, report.columns, wide=wide)]
    for section in report.sections:
        if section.items:
            shown = (
                _told(section.items, section.lines) if section.lines
                else _table(section.items, section.columns, wide=wide)
            )
            blocks.append(f"{section.title}\n{shown}")
    return "\n".join(block for block in blocks if block)


def _told(items: Sequence[Item], lines_of: Callable[[Item], Sequence[str]]) -> str:
    told = [[one_line(line) for line in lines_of(item)] for item in items]
    return "".join("\n      ".join(lines) + "\n" for lines in told)


def _table(items: Sequence[Item], all_columns: Sequence[Column], *, wide: bool) -> str:
    """Aligned columns, one line an item whatever its cells hold; nothing is wrapped, cut or taken for markup."""
    if not items:
        return ""
    from rich.cells import cell_len

    columns = [column for column in all_columns if wide or not column.wide]
    lines = [[column.title for column in columns]]
    lines += [[one_line(column.cell(item)) for column in columns] for item in items]
    widths = [max(cell_len(cell) for cell in cells) for cells in zip(*lines)]
    return "".join(
        _GAP.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths)).rstrip() + "\n"
        for line in lines
    )


def one_line(text: str) -> str:
    """Line breaks and tabs as blanks; other control characters, which could drive the terminal, as escapes."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else letter.encode("unicode_escape").decode()
        for letter in text
    )
