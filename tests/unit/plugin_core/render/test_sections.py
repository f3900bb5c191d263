"""Answers with more than one list: below the items in a table, beside them in JSON."""

from __future__ import annotations

import json

from plugin_core.model.reports import Report, Section, column
from plugin_core.render.reports import render

REPORT = Report(
    kind="Answer", items=({"name": "a"},), columns=(column("NAME", "name"),), name=lambda item: str(item["name"]),
    sections=(
        Section(key="links", title="CHAIN", items=({"link": "api"},), columns=(column("LINK", "link"),)),
        Section(key="findings", title="FINDINGS", items=({"what": "one\ntwo"}, {"what": "three"}),
                lines=lambda item: (str(item["what"]), "more")),
        Section(key="nothing", title="NOTHING", items=()),
        Section(key="", title="IN WORDS", items=({"what": "told"},), lines=lambda item: (str(item["what"]),)),
    ),
)


def shown(output: str) -> str:
    return render(REPORT, output=output, api_version="kubectl-rwx/v1")


def test_a_table_shows_each_section_that_has_something() -> None:
    assert shown("table") == (
        "NAME\na\n"
        "\nCHAIN\nLINK\napi\n"
        "\nFINDINGS\none two\n      more\nthree\n      more\n"
        "\nIN WORDS\ntold\n"
    )


def test_json_has_every_section_under_its_key() -> None:
    document = json.loads(shown("json"))
    assert document["items"] == [{"name": "a"}]
    assert document["links"] == [{"link": "api"}]
    assert [item["what"] for item in document["findings"]] == ["one\ntwo", "three"]
    assert document["nothing"] == []
    assert "" not in document


def test_names_are_those_of_the_items_alone() -> None:
    assert shown("name") == "a\n"
