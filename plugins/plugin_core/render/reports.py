"""One Report in every output format: table, wide, json, yaml, name. stdout carries nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

from plugin_core.model.reports import Report

FORMATS = ("table", "wide", "json", "yaml", "name")


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
    import yaml

    return yaml.safe_dump(document, sort_keys=False, default_flow_style=False)


def _table(report: Report, *, wide: bool) -> str:
    if not report.items:
        return ""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = [column for column in report.columns if wide or not column.wide]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    for column in columns:
        table.add_column(column.title, no_wrap=True)
    for item in report.items:
        table.add_row(*(Text(column.cell(item)) for column in columns))
    text = io.StringIO()
    Console(file=text, width=100_000, color_system=None).print(table)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
