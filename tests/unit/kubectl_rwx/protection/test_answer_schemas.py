"""The JSON of prune, delete, clone, cleanup, describe and restore --in-place is what docs/schemas says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from fakes.progress import Recorder
from fakes.storage import snapshot
from kubectl_rwx.protection.deletion import DeleteRequest, delete_snapshots
from kubectl_rwx.protection.descriptions import describe_snapshots
from kubectl_rwx.protection.snapshot_selection import choose
from kubectl_rwx.readiness.leftovers.cleanups import clean_up
from kubectl_rwx.readiness.leftovers.requests import CleanupRequest
from plugin_core import names
from plugin_core.model.kinds import VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.reports import Report
from plugin_core.render.reports import render
from unit.kubectl_rwx.protection import test_clones, test_in_place, test_pruning

SCHEMAS = Path(__file__).parents[4] / "docs" / "schemas"
RIGHTLESS = [f"{verb} {VOLUME_SNAPSHOT_CONTENT.resource}" for verb in ("list", "delete")]


def pruned() -> Report:
    return test_pruning.prune(test_pruning.make_cluster(
        test_pruning.ours("new", hours=1), test_pruning.ours("old", hours=2))).report


def deleted() -> Report:
    cluster = test_pruning.make_cluster(test_pruning.ours("s", hours=1))
    return delete_snapshots(cluster, DeleteRequest(choose(["s"])), Recorder(), consent=test_pruning.yes).report


def described() -> Report:
    return describe_snapshots(test_pruning.make_cluster(test_pruning.ours("s", hours=1)), choose(["s"])).report


def cleaned() -> Report:
    failed = snapshot("failed", ready=False, error="no space", labels={names.MANAGED_BY_LABEL: names.RWX},
                      seconds_ago=9999)
    cluster = test_pruning.make_cluster(failed, denied=RIGHTLESS)
    report = clean_up(cluster, CleanupRequest(), Recorder(), consent=test_pruning.yes).report
    assert not [key for key in cluster.objects if key[0] == VOLUME_SNAPSHOT.resource]
    return report


@pytest.mark.parametrize(("make", "schema"), [
    (pruned, "prunelist"), (deleted, "deletelist"), (described, "snapshotdescriptionlist"), (cleaned, "leftoverlist"),
    (lambda: test_clones.run(test_clones.make_cluster()).report, "clonelist"),
    (lambda: test_in_place.run(test_in_place.make_cluster()).report, "inplacerestorelist"),
])
def test_answers_fit_their_schema(make: object, schema: str) -> None:
    report = make()  # type: ignore[operator]
    assert report.items
    document = json.loads(render(report, output="json", api_version="kubectl-rwx/v1"))
    jsonschema.validate(document, json.loads((SCHEMAS / f"kubectl-rwx-{schema}.v1.json").read_text()))
