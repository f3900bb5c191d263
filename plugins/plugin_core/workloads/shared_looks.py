"""Looks at the rollouts of many workloads of one namespace, from lists that are read once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from plugin_core import errors
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

    def __init__(self, cluster: Cluster, *, namespace: str) -> None:
        self._cluster = cluster
        self._pods = _SharedList(lambda: cluster.list_all(POD, namespace=namespace).items)
        self._events = _SharedList(lambda: list(read_events(cluster, namespace)))
        self._sets: dict[str, tuple[int, list[Manifest]]] = {}
        self._seen: dict[str, float] = {}

    def look(self, workload: Manifest) -> Rollout:
        """Where it stands, as look_at_rollout says it."""
        if self._is_alone(uid_of(workload)):
            return look_at_rollout(self._cluster, workload)
        sets = self._replica_sets(workload) if kind_of(workload) == DEPLOYMENT else []
        controller = find_controller(self._cluster, workload, sets)
        if rollout_readiness(workload, controller=controller).phase is not Phase.WAITING:
            return look_at_rollout(self._cluster, workload)
        owners = owners_of(workload, sets)
        # no owners: the plain selector of a DeploymentConfig decides
        chosen = {} if owners else part_of(workload, "spec", "selector") or {}
        pods = [pod for pod in self._pods.read() if chosen.items() <= labels_of(pod).items()]
        return judge_rollout(workload, split_pods(workload, pods, controller=controller, owners=owners),
                             events=self._events.read)

    def _is_alone(self, uid: str) -> bool:
        now = time.monotonic()
        self._seen[uid] = now
        return not any(other != uid and now - seen < _RECENT for other, seen in list(self._seen.items()))

    def _replica_sets(self, workload: Manifest) -> list[Manifest]:
        generation = int(part_of(workload, "metadata", "generation") or 0)
        known, sets = self._sets.get(uid_of(workload), (-1, []))
        if known != generation or not sets:
            sets = owned_replica_sets(self._cluster, workload)
            if is_observed(workload):
                self._sets[uid_of(workload)] = (generation, sets)
        return sets


class _SharedList:
    """One list. Who waits for another's read gets what that one gets, its error too."""

    def __init__(self, request: Callable[[], list[Manifest]]) -> None:
        self._request, self._lock = request, threading.Lock()
        self._items: list[Manifest] = []
        self._good_until, self._failed_at = 0.0, 0.0
        self._failure: errors.PluginError | None = None

    def read(self) -> list[Manifest]:
        asked = time.monotonic()
        with self._lock:
            if self._failure is not None and self._failed_at >= asked:
                raise self._failure
            began = time.monotonic()
            if began < self._good_until:
                return self._items
            try:
                self._items = self._request()
            except errors.PluginError as error:
                self._failure, self._failed_at = error, time.monotonic()
                raise
            now = time.monotonic()
            self._good_until = now + max(EVERY, _IDLE_SHARE * (now - began))
            return self._items
