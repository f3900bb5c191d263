"""Whether a snapshot-controller lives, told from evidence; nothing seen is not death."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.readiness import deployment, lease, ready_content
from fakes.storage import snapshot
from kubectl_rwx.diagnosis.leases import Life
from kubectl_rwx.diagnosis.snapshot_controllers import judge_controller, version_of
from kubectl_rwx.readiness.observations import Observations

OPENSHIFT = deployment("csi-snapshot-controller", namespace="openshift-cluster-storage-operator",
                       image="quay.io/openshift/release@sha256:0123")
PENDING = snapshot(ready=False, content="", seconds_ago=600)
FAILED = snapshot(ready=False, content="", error="no class", seconds_ago=600)
JUST_MADE = snapshot(ready=False, content="", seconds_ago=5)


@pytest.mark.parametrize(("seen", "life", "words"), [
    ({"controllers": [deployment()]}, Life.RUNNING, "deployment kube-system/snapshot-controller: 1 ready replica"),
    ({"controllers": [OPENSHIFT]}, Life.RUNNING, "csi-snapshot-controller: 1 ready replica"),
    ({"controllers": [deployment(ready=0)]}, Life.STOPPED, "no replica is ready"),
    ({"controllers": [deployment(ready=0), deployment(namespace="other")]}, Life.RUNNING, "other/snapshot-controller"),
    ({"leases": [lease()]}, Life.RUNNING, "its lease in kube-system was renewed"),
    ({"leases": [lease(seconds_ago=7200)]}, Life.STOPPED, "its lease in kube-system was last renewed 2h ago"),
    ({"leases": [lease(seconds_ago=7200)], "contents": [ready_content()]}, Life.RUNNING, "content-1 1m"),
    ({"contents": [ready_content()]}, Life.RUNNING, "no Deployment and no lease; it handled"),
    ({"contents": [ready_content(seconds_ago=7200)]}, Life.UNSEEN, "it handled volumesnapshotcontent/content-1 2h"),
    ({"waiting": [PENDING]}, Life.STOPPED, "volumesnapshot/nightly in app has waited 10m"),
    ({"waiting": [PENDING], "contents": [ready_content(seconds_ago=10)]}, Life.RUNNING, "content/content-1"),
    ({"waiting": [FAILED, JUST_MADE]}, Life.UNSEEN, "none of its work"),
    ({}, Life.UNSEEN, "none of its work"),
])
def test_evidence(seen: dict[str, Any], life: Life, words: str) -> None:
    controller = judge_controller(Observations(server="v1.36.3", snapshot_versions=["v1"], classes=[], **seen))
    assert controller.life is life
    assert words in controller.observed


@pytest.mark.parametrize(("image", "version"), [
    ("registry.k8s.io/sig-storage/snapshot-controller:v8.6.0", "8.6.0"),
    ("localhost:5000/snapshot-controller:v6.3", "6.3"),
    ("quay.io/openshift/release@sha256:0123", ""),
    ("snapshot-controller:canary", ""),
])
def test_version_of_image(image: str, version: str) -> None:
    assert version_of(image) == version
