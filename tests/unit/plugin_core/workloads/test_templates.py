from __future__ import annotations

import pytest

from fakes.workloads import container, workload
from plugin_core.model.kinds import DEPLOYMENT_CONFIG, STATEFUL_SET
from plugin_core.workloads import templates


def test_kinds() -> None:
    assert templates.kind_of(workload("StatefulSet")) == STATEFUL_SET
    assert templates.kind_of(workload("DeploymentConfig")) == DEPLOYMENT_CONFIG
    with pytest.raises(ValueError, match="not a workload"):
        templates.kind_of({"apiVersion": "v1", "kind": "Pod"})


@pytest.mark.parametrize("pod_spec, expected", [
    ({}, "default"), ({"serviceAccountName": "app"}, "app"), ({"serviceAccount": "old"}, "old"),
    ({"serviceAccountName": "", "serviceAccount": ""}, "default"),
])
def test_service_account(pod_spec: dict[str, str], expected: str) -> None:
    assert templates.service_account_of(workload(pod_spec=pod_spec)) == expected


@pytest.mark.parametrize("spec, expected", [
    ({"replicas": 0}, 0), ({"replicas": 3}, 3), ({"replicas": None}, 1), ({}, 1),
])
def test_replicas(spec: dict[str, int | None], expected: int) -> None:
    assert templates.replicas_of({"spec": spec}) == expected


@pytest.mark.parametrize("kind, selector, expected", [
    ("Deployment", {"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
    ("DeploymentConfig", {"a": "1"}, "a=1"),
    ("StatefulSet", {"matchExpressions": [
        {"key": "a", "operator": "In", "values": ["1", "2"]}, {"key": "b", "operator": "NotIn", "values": ["3"]},
        {"key": "c", "operator": "Exists"}, {"key": "d", "operator": "DoesNotExist"}]}, "a in (1,2),b notin (3),c,!d"),
    ("Deployment", None, ""),
])
def test_selector(kind: str, selector: object, expected: str) -> None:
    assert templates.selector_of(workload(kind, selector=selector)) == expected


def test_pod_of_a_stateful_set_has_its_claims_as_volumes() -> None:
    db = workload("StatefulSet", "db", containers=[container(mounts={"data": "/d", "tmp": "/t"})],
                  volumes=[{"name": "tmp", "emptyDir": {}}, {"name": "data", "emptyDir": {}}],
                  volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {}}])
    pod = templates.pod_from(db)
    assert pod["metadata"]["generateName"] == "db-"
    assert pod["spec"]["volumes"] == [
        {"name": "tmp", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]
    assert db["spec"]["template"]["spec"]["volumes"][1] == {"name": "data", "emptyDir": {}}, "changed the argument"
