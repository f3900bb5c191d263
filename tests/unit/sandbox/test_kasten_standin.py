"""The Kasten stand-in's pure parts: the selectors it serves, and the error shapes our digging is tested against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oc_gsb.kasten.failures import error_chain, innermost_errors
from sandbox.kasten.failures import as_status
from sandbox.kasten.kinds import CANCEL, CONTENT, POINT
from sandbox.kasten.store import Refused, Store, selects


@pytest.mark.parametrize("labels, fields, matches", [
    ("", "", True), ("a=1", "", True), ("a==1", "", True), ("a=2", "", False), ("a!=2", "", True), ("a", "", True),
    ("!a", "", False), ("!b", "", True), ("a in (1,2),!b", "", True), ("a notin (1)", "", False),
    ("", "metadata.name=x", True), ("", "metadata.name=y", False), ("", "metadata.namespace=n", True),
])
def test_selectors(labels: str, fields: str, matches: bool) -> None:
    item = {"metadata": {"name": "x", "namespace": "n", "labels": {"a": "1"}}}
    assert selects(labels, fields)(item) is matches


@pytest.mark.parametrize("shape", ["string", "object", "nested"])
def test_the_innermost_words_of_every_shape_are_found(shape: str) -> None:
    error = as_status(("outer", "middle", "inner words"), shape=shape)
    action: dict[str, Any] = {"status": {"error": error}}
    assert innermost_errors(action)[0].endswith("inner words")
    if shape != "string":
        assert error_chain(action)[0] == "outer" and error_chain(action)[-1] == "inner words"


def test_objects_outlive_the_process_and_are_never_changed_by_their_reader(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = store.create(POINT, {"metadata": {"generateName": "rp-"}, "spec": {}}, namespace="app")
    made["spec"]["changed"] = True
    name = made["metadata"]["name"]
    assert Store(tmp_path).get(POINT, name, namespace="app")["spec"] == {}
    with pytest.raises(Refused) as refusal:
        store.create(POINT, {"metadata": {"name": name}}, namespace="app")
    assert (refusal.value.status, refusal.value.reason) == (409, "AlreadyExists")
    store.create(CANCEL, {"metadata": {"name": "c"}}, namespace="app", keep=False)
    assert store.listed(CANCEL)[0] == []
    store.create(CONTENT, {"metadata": {"name": "c"}}, namespace="")
    assert [len(store.listed(POINT, namespace=where)[0]) for where in ("", "app", "other")] == [1, 1, 0]
    store.delete(POINT, name, namespace="app")
    assert Store(tmp_path).listed(POINT)[0] == []
