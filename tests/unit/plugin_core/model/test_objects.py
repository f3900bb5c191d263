"""Reading manifests, references and report columns, with what is absent absent."""

from __future__ import annotations

import pytest

from plugin_core.model.kinds import DEPLOYMENT, PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import (
    annotations_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    part_of,
    uid_of,
)
from plugin_core.model.refs import ObjectRef, Target, ref_to
from plugin_core.model.reports import column

FULL = {"metadata": {"name": "a", "namespace": "n", "uid": "u", "labels": {"x": "1"}, "annotations": {"y": "2"},
                     "deletionTimestamp": "2026-01-01T00:00:00Z"}}


@pytest.mark.parametrize("read, full, empty", [
    (name_of, "a", ""), (namespace_of, "n", ""), (uid_of, "u", ""), (labels_of, {"x": "1"}, {}),
    (annotations_of, {"y": "2"}, {}), (is_terminating, True, False),
])
def test_readers(read, full, empty):
    assert read(FULL) == full
    assert read({}) == empty
    assert read({"metadata": {}}) == empty


@pytest.mark.parametrize("read", [labels_of, annotations_of])
def test_null_is_empty(read):
    assert read({"metadata": {"labels": None, "annotations": None}}) == {}


@pytest.mark.parametrize("path, value", [
    (("a", "b"), 1), (("a",), {"b": 1}), (("x", "b"), None), (("a", "b", "c"), None), (("null", "b"), None), ((), ...),
])
def test_part_of(path, value):
    manifest = {"a": {"b": 1}, "null": None}
    assert part_of(manifest, *path) == (manifest if value is ... else value)


def test_references():
    assert str(ref_to(DEPLOYMENT, FULL)) == "deployment/a"
    assert ref_to(DEPLOYMENT, FULL) == ObjectRef("Deployment", "a", "n")
    assert str(Target(PERSISTENT_VOLUME_CLAIM, "data")) == "persistentvolumeclaim/data"


@pytest.mark.parametrize("value, text", [
    ("x", "x"), (3, "3"), (0, "0"), (True, "true"), (False, "false"), (None, "<none>"), ("", "<none>"),
    (["a", 1], "a,1"), ((), "<none>"), ([], "<none>"),
])
def test_cells(value, text):
    assert column("TITLE", "key").cell({"key": value}) == text


def test_a_missing_key_is_none():
    assert column("TITLE", "key").cell({}) == "<none>"
