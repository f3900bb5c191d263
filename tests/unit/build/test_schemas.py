"""docs/schemas: each is valid, says which document it is of, and is on a page; each kind of document has one."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from fakes.published_schemas import SCHEMAS, check_published
from kubectl_rwx.main import root as rwx
from oc_gsb.main import root as gsb
from unit.build.scripts import ROOT

FILES = sorted(SCHEMAS.glob("*.json"))
PAGES = {"kubectl-rwx": "output.md", "oc-gsb": "output-gsb.md"}
NOT_OURS = {"List"}
"""Documents for kubectl: the roles of rbac."""


def kinds_in(package: str) -> Iterator[str]:
    """The kinds of all reports the package makes: Report(kind="…"), or the first argument of answer_with("…")."""
    for path in (ROOT / "plugins" / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Report", "answer_with"):
                given = [word.value for word in node.keywords if word.arg == "kind"] or node.args[:1]
                yield from (one.value for one in given if isinstance(one, ast.Constant) and one.value)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_schema_is_valid_and_says_what_it_is_of(path: Path) -> None:
    schema = read(path)
    jsonschema.Draft202012Validator.check_schema(schema)
    found = re.fullmatch(r"(kubectl-rwx|oc-gsb)-([a-z]+)\.(v\d+)\.json", path.name)
    assert found, path.name
    properties = schema["properties"]
    assert properties["apiVersion"] == {"const": f"{found[1]}/{found[3]}"}
    assert properties["kind"]["const"].lower() == found[2]
    assert schema["$id"] == path.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_schema_is_linked_from_the_page_about_output(path: Path) -> None:
    page = PAGES["kubectl-rwx" if path.name.startswith("kubectl-rwx") else "oc-gsb"]
    assert f"(schemas/{path.name})" in (ROOT / "docs" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(("package", "plugin"), [("kubectl_rwx", "kubectl-rwx"), ("oc_gsb", "oc-gsb")])
def test_each_kind_of_report_has_a_schema(package: str, plugin: str) -> None:
    kinds = set(kinds_in(package)) - NOT_OURS
    assert len(kinds) > 2
    assert [kind for kind in sorted(kinds) if not (SCHEMAS / f"{plugin}-{kind.lower()}.v1.json").is_file()] == []


@pytest.mark.parametrize("group", [rwx, gsb])
def test_version_fits_its_schema(group: Any) -> None:
    done = CliRunner().invoke(group, ["version", "--client", "-o", "json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["items"]
    check_published(["version", "--client", "-o", "json"], done.stdout)


def test_an_answer_that_does_not_fit_or_has_no_schema_is_told() -> None:
    command = ["list", "-o", "json"]
    with pytest.raises(jsonschema.ValidationError):
        check_published(command, '{"apiVersion": "oc-gsb/v1", "kind": "ClusterId", "items": [{"no": "such key"}]}')
    with pytest.raises(AssertionError, match="Unheard of oc-gsb/v1 has no schema oc-gsb-unheard.v1.json"):
        check_published(command, '{"apiVersion": "oc-gsb/v1", "kind": "Unheard", "items": []}')
    check_published(command, '{"apiVersion": "v1", "kind": "List", "items": []}')
    check_published(["list"], "NAME\n")
