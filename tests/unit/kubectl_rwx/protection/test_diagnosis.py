"""What is said of a snapshot that is not ready: the first link of the chain that is not as it should be."""

from __future__ import annotations

import re

import pytest

from fakes.cluster import FakeCluster
from fakes.storage import claim, content, event, snapshot, snapshot_class
from kubectl_rwx.protection.diagnosis import SHOWN, explain_claims, explain_snapshots
from plugin_core.model.manifests import Manifest

AGE = re.compile(r"\d+s ago")
SILENT = "no content is bound and there are no events: the snapshot-controller has not answered"


@pytest.mark.parametrize(("subject", "around", "lines"), [
    (snapshot(ready=False, content=""), [claim(), snapshot_class()], [SILENT]),
    (snapshot(ready=False, content="", seconds_ago=-900), [claim(), snapshot_class()], ["no content is bound"]),
    (snapshot(ready=False, content=""), [claim(phase="Pending"), snapshot_class()], ["its claim is Pending", SILENT]),
    (snapshot(ready=False, content=""), [],
     ["persistentvolumeclaim/data does not exist", "volumesnapshotclass/one does not exist", SILENT]),
    (snapshot(ready=False, error="array is full"),
     [claim(), snapshot_class(), content(handle="", error={"message": "array is full"})],
     ["content content-nightly has no snapshotHandle: "
      "driver one.csi.test, or its csi-snapshotter sidecar, has not given one",
      "status.error of the content: array is full"]),
    (snapshot(ready=False, error="class is wrong"), [claim(), snapshot_class(), content(readyToUse=False)],
     ["content content-nightly has a snapshotHandle, driver one.csi.test has not said that it is ready",
      "status.error: class is wrong"]),
    (snapshot(ready=False), [claim(), snapshot_class()], ["volumesnapshotcontent/content-nightly does not exist"]),
])
def test_snapshot(subject: Manifest, around: list[Manifest], lines: list[str]) -> None:
    assert explain_snapshots(FakeCluster(around), [subject], namespace="app") == {"nightly": lines}


def test_events_come_last_and_each_once() -> None:
    events = [event("VolumeSnapshot", "nightly", reason="SnapshotFailed", message="busy", seconds_ago=9, count=4),
              event("VolumeSnapshot", "other", reason="SnapshotFailed", message="not ours")]
    cluster = FakeCluster([claim(), snapshot_class(), *events])
    lines = explain_snapshots(cluster, [snapshot(ready=False, content="")], namespace="app")["nightly"]
    told = [AGE.sub("… ago", line) for line in lines]
    assert told == ["no content is bound", "event … ago, 4 times: SnapshotFailed: busy"]


def test_warnings_push_out_what_is_normal() -> None:
    normal = [event("PersistentVolumeClaim", "data", reason=f"Normal{number}", message="waiting", type="Normal",
                    seconds_ago=number) for number in range(5)]
    warning = event("PersistentVolumeClaim", "data", reason="ProvisioningFailed", message="full", seconds_ago=60)
    lines = explain_claims(FakeCluster([*normal, warning]), [claim(phase="Pending")], namespace="app")["data"]
    assert [line.split(": ")[1] for line in lines[1:]] == ["ProvisioningFailed", "Normal1", "Normal0"]


def test_what_may_not_be_read_hides_nothing_else() -> None:
    denied = ["list events", "get volumesnapshotcontents.snapshot.storage.k8s.io"]
    cluster = FakeCluster([claim(), snapshot_class()], denied=denied)
    subject = snapshot(ready=False, error="array is full")
    lines = explain_snapshots(cluster, [subject], namespace="app")["nightly"]
    assert lines[0].startswith("volumesnapshotcontent/content-nightly could not be read")
    assert lines[1] == "status.error: array is full"
    assert lines[2].startswith("events could not be read")


def test_claims() -> None:
    words = event("PersistentVolumeClaim", "data", reason="ProvisioningFailed", message="pool is full", seconds_ago=3)
    explained = explain_claims(
        FakeCluster([words]), [claim(phase="Pending"), claim("logs", phase="Pending")], namespace="app"
    )
    told = {name: [AGE.sub("… ago", line) for line in lines] for name, lines in explained.items()}
    assert told == {
        "data": ["Pending, StorageClass one", "event … ago: ProvisioningFailed: pool is full"],
        "logs": ["Pending, StorageClass one", "it has no events"],
    }


def test_only_the_first_few_are_looked_at() -> None:
    many = [snapshot(f"s-{number}", ready=False, content="") for number in range(10)]
    assert len(explain_snapshots(FakeCluster([]), many, namespace="app")) == SHOWN
