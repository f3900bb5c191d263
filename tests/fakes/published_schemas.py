"""The schemas of docs/schemas, held against what the executables really print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
OUR_VERSIONS = ("kubectl-rwx/", "oc-gsb/")


def check_published(arguments: Sequence[str], stdout: str) -> None:
    """Holds the answer to a command line with -o json against its published schema; other answers pass.

    An answer of ours without a schema is an AssertionError, one that does not fit a ValidationError. What kubectl takes
    (a List of roles) is no document of ours.
    """
    pairs = list(zip(arguments, arguments[1:]))
    if not stdout.strip() or not {("-o", "json"), ("--output", "json")} & set(pairs):
        return
    document: dict[str, Any] = json.loads(stdout)
    if document.get("apiVersion", "").startswith(OUR_VERSIONS):
        validator(document["apiVersion"], document["kind"]).validate(document)


@lru_cache(maxsize=None)
def validator(api_version: str, kind: str) -> Any:
    """Of one kind of document, e.g. kubectl-rwx/v1 and SnapshotList."""
    plugin, version = api_version.split("/")
    path = SCHEMAS / f"{plugin}-{kind.lower()}.{version}.json"
    assert path.is_file(), f"{kind} of {api_version} has no schema {path.name} in docs/schemas"
    return jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
