"""The innermost words of an error, in every shape Kasten and its stand-in give it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oc_gsb.kasten.failures import error_chain, innermost_errors

DEEP = {"message": "exit code 1"}
SUB_PHASES = {"message": "outer", "cause": {"message": "sub", "fields": [
    {"name": "appNamespace", "value": "shop"},
    {"name": "FailedSubPhases",
     "value": [{"Err": {"message": "first", "cause": DEEP}}, {"Err": {"message": "second"}}]},
]}}


@pytest.mark.parametrize("error, innermost", [
    (None, ()),
    ("", ()),
    ({}, ()),
    ({"message": "", "cause": ""}, ()),
    ("plain words", ("plain words",)),
    ({"message": "only a message", "cause": ""}, ("only a message",)),
    ({"message": "outer", "cause": {"message": "middle", "cause": DEEP}}, ("exit code 1",)),
    ({"message": "outer", "cause": json.dumps({"message": "middle", "cause": json.dumps(DEEP)})}, ("exit code 1",)),
    ({"message": json.dumps({"message": "outer", "cause": DEEP})}, ("exit code 1",)),
    ("Job failed: " + json.dumps({"message": "outer", "cause": DEEP}), ("exit code 1",)),
    ("broken {json", ("broken {json",)),
    ("[not json", ("[not json",)),
    (SUB_PHASES, ("exit code 1", "second")),
    ([{"message": "a"}, {"message": "b"}, {"message": "a"}], ("a", "b")),
    ({"cause": {"cause": {"cause": DEEP}}}, ("exit code 1",)),
    (42, ()),
])
def test_innermost(error: Any, innermost: tuple[str, ...]) -> None:
    assert innermost_errors({"status": {"error": error}}) == innermost


def test_chain_runs_from_outside_in_and_names_each_once() -> None:
    assert error_chain({"status": {"error": SUB_PHASES}}) == ("outer", "sub", "first", "exit code 1", "second")
    assert error_chain({}) == ()


def test_an_error_without_end_is_cut() -> None:
    nested: dict[str, Any] = DEEP
    for _ in range(500):
        nested = {"message": "again", "cause": nested}
    assert innermost_errors({"status": {"error": nested}}) == ("again",)
