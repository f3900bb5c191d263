from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.workloads import workload
from kubectl_rwx.protection.thawing import ThawRequest, thaw
from plugin_core.names import SCALE_RECORD
from plugin_core.render.reports import render

SCHEMA = Path(__file__).parents[4] / "docs" / "schemas" / "kubectl-rwx-thawlist.v1.json"
RECORD = {"replicas": 3, "run": "r1", "since": "2026-01-01T00:00:00Z", "why": "snapshot a"}


@pytest.mark.parametrize("annotations, done", [
    ({SCALE_RECORD: json.dumps(RECORD)}, ["scaled back to 3"]), ({SCALE_RECORD: "?"}, []), ({}, []),
])
def test_the_answer_is_as_documented(annotations: dict[str, str], done: list[str]) -> None:
    cluster = FakeCluster([workload(replicas=0, annotations=annotations)], expect=["patch deployments.apps"])
    cluster.list_all = _only_names(cluster)  # type: ignore[method-assign]
    answer = thaw(cluster, ThawRequest(everything=True), Recorder())
    document = json.loads(render(answer.report, output="json", api_version="kubectl-rwx/v1"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert [item["done"] for item in document["items"]] == done
    assert bool(answer.failure) is ("?" in annotations.values())


def _only_names(cluster: FakeCluster):  # type: ignore[no-untyped-def]
    """The fake knows KEY=VALUE selectors only; thaw asks for claims that have a label at all."""
    listed = cluster.list_all
    return lambda kind, **options: listed(kind, **{**options, "labels": options.get("labels", "") if "=" in
                                                   options.get("labels", "") else ""})
