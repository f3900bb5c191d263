"""Looks at the rollouts of many workloads of one namespace, from lists that are read once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.kinds import DEPLOYMENT, POD
from plugin_core.model.manifests import Manifest, labels_of, part_of, uid_of
from plugin_core.workloads.pods import find_controller, is_observed, owned_replica_sets, owners_of, split_pods
from plugin_core.workloads.rollouts import rollout_readiness
from plugin_core.workloads.templates import kind_of
from plugin_core.workloads.waits import Rollout, judge_rollout, look_at_rollout, read_events

EVERY = 1.5
"""Seconds a list serves everybody who asks."""

_IDLE_SHARE = 4
"""A list that takes long is read again only after so many times as long: a huge namespace must not be listed on end."""

_RECENT = 10.0
"""Seconds after its last look for which a workload counts as one that is watched."""


class SharedLooks:
    """Safe to use from several threads, each with a workload of its own.

    Pods and events are read for the whole namespace, and are a little old; ReplicaSets once for each generation of a
    Deployment, since its controller has written the newest one before it calls a generation observed. A rollout that
    is over is always looked at anew, and a workload that is watched alone by its own selector.
    """

    def __init__(self, *, namespace: str) -> None:
        self._pods = _SharedList(lambda cluster: cluster.list_all(POD, namespace=namespace).items)
        self._events = _SharedList(lambda cluster: list(read_events(cluster, namespace)))
        self._sets: dict[str, tuple[int, list[Manifest]]] = {}
        self._seen: dict[str, float] = {}

    def look(self, cluster: Cluster, workload: Manifest) -> Rollout:
        """Where it stands, as look_at_rollout says it. cluster: of any thread, bounded as this one's requests are."""
        if self._is_alone(uid_of(workload)):
            return look_at_rollout(cluster, workload)
        sets = self._replica_sets(cluster, workload) if kind_of(workload) == DEPLOYMENT else []
        controller = find_controller(cluster, workload, sets)
        if rollout_readiness(workload, controller=controller).phase is not Phase.WAITING:
            return look_at_rollout(cluster, workload)
        owners = owners_of(workload, sets)
        # no owners: the plain selector of a DeploymentConfig decides
        chosen = {} if owners else part_of(workload, "spec", "selector") or {}
        pods = [pod for pod in self._pods.read(cluster) if chosen.items() <= labels_of(pod).items()]
        return judge_rollout(workload, split_pods(workload, pods, controller=controller, owners=owners),
                             events=lambda: self._events.read(cluster))

    def _is_alone(self, uid: str) -> bool:
        now = time.monotonic()
        self._seen[uid] = now
        return not any(other != uid and now - seen < _RECENT for other, seen in list(self._seen.items()))

    def _replica_sets(self, cluster: Cluster, workload: Manifest) -> list[Manifest]:
        generation = int(part_of(workload, "metadata", "generation") or 0)
        known, sets = self._sets.get(uid_of(workload), (-1, []))
        if known != generation or not sets:
            sets = owned_replica_sets(cluster, workload)
            if is_observed(workload):
                self._sets[uid_of(workload)] = (generation, sets)
        return sets


class _SharedList:
    """One list. Nobody waits for another's request, which may be tried again for long while the server is away."""

    def __init__(self, request: Callable[[Cluster], list[Manifest]]) -> None:
        self._request, self._lock = request, threading.Lock()
        self._items: list[Manifest] | None = None
        self._good_until, self._reading = 0.0, False

    def read(self, cluster: Cluster) -> list[Manifest]:
        """The last one while it is good enough, or somebody is reading the next."""
        with self._lock:
            began = time.monotonic()
            if self._items is not None and (self._reading or began < self._good_until):
                return self._items
            self._reading = True
        try:
            items = self._request(cluster)
            now = time.monotonic()
            with self._lock:
                self._items, self._good_until = items, now + max(EVERY, _IDLE_SHARE * (now - began))
            return items
        finally:
            with self._lock:
                self._reading = False
