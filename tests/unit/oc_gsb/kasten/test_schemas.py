"""Real reports against the published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fakes.cluster import FakeCluster
from oc_gsb.kasten.actions import Action, Volume
from oc_gsb.kasten.following import Look
from oc_gsb.kasten.point_listing import list_points
from oc_gsb.kasten.policy_listing import policy_status
from oc_gsb.kasten.restore_plans import RestoreRequest, plan_restore
from oc_gsb.kasten.restore_steps import Step, answer_of
from oc_gsb.kasten.run_reports import answer_with
from oc_gsb.kasten.runs import RunRequest
from oc_gsb.kasten.tokens import cluster_id_report, token_status
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import BACKUP_ACTION, EXPORT_ACTION, RUN_ACTION
from plugin_core.model.reports import Report
from plugin_core.render.reports import FORMATS, render
from unit.oc_gsb.kasten.objects import GROUPS, K10, action, config, default_namespace, executor, k10
from unit.oc_gsb.kasten.test_restores import SERVED, content, namespace, point, policy

SCHEMAS = Path(__file__).parents[4] / "docs" / "schemas"
REQUEST = RunRequest(policy="app-gsb")
ERROR = {"message": "outer", "cause": {"message": "inner"}}


def check(report: Report) -> dict[str, Any]:
    for output in FORMATS:
        assert render(report, output=output, api_version="oc-gsb/v1") or not report.items
    document = json.loads(render(report, output="json", api_version="oc-gsb/v1"))
    schema = json.loads((SCHEMAS / f"oc-gsb-{document['kind'].lower()}.v1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    return dict(document)


def test_token() -> None:
    cluster = FakeCluster([default_namespace(), k10(token="a"), config(GVSActivationToken="a"), *executor()],
                          groups=GROUPS)
    check(cluster_id_report(cluster))
    assert check(token_status(cluster, k10_namespace=K10))["active"] is False


@pytest.mark.parametrize("name", ["", "app-gsb"])
def test_policies(name: str) -> None:
    run = action("RunAction", "r", "Failed", error=ERROR)
    document = check(policy_status(FakeCluster([policy(), run], groups=GROUPS), name=name, namespace="",
                                   k10_namespace=K10))
    assert document["items"][0]["message"] == "inner"


def look(state: str, *children: Action) -> Look:
    return Look(Action(RUN_ACTION, action("RunAction", "r", state, startTime="2026-01-01T00:00:00.5Z", error=ERROR)),
                children)


BACKED_UP = Action(BACKUP_ACTION, action("BackupAction", "b", "Complete", namespace="app",
                                         restorePoint={"name": "rp", "namespace": "app"}),
                   (Volume("data", "Backup", 100, 5, None),))
NOT_EXPORTED = Action(EXPORT_ACTION, action("ExportAction", "e", "Failed", namespace="app", error="bucket is full"))


@pytest.mark.parametrize("seen, failure, words", [
    (look("Complete", BACKED_UP), None, ""),
    (look("Failed", BACKED_UP, NOT_EXPORTED), errors.PartlyDone, "export failed: exportaction/e: bucket is full; the "
     "local restore point rp exists"),
    (look("Failed"), errors.PluginError, "runaction/r failed: inner"),
    (look("Cancelled"), errors.PluginError, "runaction/r was cancelled"),
    (look("Running", BACKED_UP), errors.TimedOut, "was not over within 1h \\(--timeout\\): runaction/r Running"),
    (None, None, ""),
])
def test_runs(seen: Look | None, failure: type[errors.PluginError] | None, words: str) -> None:
    preflight = [{"subject": "kasten", "check": "token", "verdict": "ok", "observed": "GSB is active", "advice": ""}]
    answer = answer_with(seen, policy="app-gsb", request=REQUEST, dry_run=DryRun.NONE, preflight=preflight)
    document = check(answer.report)
    assert bool(document["preflight"]) == (seen is None)
    if failure is None:
        assert answer.failure is None
    else:
        with pytest.raises(failure, match=words):
            raise answer.failure or AssertionError


def test_points_and_restore() -> None:
    objects = [namespace(), content("c", exported=True), content("gone"), point("rp", content("c"))]
    cluster = FakeCluster(objects, groups=SERVED)
    assert len(check(list_points(cluster, namespace="app", sizes=True, k10_namespace=K10))["items"]) == 2
    check(list_points(FakeCluster(groups=SERVED), namespace="", sizes=False, k10_namespace=K10))
    plan = plan_restore(cluster, RestoreRequest(namespace="app"))
    check(answer_of(plan, [Step("namespace", "unchanged", "app")], dry_run=DryRun.CLIENT).report)
