from __future__ import annotations

from typing import Any

import pytest

from fakes.workloads import workload
from oc_gsb.sidecar.autoscaling import autoscaler_warnings, budget_warnings
from oc_gsb.sidecar.keepers import find_keepers, helm_release, machine_of, mere_owners
from oc_gsb.sidecar.rolling import surge_of, unavailable_of
from oc_gsb.sidecar.selectors import matches
from oc_gsb.sidecar.webhooks import injecting_webhooks
from plugin_core.model.manifests import Manifest


def marked(**metadata: Any) -> Manifest:
    made = workload()
    made["metadata"].update(metadata)
    return made


@pytest.mark.parametrize("metadata, names", [
    ({}, []),
    ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:a/web"}}, ["Argo CD application shop"]),
    ({"labels": {"argocd.argoproj.io/instance": "shop"}}, ["Argo CD application shop"]),
    ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, ["Flux Kustomization apps"]),
    ({"labels": {"helm.toolkit.fluxcd.io/name": "db"}}, ["Flux HelmRelease db"]),
    ({"managedFields": [{"manager": "argocd-controller", "fieldsV1": {"f:spec": {}}}]}, ["Argo CD"]),
    ({"managedFields": [{"manager": "argocd-controller", "fieldsV1": {"f:metadata": {}}}]}, []),
    ({"ownerReferences": [{"kind": "Kafka", "name": "orders", "controller": True}]}, ["the operator of Kafka/orders"]),
    ({"ownerReferences": [{"kind": "Kafka", "name": "orders"}]}, []),
    ({"labels": {"olm.owner": "db.v1", "olm.owner.kind": "ClusterServiceVersion"}},
     ["the operator of ClusterServiceVersion/db.v1"]),
    ({"labels": {"app.kubernetes.io/instance": "shop"}, "annotations": {"meta.helm.sh/release-name": "shop"}}, []),
])
def test_keepers(metadata: dict[str, Any], names: list[str]) -> None:
    assert [one.name for one in find_keepers(marked(**metadata))] == names


def test_helm_is_no_keeper() -> None:
    assert helm_release(marked(annotations={"meta.helm.sh/release-name": "shop"})) == "shop"


def test_machines() -> None:
    assert machine_of(workload()) == ""
    owner = {"kind": "VirtualMachineInstance", "name": "vm", "controller": True}
    assert machine_of(marked(ownerReferences=[owner])) == "VirtualMachineInstance/vm"
    labelled = workload()
    labelled["spec"]["template"]["metadata"]["labels"]["kubevirt.io"] = "virt-launcher"
    assert "virtual machine" in machine_of(labelled)


def webhook(operations: list[str], selector: Manifest | None = None, **service: str) -> Manifest:
    return {"metadata": {"name": "inject"}, "webhooks": [{
        "name": "a", "clientConfig": {"service": {"namespace": "kasten-io", **service}},
        "rules": [{"operations": operations, "apiGroups": ["apps"], "resources": ["deployments"]}],
        "objectSelector": selector or {}}]}


@pytest.mark.parametrize("configuration, found", [
    (webhook(["CREATE"]), [("inject", False)]), (webhook(["CREATE", "UPDATE"]), [("inject", True)]),
    (webhook(["CREATE"], {"matchLabels": {"k10": "yes"}}), []), (webhook(["CREATE"], namespace="other"), []),
])
def test_webhooks(configuration: Manifest, found: list[tuple[str, bool]]) -> None:
    where = {"metadata": {"name": "app"}}
    assert list(injecting_webhooks(workload(), [configuration], namespace=where, k10_namespace="kasten-io")) == found


@pytest.mark.parametrize("selector, fits", [
    (None, False), ({}, True), ({"matchLabels": {"app": "web"}}, True), ({"matchLabels": {"app": "db"}}, False),
    ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
    ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}, True),
    ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, False),
    ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, True),
])
def test_selectors(selector: Manifest | None, fits: bool) -> None:
    assert matches(selector, {"app": "web"}) is fits


def scaler(*metrics: Manifest, name: str = "web") -> Manifest:
    return {"metadata": {"name": "auto"}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": name},
                                                   "metrics": list(metrics)}}


def test_autoscalers_that_count_the_sidecar() -> None:
    cpu = {"type": "Resource", "resource": {"name": "cpu"}}
    own = {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app"}}
    named = {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "kanister-sidecar"}}
    said = list(autoscaler_warnings(workload(), [scaler(cpu), scaler(own), scaler(cpu, name="other"), scaler(named)]))
    assert len(said) == 2
    assert "aims at the pods' cpu, which counts the sidecar's" in said[0] and "container kanister-sidecar" in said[1]


def test_budgets_that_the_change_goes_below() -> None:
    budget = {"metadata": {"name": "keep"}, "spec": {"selector": {"matchLabels": {"app": "web"}}},
              "status": {"desiredHealthy": 1}}
    assert "wants 1 healthy pods" in next(budget_warnings(workload(), [budget], held=True))
    assert list(budget_warnings(workload(), [budget], held=False)) == []
    assert list(budget_warnings(workload("StatefulSet", replicas=1), [budget], held=False))
    assert list(budget_warnings(workload(replicas=0), [budget], held=True)) == []
    three = {**budget, "status": {"desiredHealthy": 3, "currentHealthy": 4}}
    recreated = workload(strategy={"type": "Recreate"})
    assert "there may be as few as 2" in next(budget_warnings(recreated, [three], held=False))
    assert list(budget_warnings(workload("StatefulSet"), [three], held=False)) == [], "the fourth may go"


@pytest.mark.parametrize("kind, replicas, strategy, surge, unavailable", [
    ("Deployment", 1, {}, 1, 0), ("Deployment", 4, {}, 1, 1), ("Deployment", 3, {"type": "Recreate"}, 0, 3),
    ("Deployment", 2, {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}, 0, 1),
    ("Deployment", 5, {"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "50%"}}, 3, 2),
    ("DeploymentConfig", 2, {"rollingParams": {"maxSurge": "0%", "maxUnavailable": 9}}, 0, 2),
    ("StatefulSet", 3, {}, 0, 1), ("StatefulSet", 4, {"rollingUpdate": {"maxUnavailable": "50%"}}, 0, 2),
    ("StatefulSet", 0, {}, 0, 0),
])
def test_pods_that_come_and_go_in_a_rolling_update(
    kind: str, replicas: int, strategy: Manifest, surge: int, unavailable: int
) -> None:
    key = "updateStrategy" if kind == "StatefulSet" else "strategy"
    made = workload(kind, replicas=replicas, **{key: strategy})
    assert (surge_of(made), unavailable_of(made)) == (surge, unavailable)


def test_owners_that_are_no_controllers() -> None:
    made = workload()
    made["metadata"]["ownerReferences"] = [{"kind": "Shop", "name": "a"},
                                           {"kind": "Data", "name": "b", "controller": True}]
    assert mere_owners(made) == ("Shop/a",) and [one.name for one in find_keepers(made)] == ["the operator of Data/b"]
