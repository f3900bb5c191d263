"""Reports in the five formats, letter by letter."""

from __future__ import annotations

import json

import pytest
import yaml

from plugin_core.model.checks import Verdict
from plugin_core.model.reports import Column, Report, column
from plugin_core.render.reports import FORMATS, one_line, render


def report(*items, **more):
    columns = (
        column("NAME", "name"), column("READY", "ready"), column("MODES", "modes", wide=True),
        Column("SIZE", lambda item: str(item.get("size", "<none>"))),
    )
    return Report("ThingList", items, columns, name=lambda item: f"thing/{item['name']}", **more)


TWO = report(
    {"name": "a", "ready": True, "modes": ["RWX", "RWO"], "size": "10Gi"},
    {"name": "much-longer", "ready": False, "modes": [], "size": "5Mi"}, facts={"class": "shared"},
)

GOLDEN = {
    "table": """\
NAME          READY   SIZE
a             true    10Gi
much-longer   false   5Mi
""",
    "wide": """\
NAME          READY   MODES     SIZE
a             true    RWX,RWO   10Gi
much-longer   false   <none>    5Mi
""",
    "name": "thing/a\nthing/much-longer\n",
    "yaml": """\
apiVersion: kubectl-rwx/v1
kind: ThingList
class: shared
items:
- name: a
  ready: true
  modes:
  - RWX
  - RWO
  size: 10Gi
- name: much-longer
  ready: false
  modes: []
  size: 5Mi
""",
    "json": """\
{
  "apiVersion": "kubectl-rwx/v1",
  "kind": "ThingList",
  "class": "shared",
  "items": [
    {
      "name": "a",
      "ready": true,
      "modes": [
        "RWX",
        "RWO"
      ],
      "size": "10Gi"
    },
    {
      "name": "much-longer",
      "ready": false,
      "modes": [],
      "size": "5Mi"
    }
  ]
}
""",
}


def shown(output, *items, **more):
    return render(report(*items, **more), output=output, api_version="kubectl-rwx/v1")


@pytest.mark.parametrize("output", FORMATS)
def test_golden(output):
    assert render(TWO, output=output, api_version="kubectl-rwx/v1") == GOLDEN[output]


@pytest.mark.parametrize("output, text", [
    ("table", ""), ("wide", ""), ("name", ""),
    ("yaml", "apiVersion: kubectl-rwx/v1\nkind: ThingList\nitems: []\n"),
    ("json", '{\n  "apiVersion": "kubectl-rwx/v1",\n  "kind": "ThingList",\n  "items": []\n}\n'),
])
def test_empty(output, text):
    assert shown(output) == text


@pytest.mark.parametrize("name", [
    "x" * 5000, "[bold red]not markup[/]", "[x]", ":smile:", "back\\slash", "ein Ümläut", "日本語",
])
def test_cells_are_neither_cut_nor_interpreted(name):
    lines = shown("table", {"name": name, "size": "1Gi"}, {"name": "-", "size": "2Gi"}).splitlines()
    assert len(lines) == 3
    assert lines[1].split("   ")[0].rstrip() == name


def test_wide_letters_keep_the_columns_in_line():
    lines = shown("table", {"name": "日本"}, {"name": "abcd"}).splitlines()
    assert lines == ["NAME   READY    SIZE", "日本   <none>   <none>", "abcd   <none>   <none>"]


@pytest.mark.parametrize("text, line", [
    ("plain", "plain"), ("two\nlines", "two lines"), ("a\tb\r", "a b "), ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
    ("\u202eevil", "\\u202eevil"),
])
def test_what_would_break_lines_or_drive_the_terminal(text, line):
    assert one_line(text) == line
    assert line.rstrip() in shown("table", {"name": "a", "size": text})


def test_yaml_and_json_hold_the_same_data():
    shared = ["RWX"]
    item = {"name": "a", "modes": shared, "again": shared, "verdict": Verdict.OK, "long": "word " * 100, "u": "ü",
            "tuple": (1, 2), "yes": "yes", "number": "1e3"}
    as_yaml, as_json = shown("yaml", item), shown("json", item)
    assert yaml.safe_load(as_yaml) == json.loads(as_json)
    assert "&id" not in as_yaml
    assert "u: ü\n" in as_yaml and "\n  long: " in as_yaml and as_yaml.count("\n  ") < 30


def test_many_rows_are_quick():
    text = shown("table", *({"name": f"row-{number}", "size": "1Gi"} for number in range(20_000)))
    assert text.count("\n") == 20_001
