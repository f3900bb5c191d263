from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.workloads import container, rolled_out, workload
from plugin_core import errors
from plugin_core.kube.cluster import Listing
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
    looks = SharedLooks(cluster, namespace="app")
    looks.look(made["one"])
    del cluster.lists[:]
    seen = {name: looks.look(made[name]) for name in ("two", "three", "one", *NAMES)}
    assert sorted(cluster.lists) == ["events", "pods", *["replicasets of one"] * 3]
    for name, rollout in seen.items():
        alone = look_at_rollout(cluster, made[name])
        assert (rollout.reasons, rollout.pods) == (alone.reasons, alone.pods)
        assert rollout.phase is Phase.WAITING and f"pod/{name}-1-0" in " ".join(rollout.reasons)


def test_one_alone_is_looked_at_by_its_selector(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, made = world(*(broken(name) for name in NAMES))
    looks = SharedLooks(cluster, namespace="app")
    looks.look(made["one"])
    looks.look(made["one"])
    assert cluster.lists.count("pods of one") == 2 and "pods" not in cluster.lists
    looks.look(made["two"])
    assert cluster.lists.count("pods") == 1
    monkeypatch.setattr(shared_looks, "_RECENT", 0.0)
    looks.look(made["two"])
    assert cluster.lists.count("pods of one") == 3


def test_the_end_is_never_told_from_an_old_list() -> None:
    cluster, made = world(broken("one"), broken("two"))
    looks = SharedLooks(cluster, namespace="app")
    for _ in range(2):
        looks.look(made["one"]), looks.look(made["two"])
    rolled_out(cluster, workload(name="two"))
    seen = looks.look(cluster.objects[DEPLOYMENT.resource, "app", "two"])
    assert (seen.phase, seen.ready_pods) == (Phase.READY, 2)


def test_a_new_generation_has_its_replica_sets_read_again() -> None:
    cluster, made = world(broken("one"), broken("two"))
    looks = SharedLooks(cluster, namespace="app")
    for _ in range(3):
        looks.look(made["one"]), looks.look(made["two"])
    assert cluster.lists.count("replicasets of one") == 3, "the first look, alone, and one for each"
    made["two"]["metadata"]["generation"] += 1
    assert looks.look(made["two"]).pods.newest == (), "its controller has not seen the change"
    looks.look(made["two"])
    assert cluster.lists.count("replicasets of one") == 5, "not kept before the controller has seen it"


def test_an_old_list_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_looks, "EVERY", 0.0)
    monkeypatch.setattr(shared_looks, "_IDLE_SHARE", 0)
    cluster, made = world(broken("one"), broken("two"))
    looks = SharedLooks(cluster, namespace="app")
    looks.look(made["one"])
    for _ in range(3):
        looks.look(made["two"])
    assert cluster.lists.count("pods") == 3 and cluster.lists.count("events") == 4


def test_events_that_may_not_be_read_end_no_look_and_pods_do() -> None:
    cluster, made = world(broken("one"), broken("two"))
    looks = SharedLooks(cluster, namespace="app")
    cluster._denied = {f"list {EVENT.resource}"}
    looks.look(made["one"])
    assert looks.look(made["two"]).troubles
    cluster._denied = {f"list {POD.resource}"}
    with pytest.raises(errors.Forbidden):
        SharedLooks(cluster, namespace="app").look(made["one"])


class Queue:
    """A lock that knows when so many have come to it."""

    def __init__(self, *, waiting: int) -> None:
        self._lock, self._come, self._waiting = threading.Lock(), itertools.count(1), waiting
        self.all_wait = threading.Event()

    def __enter__(self) -> None:
        if next(self._come) == self._waiting:
            self.all_wait.set()
        self._lock.acquire()

    def __exit__(self, *unused: object) -> None:
        self._lock.release()


def test_who_waits_for_a_read_that_fails_gets_its_error_and_asks_no_more() -> None:
    """A server that is away is waited for once, and not once for each workload."""
    lock = Queue(waiting=4)
    asked: list[int] = []

    def away() -> list[Manifest]:
        asked.append(1)
        lock.all_wait.wait(10)
        raise errors.ConnectionFailed("the server does not answer")

    shared = shared_looks._SharedList(away)
    shared._lock = lock  # type: ignore[assignment]
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(shared.read) for _ in range(4)]:
            with pytest.raises(errors.ConnectionFailed):
                future.result(20)
    assert len(asked) == 1
    with pytest.raises(errors.ConnectionFailed):
        shared.read()
    assert len(asked) == 2, "who asks later has the server asked again"
