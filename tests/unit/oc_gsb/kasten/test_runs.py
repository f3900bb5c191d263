"""Runs and cancellations that need no second request, and the manifest of one that does."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from oc_gsb.kasten.actions import children_of
from oc_gsb.kasten.policies import PolicyRequest, policy_manifest
from oc_gsb.kasten.runs import RunRequest, cancel_run, run_manifest, run_policy
from plugin_core import errors
from plugin_core.model.kinds import BACKUP_ACTION
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Silence
from unit.oc_gsb.kasten.objects import GROUPS, action, config, executor, profile

REQUEST = RunRequest(policy="app-gsb", timeout=5.0)
POLICY = {**policy_manifest(PolicyRequest(namespace="app"), profile="s3", export_profile="s3"),
          "status": {"validation": "Success"}}


def cluster(*objects: Manifest, **options: Any) -> FakeCluster:
    return FakeCluster([POLICY, *objects], groups={**GROUPS, "apps.openshift.io": []}, **options)


def test_a_run_that_is_under_way_is_followed() -> None:
    there = cluster(action("RunAction", "r", "Running"), action("RunAction", "other", "Running", policy="b"))
    answer = run_policy(there, RunRequest(policy="app-gsb", wait=False), Silence())
    assert [item["name"] for item in answer.report.items] == ["r"] and answer.failure is None
    late = run_policy(there, RunRequest(policy="app-gsb", timeout=0.1), Silence())
    assert isinstance(late.failure, errors.TimedOut)
    assert not [words for words in there.requests if words.startswith("create")]


def test_nothing_is_started_when_it_would_fail() -> None:
    there = cluster(config(), *executor(), profile())
    answer = run_policy(there, REQUEST, Silence())
    assert isinstance(answer.failure, errors.NotReady) and "GSB is not active" in answer.failure.message
    assert not answer.report.items and answer.report.sections[0].items


def test_manifest_has_a_name_of_its_own_and_an_end() -> None:
    one, other = run_manifest(REQUEST), run_manifest(RunRequest(policy="p" * 80, expires=3600.0))
    assert one["metadata"]["name"].startswith("app-gsb-") and "expiresAt" not in one["spec"]
    assert one["metadata"]["labels"]["kubectl-rwx.io/run"] in one["metadata"]["name"]
    assert len(other["metadata"]["name"]) <= 63 and other["spec"]["expiresAt"].endswith("Z")
    assert run_manifest(REQUEST)["metadata"]["name"] != one["metadata"]["name"]


@pytest.mark.parametrize("state", ["Complete", "Failed", "Cancelled"])
def test_cancelling_what_is_over_changes_nothing(state: str) -> None:
    answer = cancel_run(cluster(action("RunAction", "r", state)), "r", REQUEST, Silence())
    assert answer.failure is None and answer.report.items[0]["state"] == state


def test_cancelling_what_is_not_there() -> None:
    with pytest.raises(errors.NotFound, match="there is no run action r, and no policy r"):
        cancel_run(cluster(), "r", REQUEST, Silence())


def test_rights_are_asked_for_first() -> None:
    with pytest.raises(errors.Forbidden, match="create runactions.actions.kio.kasten.io in namespace kasten-io"):
        run_policy(cluster(denied=["create runactions.actions.kio.kasten.io"]), REQUEST, Silence())


def test_children_in_the_own_namespace_when_all_may_not_be_listed() -> None:
    class Narrow(FakeCluster):
        def list_all(self, kind: Any, *, namespace: str | None = None, labels: str = "", fields: str = "") -> Any:
            if namespace is None:
                raise errors.Forbidden("cannot list", status=403, server_message="forbidden")
            return super().list_all(kind, namespace=namespace, labels=labels, fields=fields)

    narrow = Narrow([action("BackupAction", "b", "Running", namespace="app", run="r")], namespace="app")
    assert [one.name for one in children_of(narrow, BACKUP_ACTION, labels="k10.kasten.io/runActionName=r")] == ["b"]
