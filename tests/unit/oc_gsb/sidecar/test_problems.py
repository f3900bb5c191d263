from __future__ import annotations

from typing import Any

import pytest

from fakes.workloads import claim, container, workload
from oc_gsb.sidecar.problems import (
    ENFORCE,
    LABEL_SYNC,
    LABEL_SYNCER,
    namespace_problems,
    reason_to_stop,
    workload_problems,
)
from plugin_core.model.manifests import Manifest


def test_a_plain_workload_has_none() -> None:
    for kind in ("Deployment", "StatefulSet"):
        assert workload_problems(workload(kind), k10_namespace="kasten-io") == []
    assert workload_problems(workload("DeploymentConfig", triggers=[{"type": "ConfigChange"}]), k10_namespace="k") == []
    assert workload_problems(workload("DeploymentConfig"), k10_namespace="k") == []


@pytest.mark.parametrize("made, words", [
    (workload(paused=True), "rollouts are paused"),
    (workload("DeploymentConfig", paused=True), "rollouts are paused"),
    (workload("DeploymentConfig", triggers=[]), "no ConfigChange trigger"),
    (workload("DeploymentConfig", triggers=[{"type": "ImageChange"}]), "no ConfigChange trigger"),
    (workload("StatefulSet", updateStrategy={"type": "OnDelete"}), "update strategy is OnDelete"),
    (workload("StatefulSet", updateStrategy={"rollingUpdate": {"partition": 1}}), "partition 1"),
    (workload(pod_spec={"containers": [container("compute", image="kubevirt/virt-launcher:1", mounts={"data": "/d"})]}),
     "out of virtual machines"),
    (workload(volumes=[]), "nothing to back up"),
])
def test_workload_problems(made: Manifest, words: str) -> None:
    assert words in "; ".join(workload_problems(made, k10_namespace="kasten-io"))


def test_kastens_own_namespace_is_refused() -> None:
    assert "Kasten's own namespace" in workload_problems(workload(), k10_namespace="app")[0]


def test_all_problems_at_once() -> None:
    made = workload("StatefulSet", volumes=[], updateStrategy={"type": "OnDelete"}, paused=True)
    assert len(workload_problems(made, k10_namespace="k")) == 3


def namespace(labels: dict[str, str], manager: str = "") -> Manifest:
    fields = {"fieldsV1": {"f:metadata": {"f:labels": {f"f:{ENFORCE}": {}}}}, "manager": manager}
    return {"metadata": {"name": "app", "labels": labels, "managedFields": [fields]}}


@pytest.mark.parametrize("labels, manager, fits", [
    ({}, "", True), ({ENFORCE: "baseline"}, "kubectl", True), ({ENFORCE: "privileged"}, "kubectl", True),
    ({ENFORCE: "restricted"}, "kubectl", False), ({ENFORCE: "restricted"}, LABEL_SYNCER, True),
    ({ENFORCE: "restricted", LABEL_SYNC: "false"}, LABEL_SYNCER, False),
])
def test_pod_security(labels: dict[str, str], manager: str, fits: bool) -> None:
    assert (namespace_problems(namespace(labels, manager)) == []) is fits


@pytest.mark.parametrize("kind, spec, mode, stops", [
    ("Deployment", {}, "ReadWriteOnce", True),
    ("Deployment", {}, "ReadWriteOncePod", True),
    ("Deployment", {}, "ReadWriteMany", False),
    ("Deployment", {"strategy": {"type": "Recreate"}}, "ReadWriteOnce", False),
    ("Deployment", {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}}, "ReadWriteOnce", False),
    ("Deployment", {"strategy": {"rollingUpdate": {"maxSurge": "25%"}}}, "ReadWriteOnce", True),
    ("Deployment", {"replicas": 0}, "ReadWriteOnce", False),
    ("DeploymentConfig", {}, "ReadWriteOnce", True),
    ("DeploymentConfig", {"strategy": {"type": "Recreate"}}, "ReadWriteOnce", False),
    ("StatefulSet", {}, "ReadWriteOnce", False),
])
def test_reason_to_stop(kind: str, spec: dict[str, Any], mode: str, stops: bool) -> None:
    made = workload(kind)
    made["spec"].update(spec)
    reason = reason_to_stop(made, {"data": claim("data", mode)})
    assert bool(reason) is stops
    assert not stops or f"claim data is {mode}" in reason
