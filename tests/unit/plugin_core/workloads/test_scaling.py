from __future__ import annotations

import json

import pytest

from fakes.cluster import FakeCluster
from fakes.workloads import NAMESPACE, pod, workload
from plugin_core import errors
from plugin_core.kube.waiting import pause
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import DEPLOYMENT, STATEFUL_SET
from plugin_core.model.manifests import Manifest, annotations_of
from plugin_core.model.progress import Silence
from plugin_core.names import SCALE_RECORD
from plugin_core.workloads.scaling import (
    can_scale,
    read_scale_record,
    scale_back,
    scale_down,
    wait_until_down,
)
from plugin_core.workloads.templates import replicas_of, template_of

KEY = (DEPLOYMENT.resource, NAMESPACE, "web")


def cluster_with(found: Manifest) -> FakeCluster:
    return FakeCluster([found], expect=["patch deployments.apps", "patch statefulsets.apps"])


def record(replicas: int = 3, run: str = "r1") -> str:
    return json.dumps({"replicas": replicas, "run": run, "since": "2026-01-01T00:00:00Z", "why": "snapshot a"})


def test_record_and_change_are_one_request() -> None:
    cluster = cluster_with(workload(replicas=3))
    after = scale_down(cluster, cluster.objects[KEY], run="r1", why="snapshot nightly")
    found = read_scale_record(after)
    assert found and (found.replicas, found.run, found.why) == (3, "r1", "snapshot nightly")
    assert replicas_of(after) == 0
    assert [one for one in cluster.requests if one.startswith("patch")] == ["patch deployments.apps"]


def test_a_repeat_changes_nothing() -> None:
    cluster = cluster_with(workload(replicas=0, annotations={SCALE_RECORD: record(run="r2")}))
    scale_down(cluster, cluster.objects[KEY], run="r2", why="snapshot b")
    assert "patch deployments.apps" not in cluster.requests


def test_a_dead_runs_record_keeps_its_number_and_changes_hands() -> None:
    cluster = cluster_with(workload(replicas=0, annotations={SCALE_RECORD: record(run="r1")}))
    after = scale_down(cluster, cluster.objects[KEY], run="r2", why="snapshot b")
    found = read_scale_record(after)
    assert found and (found.replicas, found.run, found.since) == (3, "r2", "2026-01-01T00:00:00Z")


def test_a_stale_record_of_a_running_workload_is_replaced() -> None:
    cluster = cluster_with(workload(replicas=5, annotations={SCALE_RECORD: record(replicas=3)}))
    found = read_scale_record(scale_down(cluster, cluster.objects[KEY], run="r2", why="again"))
    assert found and found.replicas == 5


def test_scaled_back_exactly_and_the_record_removed() -> None:
    cluster = cluster_with(workload(replicas=0, annotations={SCALE_RECORD: record(), "kept": "yes"}))
    back = scale_back(cluster, DEPLOYMENT, "web", namespace=NAMESPACE, run="r1")
    assert (back.replicas, back.changed, back.others) == (3, True, False)
    assert annotations_of(cluster.objects[KEY]) == {"kept": "yes"}
    again = scale_back(cluster, DEPLOYMENT, "web", namespace=NAMESPACE)
    assert (again.replicas, again.changed) == (3, False)


def test_what_somebody_scaled_up_meanwhile_stays() -> None:
    cluster = cluster_with(workload(replicas=7, annotations={SCALE_RECORD: record()}))
    back = scale_back(cluster, DEPLOYMENT, "web", namespace=NAMESPACE)
    assert back.replicas == 7
    assert SCALE_RECORD not in annotations_of(cluster.objects[KEY])


def test_another_runs_record_is_left_to_it() -> None:
    cluster = cluster_with(workload(replicas=0, annotations={SCALE_RECORD: record(run="r9")}))
    back = scale_back(cluster, DEPLOYMENT, "web", namespace=NAMESPACE, run="r1")
    assert (back.others, back.changed, back.replicas) == (True, False, 0)
    assert "patch deployments.apps" not in cluster.requests


def test_no_replicas_asked_for_stay_none() -> None:
    cluster = cluster_with(workload("StatefulSet", replicas=0))
    key = (STATEFUL_SET.resource, NAMESPACE, "web")
    scale_down(cluster, cluster.objects[key], run="r1", why="x")
    assert scale_back(cluster, STATEFUL_SET, "web", namespace=NAMESPACE, run="r1").replicas == 0
    assert SCALE_RECORD not in annotations_of(cluster.objects[key])


def test_a_garbled_record_is_told_not_guessed() -> None:
    with pytest.raises(errors.NotReady, match="cannot be read: three"):
        read_scale_record(workload(annotations={SCALE_RECORD: "three"}))


def test_pods_must_be_gone_not_terminating() -> None:
    owner = workload("StatefulSet", replicas=0)
    dying = pod("web-0", owner, template_of(owner), deletionTimestamp="2026-01-01T00:00:00Z")

    def vanish(cluster: FakeCluster) -> None:
        cluster.objects.pop(("pods", NAMESPACE, "web-0"))

    cluster = FakeCluster([owner, dying], script=[vanish])
    wait_until_down(cluster, owner, deadline=Deadline.after(5), progress=Silence())
    cluster = FakeCluster([owner, dying], script=[lambda cluster: pause(0.06)])
    with pytest.raises(errors.TimedOut, match="there still are: pod/web-0"):
        wait_until_down(cluster, owner, deadline=Deadline.after(0.05), progress=Silence())


@pytest.mark.parametrize("kind, can", [("Deployment", True), ("DeploymentConfig", True), ("DaemonSet", False)])
def test_what_has_replicas(kind: str, can: bool) -> None:
    assert can_scale(workload(kind)) is can
