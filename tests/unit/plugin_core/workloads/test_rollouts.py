from __future__ import annotations

from typing import Any

import pytest

from fakes.workloads import container, workload
from plugin_core.kube.waiting import Phase, Readiness
from plugin_core.workloads.rollouts import DEPLOYMENT_PHASE, rollout_readiness


def test_a_deleted_workload_never_gets_ready() -> None:
    assert rollout_readiness(None).phase is Phase.FAILED


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
@pytest.mark.parametrize("status, phase, words", [
    ({}, Phase.READY, "2 of 2 pods are available"),
    ({"observedGeneration": 0}, Phase.WAITING, "has not seen the change"),
    ({"updatedReplicas": 1}, Phase.WAITING, "1 of 2 pods have the new template"),
    ({"availableReplicas": 1}, Phase.WAITING, "1 of 2"),
])
def test_counts(kind: str, status: dict[str, Any], phase: Phase, words: str) -> None:
    web = workload(kind)
    web["status"].update(status)
    readiness = rollout_readiness(web)
    assert (readiness.phase, words in readiness.reason) == (phase, True), readiness


def test_deployment_with_old_pods_is_not_over() -> None:
    web = workload()
    web["status"]["replicas"] = 3
    assert rollout_readiness(web).reason == "1 pods of the old template are still to go"


def test_deployment_past_its_deadline_failed() -> None:
    web = workload()
    web["status"].update(updatedReplicas=1, conditions=[
        {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "timed out progressing"}])
    assert rollout_readiness(web) == Readiness(Phase.FAILED, "timed out progressing")


def test_stateful_set_waits_for_its_revision_and_honours_a_partition() -> None:
    db = workload("StatefulSet")
    db["status"]["updateRevision"] = "r2"
    assert rollout_readiness(db).phase is Phase.WAITING
    db["spec"]["updateStrategy"] = {"rollingUpdate": {"partition": 1}}
    db["status"]["updatedReplicas"] = 1
    assert rollout_readiness(db).phase is Phase.READY


def test_nothing_to_wait_for_at_zero_replicas() -> None:
    assert rollout_readiness(workload(replicas=0)).phase is Phase.READY


@pytest.mark.parametrize("phase_note, image, phase, words", [
    ("Complete", "registry.local/app:1", Phase.READY, "2 of 2"),
    ("Running", "registry.local/app:1", Phase.WAITING, "web-1 is Running"),
    ("Complete", "registry.local/app:0", Phase.WAITING, "no ReplicationController with the new template"),
    ("Failed", "registry.local/app:1", Phase.FAILED, "deployment web-1 failed: no reason given"),
])
def test_deployment_config(phase_note: str, image: str, phase: Phase, words: str) -> None:
    old = workload("DeploymentConfig")
    controller = {"metadata": {"name": "web-1", "annotations": {DEPLOYMENT_PHASE: phase_note}},
                  "spec": {"template": {"spec": {"containers": [container(image=image)]}}}}
    readiness = rollout_readiness(old, controller=controller)
    assert (readiness.phase, words in readiness.reason) == (phase, True), readiness


def test_deployment_config_before_its_first_version() -> None:
    assert rollout_readiness(workload("DeploymentConfig"), controller=None).phase is Phase.WAITING
