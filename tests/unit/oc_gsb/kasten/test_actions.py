"""Where an action stands, and the volumes its details tell of."""

from __future__ import annotations

import json

import pytest

from fakes.cluster import FakeCluster
from oc_gsb.kasten.actions import Action, Ending, action_item, volumes_of, with_volumes
from oc_gsb.kasten.following import follow_action
from plugin_core import errors
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import RUN_ACTION
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Silence
from unit.oc_gsb.kasten.objects import GROUPS, K10, action


@pytest.mark.parametrize("state, ending", [
    ("Complete", Ending.COMPLETE), ("Failed", Ending.FAILED), ("Skipped", Ending.SKIPPED),
    ("Cancelled", Ending.CANCELLED), ("Pending", Ending.RUNNING), ("Running", Ending.RUNNING),
    ("AttemptFailed", Ending.RUNNING), ("Cancelling", Ending.RUNNING), ("Deleting", Ending.RUNNING),
    ("Quarantined", Ending.RUNNING), ("", Ending.RUNNING),
])
def test_endings(state: str, ending: Ending) -> None:
    assert Action(RUN_ACTION, action("RunAction", "r", state)).ending is ending


@pytest.mark.parametrize("state, status, brief", [
    ("Running", {"progress": 40}, "runaction/r Running 40%"),
    ("Quarantined", {}, "runaction/r Quarantined (a state oc-gsb does not know)"),
    ("AttemptFailed", {"error": {"message": "busy"}}, "runaction/r AttemptFailed: busy"),
    ("Complete", {"progress": 100}, "runaction/r Complete"),
    ("", {}, "runaction/r not started"),
])
def test_brief(state: str, status: Manifest, brief: str) -> None:
    assert Action(RUN_ACTION, action("RunAction", "r", state, **status)).brief == brief


def test_volumes_are_taken_from_details_as_far_as_they_say() -> None:
    details = {"status": {"actionDetails": {"phases": [
        {"volumeOperations": [{"pvcName": "data", "operation": "Backup", "progress": 10}]},
        {"volumeOperations": None}, {"volumeOperations": [
            {"pvcName": "data", "progress": 99.0, "transferredBytes": 5, "totalBytes": 10}, {"operation": "odd"}]}]}}}
    (volume,) = volumes_of(details)
    assert (volume.claim, volume.percent, volume.transferred, volume.total) == ("data", 99, 5, 10)
    assert volumes_of({"status": {"actionDetails": None}}) == () == volumes_of({})


@pytest.mark.parametrize("text", ["not json", "{}", '{"status": null}'])
def test_details_that_tell_nothing(text: str) -> None:
    path = "/apis/actions.kio.kasten.io/v1alpha1/namespaces/kasten-io/runactions/r/details"
    found = with_volumes(FakeCluster(texts={path: text}), Action(RUN_ACTION, action("RunAction", "r", "Running")))
    assert found.volumes == ()
    assert with_volumes(FakeCluster(), found) == found
    assert json.dumps(action_item(found))


def test_following_ends_with_the_action_or_the_deadline() -> None:
    done = action("RunAction", "r", "Complete")
    child = action("BackupAction", "b", "Complete", namespace="app", run="r")
    metadata = action("ExportAction", "m", "Complete", run="r")
    metadata["metadata"]["labels"]["isMetadataExport"] = "true"
    cluster = FakeCluster([done, child, metadata], groups=GROUPS)
    look = follow_action(cluster, RUN_ACTION, "r", namespace=K10, movers_in=(K10,), deadline=Deadline.after(5),
                         progress=Silence())
    assert look.final and [one.name for one in look.children] == ["b"], "an export without data is left out"
    late = FakeCluster([action("RunAction", "r", "Running")], groups=GROUPS)
    look = follow_action(late, RUN_ACTION, "r", namespace=K10, movers_in=(K10,), deadline=Deadline.after(0),
                         progress=Silence())
    assert not look.final


def test_an_api_that_is_down_is_waited_out_and_then_told() -> None:
    class Down(FakeCluster):
        def get(self, *args: object, **more: object) -> Manifest:
            raise errors.Unavailable("cannot get: refused", status=503, server_message="refused")

    said: list[str] = []

    class Told(Silence):
        def update(self, *, done: int, waiting_for: str = "") -> None:
            said.append(waiting_for)

    with pytest.raises(errors.Unavailable, match="could not be looked at"):
        follow_action(Down(), RUN_ACTION, "r", namespace=K10, movers_in=(), deadline=Deadline.after(0.6),
                      progress=Told())
    assert said and said[0] == "Kasten's API does not answer: refused"


def test_pods_of_earlier_runs_are_not_told() -> None:
    def pod(name: str, created: str) -> Manifest:
        return {"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Running"},
                "metadata": {"name": name, "namespace": K10, "creationTimestamp": created}}

    notes: list[str] = []

    class Told(Silence):
        def note(self, text: str) -> None:
            notes.append(text)

    pods = [pod("data-mover-svc-new", "2026-01-02T00:00:00Z"),
            pod("data-mover-svc-old", "2025-01-02T00:00:00Z"), pod("executor-svc-1", "2026-01-02T00:00:00Z")]
    run = action("RunAction", "r", "Complete")
    follow_action(FakeCluster([run, *pods], groups=GROUPS), RUN_ACTION, "r", namespace=K10, movers_in=(K10,),
                  deadline=Deadline.after(1), progress=Told())
    assert notes == ["runaction/r Complete", f"pod {K10}/data-mover-svc-new Running"]
    follow_action(FakeCluster([run], groups=GROUPS, denied=["list pods"]), RUN_ACTION, "r", namespace=K10,
                  movers_in=(K10,), deadline=Deadline.after(1), progress=Told())
    assert notes[-1].startswith("the pods that move the data are not shown")
