from __future__ import annotations

from typing import Any

import pytest

from fakes.workloads import container, workload
from oc_gsb.sidecar.quotas import Budget, applies, extra_pods
from plugin_core.model.manifests import Manifest


def sized(name: str = "kanister-sidecar", **limits: str) -> Manifest:
    resources: Manifest = {"requests": {"cpu": "100m", "memory": "256Mi"}}
    if limits:
        resources["limits"] = limits
    return container(name, resources=resources)


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> Manifest:
    return {"kind": "ResourceQuota", "metadata": {"name": "tight"}, "spec": {"hard": hard, **spec},
            "status": {"hard": hard, "used": used or {}}}


def judged(made: Manifest, *quotas: Manifest, held: bool = False, sidecar: Manifest | None = None) -> tuple[str, ...]:
    return Budget(quotas).judge(made, sidecar=sidecar or sized(), others=[sized("app")], held=held)


def test_the_numbers_are_ours() -> None:
    assert judged(workload(replicas=3), quota({"requests.memory": "2Gi"}, {"requests.memory": "1200Mi"})) == (
        "ResourceQuota tight: 1Gi more requests.memory is needed (256Mi a sidecar for 3 pods, 256Mi for the pod that a "
        "rolling update adds), and 848Mi of 2Gi are left",)
    assert judged(workload(replicas=3), quota({"requests.cpu": "1"}, {"requests.cpu": "900m"})) == (
        "ResourceQuota tight: 400m more requests.cpu is needed (100m a sidecar for 3 pods, 100m for the pod that a "
        "rolling update adds), and 100m of 1 are left",)


@pytest.mark.parametrize("hard, used, held, fits", [
    ({"memory": "768Mi"}, {}, False, True), ({"memory": "767Mi"}, {}, False, False),
    ({"memory": "512Mi"}, {}, True, True), ({"pods": "2"}, {"pods": "2"}, False, False),
    ({"pods": "2"}, {"pods": "2"}, True, True), ({"count/pods": "3"}, {"count/pods": "2"}, False, True),
    ({"limits.memory": "9Gi"}, {}, False, False), ({"persistentvolumeclaims": "0"}, {}, False, True),
])
def test_room(hard: dict[str, str], used: dict[str, str], held: bool, fits: bool) -> None:
    assert (judged(workload(replicas=2), quota(hard, used), held=held) == ()) is fits


def test_a_limit_that_is_counted_must_be_named() -> None:
    tight = quota({"limits.memory": "4Gi"})
    assert judged(workload(), tight) == (
        "ResourceQuota tight counts limits.memory, so a pod whose sidecar names none is refused: set --memory-limit",)
    assert judged(workload(), tight, sidecar=sized(memory="1Gi")) == ()


def test_workloads_of_a_run_share_what_is_left() -> None:
    budget = Budget([quota({"requests.memory": "1Gi"})])
    one = workload(replicas=1)
    assert budget.aside().judge(one, sidecar=sized(), others=[], held=True) == ()
    for _ in range(4):
        assert budget.judge(one, sidecar=sized(), others=[], held=True) == ()
    assert "0 of 1Gi are left" in budget.judge(one, sidecar=sized(), others=[], held=True)[0]


@pytest.mark.parametrize("kind, replicas, strategy, extra", [
    ("Deployment", 1, {}, 1), ("Deployment", 4, {}, 0), ("Deployment", 3, {}, 1), ("StatefulSet", 2, {}, 0),
    ("Deployment", 4, {"rollingUpdate": {"maxUnavailable": 0}}, 1), ("Deployment", 1, {"type": "Recreate"}, 0),
    ("Deployment", 1, {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}, 0),
    ("DeploymentConfig", 1, {"rollingParams": {"maxUnavailable": "50%"}}, 1),
])
def test_pods_beyond_the_replicas(kind: str, replicas: int, strategy: Manifest, extra: int) -> None:
    assert extra_pods(workload(kind, replicas=replicas, strategy=strategy)) == extra


@pytest.mark.parametrize("spec, pod, counts", [
    ({}, {}, True), ({"scopes": ["BestEffort"]}, {}, False),
    ({"scopes": ["NotBestEffort", "NotTerminating"]}, {}, True),
    ({"scopes": ["Terminating"]}, {}, False), ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 9}, True),
    ({"scopeSelector": {"matchExpressions": [
        {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}, {}, False),
    ({"scopeSelector": {"matchExpressions": [
        {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}, {"priorityClassName": "high"}, True),
])
def test_scopes(spec: Manifest, pod: Manifest, counts: bool) -> None:
    assert applies(quota({"pods": "1"}, **spec), pod) is counts
