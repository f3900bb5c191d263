"""How many pods a workload's rolling update may add and take away at a time. Pure.

Source: kubernetes pkg/controller/deployment/util, ResolveFenceposts: percentages round up for the surge and down for
what is unavailable, and where both come to nothing one pod may be unavailable.
"""

from __future__ import annotations

import math

from plugin_core.model.kinds import STATEFUL_SET
from plugin_core.model.manifests import Manifest, part_of
from plugin_core.workloads.templates import kind_of, replicas_of


def surge_of(workload: Manifest) -> int:
    """Pods beyond the replicas that may be there meanwhile; 0 for a StatefulSet and for Recreate."""
    if kind_of(workload) == STATEFUL_SET or _strategy(workload).get("type") == "Recreate":
        return 0
    return _share(_rolling(workload).get("maxSurge", "25%"), replicas_of(workload), up=True)


def unavailable_of(workload: Manifest) -> int:
    """Pods of its replicas that may be missing meanwhile: all of them with Recreate, one by one in a StatefulSet."""
    replicas = replicas_of(workload)
    if _strategy(workload).get("type") == "Recreate":
        return replicas
    if kind_of(workload) == STATEFUL_SET:
        return min(replicas, max(1, _share(_rolling(workload).get("maxUnavailable", 1), replicas, up=True)))
    found = _share(_rolling(workload).get("maxUnavailable", "25%"), replicas, up=False)
    return min(replicas, found or (0 if surge_of(workload) else 1))


def _strategy(workload: Manifest) -> Manifest:
    return part_of(workload, "spec", "updateStrategy") or part_of(workload, "spec", "strategy") or {}


def _rolling(workload: Manifest) -> Manifest:
    """rollingParams: what a DeploymentConfig has in place of rollingUpdate."""
    strategy = _strategy(workload)
    return strategy.get("rollingUpdate") or strategy.get("rollingParams") or {}


def _share(value: object, replicas: int, *, up: bool) -> int:
    text = str(value)
    if not text.endswith("%"):
        return int(text)
    share = replicas * int(text[:-1]) / 100
    return math.ceil(share) if up else math.floor(share)
