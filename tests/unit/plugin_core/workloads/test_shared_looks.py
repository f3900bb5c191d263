from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.workloads import container, rolled_out, workload
from plugin_core import errors
from plugin_core.kube.cluster import Cluster, Listing
from plugin_core.kube.waiting import Phase
from plugin_core.model.kinds import DEPLOYMENT, EVENT, POD, Kind
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.workloads import shared_looks
from plugin_core.workloads.shared_looks import SharedLooks
from plugin_core.workloads.waits import look_at_rollout

NAMES = ("one", "two", "three")


def broken(name: str) -> Manifest:
    return workload(name=name, containers=[container(image="broken", mounts={"data": "/data"})])


class Counting(FakeCluster):
    """Keeps which lists were asked for, with or without a selector."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lists: list[str] = []

    def list_all(self, kind: Kind, **options: Any) -> Listing:
        self.lists.append(f"{kind.plural}{' of one' if options.get('labels') else ''}")
        return super().list_all(kind, **options)


def world(*made: Manifest) -> tuple[Counting, dict[str, Manifest]]:
    cluster = Counting()
    for one in made:
        rolled_out(cluster, one)
    return cluster, {name_of(one): cluster.objects[DEPLOYMENT.resource, "app", name_of(one)] for one in made}


def test_pods_and_events_are_listed_once_for_all_and_say_the_same() -> None:
    cluster, made = world(*(broken(name) for name in NAMES))
    looks = SharedLooks(namespace="app")
    looks.look(cluster, made["one"])
    del cluster.lists[:]
    seen = {name: looks.look(cluster, made[name]) for name in ("two", "three", "one", *NAMES)}
    assert sorted(cluster.lists) == ["events", "pods", *["replicasets of one"] * 3]
    for name, rollout in seen.items():
        alone = look_at_rollout(cluster, made[name])
        assert (rollout.reasons, rollout.pods) == (alone.reasons, alone.pods)
        assert rollout.phase is Phase.WAITING and f"pod/{name}-1-0" in " ".join(rollout.reasons)


def test_one_alone_is_looked_at_by_its_selector(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, made = world(*(broken(name) for name in NAMES))
    looks = SharedLooks(namespace="app")
    looks.look(cluster, made["one"])
    looks.look(cluster, made["one"])
    assert cluster.lists.count("pods of one") == 2 and "pods" not in cluster.lists
    looks.look(cluster, made["two"])
    assert cluster.lists.count("pods") == 1
    monkeypatch.setattr(shared_looks, "_RECENT", 0.0)
    looks.look(cluster, made["two"])
    assert cluster.lists.count("pods of one") == 3


def test_the_end_is_never_told_from_an_old_list() -> None:
    cluster, made = world(broken("one"), broken("two"))
    looks = SharedLooks(namespace="app")
    for _ in range(2):
        looks.look(cluster, made["one"]), looks.look(cluster, made["two"])
    rolled_out(cluster, workload(name="two"))
    seen = looks.look(cluster, cluster.objects[DEPLOYMENT.resource, "app", "two"])
    assert (seen.phase, seen.ready_pods) == (Phase.READY, 2)


def test_a_new_generation_has_its_replica_sets_read_again() -> None:
    cluster, made = world(broken("one"), broken("two"))
    looks = SharedLooks(namespace="app")
    for _ in range(3):
        looks.look(cluster, made["one"]), looks.look(cluster, made["two"])
    assert cluster.lists.count("replicasets of one") == 3, "the first look, alone, and one for each"
    made["two"]["metadata"]["generation"] += 1
    assert looks.look(cluster, made["two"]).pods.newest == (), "its controller has not seen the change"
    looks.look(cluster, made["two"])
    assert cluster.lists.count("replicasets of one") == 5, "not kept before the controller has seen it"


def test_an_old_list_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_looks, "EVERY", 0.0)
    monkeypatch.setattr(shared_looks, "_IDLE_SHARE", 0)
    cluster, made = world(broken("one"), broken("two"))
    looks = SharedLooks(namespace="app")
    looks.look(cluster, made["one"])
    for _ in range(3):
        looks.look(cluster, made["two"])
    assert cluster.lists.count("pods") == 3 and cluster.lists.count("events") == 4


def test_events_that_may_not_be_read_end_no_look_and_pods_do() -> None:
    cluster, made = world(broken("one"), broken("two"))
    looks = SharedLooks(namespace="app")
    cluster._denied = {f"list {EVENT.resource}"}
    looks.look(cluster, made["one"])
    assert looks.look(cluster, made["two"]).troubles
    cluster._denied = {f"list {POD.resource}"}
    with pytest.raises(errors.Forbidden):
        SharedLooks(namespace="app").look(cluster, made["one"])


def test_nobody_waits_for_anothers_request() -> None:
    """It may be tried again for long while the server is away; what was read last is good enough meanwhile."""
    begun, go_on, answers = threading.Event(), threading.Event(), iter([[{"old": 1}], None, [{"new": 1}]])

    def request(cluster: Cluster) -> list[Manifest]:
        found = next(answers)
        if found is None:
            begun.set()
            go_on.wait(20)
            raise errors.ConnectionFailed("the server does not answer")
        return found

    cluster, shared = FakeCluster(), shared_looks._SharedList(request)
    assert shared.read(cluster) == shared.read(cluster) == [{"old": 1}]
    shared._good_until = 0.0
    with ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(shared.read, cluster)
        assert begun.wait(20) and shared.read(cluster) == [{"old": 1}]
        go_on.set()
        with pytest.raises(errors.ConnectionFailed):
            stuck.result(20)
    assert shared.read(cluster) == [{"new": 1}]
