"""The grants of one run: made once before any workload changes, looked at again by each, withdrawn when none took them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from oc_gsb.sidecar.grants import Grant, ensure_grant, withdraw
from oc_gsb.sidecar.planning import Plan
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Progress


class SharedGrants:
    """Safe to use from the threads of a run: two workloads of one service account never make the same object."""

    def __init__(self, cluster: Cluster, *, progress: Progress) -> None:
        self._cluster, self._progress = cluster, progress
        self._lock = threading.Lock()
        self._created: dict[Grant, list[Manifest]] = {}
        self._refused: dict[Grant, errors.PluginError] = {}

    def prepare(self, plans: Iterable[Plan]) -> None:
        """Makes what the plans need. What is refused is kept for those whose turn comes later; nothing is raised."""
        for plan in plans:
            if plan.scc.grant and plan.grant not in self._created:
                try:
                    self._ensure(plan)
                except errors.PluginError as error:
                    self._refused[plan.grant] = error

    def ensure(self, plan: Plan) -> None:
        """Looks once more, since another run may have removed it meanwhile. Raises what prepare was refused."""
        if plan.grant in self._refused:
            raise self._refused[plan.grant]
        if plan.scc.grant:
            self._ensure(plan)

    def _ensure(self, plan: Plan) -> None:
        with self._lock:
            created = self._created.setdefault(plan.grant, [])
            ensure_grant(self._cluster, plan.grant, copy=plan.scc.copy, created=created, progress=self._progress)

    def withdraw_unused(self, used: Iterable[Grant]) -> list[str]:
        """Removes what this run made for grants that are not among `used`; what stays nevertheless, and why."""
        kept, notes = set(used), []
        for grant, created in self._created.items():
            if grant in kept or not created or self._cluster.dry_run.on:
                continue
            try:
                notes += withdraw(self._cluster, grant, progress=self._progress, only=created)
            except errors.PluginError as error:
                notes.append(f"the grant of SCC {grant.scc} to service account {grant.account} stays: {error.message}; "
                             "see: oc gsb cleanup")
        return notes
