from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from fakes.cluster import FakeCluster
from fakes.workloads import NAMESPACE, container, rolled_out, workload
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Silence
from plugin_core.workloads import waits
from plugin_core.workloads.waits import Rollout, wait_for_rollout, wait_until_gone

KEY = (DEPLOYMENT.resource, NAMESPACE, "web")


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(waits, "_LOOK_EVERY", 0.0)
    yield


def broken() -> Manifest:
    return workload(containers=[container(image="broken", mounts={"data": "/data"})])


def test_ready_at_once() -> None:
    cluster = FakeCluster()
    rolled_out(cluster, workload())
    seen = wait_for_rollout(cluster, cluster.objects[KEY], deadline=Deadline.after(5), progress=Silence())
    assert (seen.phase, seen.ready_pods) == (Phase.READY, 2)
    assert "list events" not in cluster.requests


def test_ready_after_a_change() -> None:
    def become_ready(cluster: FakeCluster) -> None:
        cluster.objects[KEY]["status"]["availableReplicas"] = 2
        cluster.put(cluster.objects[KEY])

    cluster = FakeCluster(script=[become_ready])
    rolled_out(cluster, workload())
    cluster.objects[KEY]["status"]["availableReplicas"] = 1
    seen = wait_for_rollout(cluster, cluster.objects[KEY], deadline=Deadline.after(5), progress=Silence())
    assert seen.phase is Phase.READY


def test_stuck_pods_end_the_wait_when_patience_is_over() -> None:
    cluster = FakeCluster(script=itertools.repeat(lambda cluster: None))
    rolled_out(cluster, broken())
    seen = wait_for_rollout(cluster, cluster.objects[KEY], deadline=Deadline.after(5), progress=Silence(),
                            patience=0.01)
    assert seen.phase is Phase.FAILED
    assert seen.summary == ("no progress for 0s: 1 of 2 pods have the new template; "
                            "pod/web-1-0 container app: ErrImagePull")
    assert "ErrImagePull message" in seen.reasons[1]


def test_the_deadline_leaves_it_waiting() -> None:
    cluster = FakeCluster(script=itertools.repeat(lambda cluster: None))
    rolled_out(cluster, broken())
    seen = wait_for_rollout(cluster, cluster.objects[KEY], deadline=Deadline.after(0.05), progress=Silence())
    assert seen.phase is Phase.WAITING and seen.troubles


def test_a_deleted_workload_ends_it() -> None:
    cluster = FakeCluster(script=[lambda cluster: cluster.objects.pop(KEY) and None])
    rolled_out(cluster, broken())
    seen = wait_for_rollout(cluster, dict(cluster.objects[KEY]), deadline=Deadline.after(5), progress=Silence())
    assert seen.phase is Phase.FAILED and "deleted" in seen.summary


def test_a_server_that_is_away_during_a_look_is_told_with_what_was_seen_and_how_to_go_on() -> None:
    cluster = FakeCluster(script=itertools.repeat(lambda cluster: None))
    rolled_out(cluster, broken())
    looks = iter([waits.look_at_rollout])

    def look(cluster: Cluster, workload: Manifest) -> Rollout:
        for real in looks:
            return real(cluster, workload)
        error = errors.ConnectionFailed("cannot list pods: no connection")
        error.outlasted = True
        raise error

    with pytest.raises(errors.ServerAway) as raised:
        wait_for_rollout(cluster, cluster.objects[KEY], deadline=Deadline.after(5), progress=Silence(), look=look)
    assert "cannot list pods" in raised.value.message and "--timeout" in raised.value.hint
    assert "last seen of deployment/web: 1 of 2 pods have the new template" in raised.value.message


def test_wait_until_gone_counts_terminating_pods() -> None:
    def end(cluster: FakeCluster) -> None:
        for name in ("web-1-0", "web-1-1"):
            del cluster.objects["pods", NAMESPACE, name]

    cluster = FakeCluster(script=[end])
    rolled_out(cluster, workload())
    for name in ("web-1-0", "web-1-1"):
        cluster.objects["pods", NAMESPACE, name]["metadata"]["deletionTimestamp"] = "now"
    left = wait_until_gone(cluster, cluster.objects[KEY], which=lambda pod: True, deadline=Deadline.after(5),
                           progress=Silence())
    assert left == ()


def test_wait_until_gone_says_what_is_left() -> None:
    cluster = FakeCluster(script=itertools.repeat(lambda cluster: None))
    rolled_out(cluster, workload())
    left = wait_until_gone(cluster, cluster.objects[KEY], which=lambda pod: pod["metadata"]["name"].endswith("1"),
                           deadline=Deadline.after(0.05), progress=Silence())
    assert [pod["metadata"]["name"] for pod in left] == ["web-1-1"]
