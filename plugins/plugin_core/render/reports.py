"""One Report in every output format: table, wide, json, yaml, name. stdout carries nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from plugin_core.model.reports import Report

FORMATS = ("table", "wide", "json", "yaml", "name")

_GAP = "   "


def render(report: Report, *, output: str, api_version: str) -> str:
    """The text for stdout, with its last newline; "" for an empty table.

    output: one of FORMATS. api_version: the schema's version in json and yaml, e.g. "kubectl-rwx/v1".
    """
    if output in ("table", "wide"):
        return _table(report, wide=output == "wide")
    if output == "name":
        return "".join(f"{report.name(item)}\n" for item in report.items)
    items = [dict(item) for item in report.items]
    document = {"apiVersion": api_version, "kind": report.kind, **report.facts, "items": items}
    writers: dict[str, Callable[[object], str]] = {"json": _json, "yaml": _yaml}
    return writers[output](document)


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


def _yaml(document: object) -> str:
    """The same data as _json: through JSON, so that enums are their values and nothing becomes an &alias."""
    import yaml

    plain = json.loads(json.dumps(document))
    return yaml.safe_dump(plain, sort_keys=False, default_flow_style=False, allow_unicode=True, width=math.inf)


def _table(report: Report, *, wide: bool) -> str:
    """Aligned columns, one line an item whatever its cells hold; nothing is wrapped, cut or taken for markup."""
    if not report.items:
        return ""
    from rich.cells import cell_len

    columns = [column for column in report.columns if wide or not column.wide]
    lines = [[column.title for column in columns]]
    lines += [[one_line(column.cell(item)) for column in columns] for item in report.items]
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
