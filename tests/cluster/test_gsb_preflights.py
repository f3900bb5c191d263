"""What stands in the way of an injection, as real objects: all named in one run that changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.gsb_objects import pods_of, wait_ready
from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment

Json = dict[str, Any]

NO_OBJECTS = ("there is no Secret absent in namespace {namespace} (--pull-secret)",
              "there is no ConfigMap absent in namespace {namespace} (--ca-configmap)")
WORDS = {
    "argo": "Argo CD application shop keeps it as it is (argocd.argoproj.io/tracking-id) and would take the sidecar "
            "out again",
    "owned": "the operator of ConfigMap/database keeps it as it is (its controlling owner) and would take the sidecar "
             "out again",
    "hooked": "Kasten's webhook {namespace} injects its own sidecar into it whenever it is changed; take the labels "
              "that its selectors look for off, or switch it off (helm value "
              "injectGenericVolumeBackupSidecar.enabled)",
    "halted": "its rollouts are paused, so no new pod would start; resume it first",
    "manual": "it has no ConfigChange trigger, so a changed template rolls out only by hand; add the trigger for the "
              "injection (oc set triggers dc/NAME --from-config)",
    "kept": "its update strategy is OnDelete, so its pods stay as they are until someone deletes them; set "
            "spec.updateStrategy.type to RollingUpdate for the injection",
    "parted": "its rolling update has partition 1, which keeps pods below that number without a sidecar; set it to 0 "
              "for the injection",
}
WARNED = {
    "scaled": "horizontalpodautoscaler/scaled aims at the pods' cpu, which counts the sidecar's requests and usage",
    "single": "poddisruptionbudget/single wants 1 healthy pods; it holds evictions back, not this change",
    "several": "poddisruptionbudget/several wants 3 healthy pods; it holds evictions back, not this change, during "
               "which there may be as few as 2",
    "created": "Kasten's webhook {namespace}-create reaches it too: were it deleted and made anew",
    "related": "it belongs to ConfigMap/database",
}
SIDECAR_LABEL = "k10/injectGenericVolumeBackupSidecar"


def app(name: str, kind: str = "Deployment", *, labels: Json | None = None, annotations: Json | None = None,
        owners: list[Json] | None = None, replicas: int = 1, **spec: Any) -> Json:
    """A workload on the shared claim."""
    made = deployment(name, {"data": "/data"}, kind=kind, replicas=replicas)
    made["metadata"].update(labels=labels or {}, annotations=annotations or {}, ownerReferences=owners or [])
    made["spec"].update(spec)
    return made


def workloads(owner: str) -> list[Json]:
    """owner: the uid of ConfigMap database, which stands for an operator's own kind."""
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "database", "uid": owner}
    return [
        app("argo", annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:x/argo"}),
        app("owned", owners=[{**reference, "controller": True}]), app("related", owners=[reference]),
        app("hooked", labels={SIDECAR_LABEL: "true"}), app("created", labels={SIDECAR_LABEL: "new"}),
        app("halted", "DeploymentConfig"), app("manual", "DeploymentConfig"),
        app("kept", "StatefulSet", updateStrategy={"type": "OnDelete"}),
        app("parted", "StatefulSet", updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}),
        app("scaled"), app("single", strategy={"type": "Recreate"}),
        app("several", "StatefulSet", replicas=3, podManagementPolicy="Parallel"),
    ]


def surroundings() -> list[Json]:
    target = {"type": "Utilization", "averageUtilization": 80}
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "scaled"},
              "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "scaled"},
                       "maxReplicas": 3,
                       "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]}}
    budgets = [{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": {
        "minAvailable": wanted, "selector": {"matchLabels": {"app": name}}}}
        for name, wanted in (("single", 1), ("several", 3), ("scaled", 1))]
    bundles = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {key: "no certificate"}}
               for name, key in (("ca", "custom-ca-bundle.pem"), ("misnamed", "ca.crt"))]
    return [scaler, *budgets, *bundles]


def webhook(name: str, namespace: str, *, label: str, operation: str, kasten: str) -> Json:
    """As Kasten's chart has it, for one namespace. Nobody answers it, and nothing waits for it: it is to be seen."""
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name}, "webhooks": [{
                "name": "injector.kio.kasten.io", "failurePolicy": "Ignore", "sideEffects": "None", "timeoutSeconds": 1,
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"service": {"name": "injector", "namespace": kasten}},
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "objectSelector": {"matchLabels": {SIDECAR_LABEL: label}},
                "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", operation],
                           "resources": ["deployments", "statefulsets"]}]}]}


@pytest.fixture
def kasten(make_namespace: Callable[..., Kubectl]) -> str:
    """A namespace like Kasten's: version 9.0.0, with a private CA and without a token."""
    made = make_namespace()
    executor = deployment("executor-svc", {}, replicas=0)
    executor["spec"]["template"]["spec"]["volumes"] = [
        {"name": "custom-ca-bundle-store", "configMap": {"name": "custom-ca-bundle-store"}}]
    made.apply(executor, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "k10-config"}, "data": {
        "KanisterToolsImage": "sandbox.local/kanister-tools:1", "version": "9.0.0"}})
    return made.name


@pytest.fixture
def refusing(namespace: Kubectl, kubectl: Kubectl, kasten: str) -> Iterator[Kubectl]:
    """The namespace with everything in it."""
    namespace("create", "configmap", "database")
    owner = namespace.jsonpath("get", "configmap", "database", path="{.metadata.uid}")
    made = workloads(owner)
    namespace.apply(claim("data"), *made, *surroundings())
    for one in made:
        wait_ready(namespace, one["metadata"]["name"], one["spec"]["replicas"])
    namespace("patch", "dc", "halted", "--type=merge", "-p", '{"spec": {"paused": true}}')
    namespace("patch", "dc", "manual", "--type=merge", "-p", '{"spec": {"triggers": []}}')
    names = namespace.name, f"{namespace.name}-create"
    kubectl.apply(webhook(names[0], namespace.name, label="true", operation="UPDATE", kasten=kasten),
                  webhook(names[1], namespace.name, label="new", operation="CREATE", kasten=kasten))
    healthy = "{.items[*].status.currentHealthy}"
    namespace.wait_until(lambda: namespace.jsonpath("get", "pdb", path=healthy).split() == ["1", "3", "1"],
                         "the budgets' counts")
    yield namespace
    kubectl("delete", "mutatingwebhookconfiguration", *names)


def versions(namespace: Kubectl) -> dict[str, str]:
    """The resourceVersion of each workload, pod and binding, and of what else an injection could write."""
    kinds = "deploy,sts,dc,rs,rc,pods,pvc,configmaps,secrets,roles,rolebindings,serviceaccounts"
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"]
            for one in namespace.json("get", kinds)["items"]}


def test_all_that_stands_in_the_way_is_named_in_one_run_that_changes_nothing(
    gsb: Plugin, refusing: Kubectl, kasten: str
) -> None:
    namespace, before = refusing, versions(refusing)

    def inject(*words: str) -> tuple[int, dict[str, Json], str]:
        done = gsb("inject", *words, "--k10-namespace", kasten, "-o", "json")
        return done.returncode, {item["name"]: item for item in json.loads(done.stdout)["items"]}, done.stderr

    code, items, said = inject("--all", "--pull-secret", "absent", "--ca-configmap", "absent")
    shared = [one.format(namespace=namespace.name) for one in NO_OBJECTS]
    assert {name: (item["result"], sorted(item["problems"])) for name, item in items.items()} == {
        **{name: ("refused", sorted([words.format(namespace=namespace.name), *shared]))
           for name, words in WORDS.items()},
        **{name: ("refused", sorted(shared)) for name in WARNED}}
    assert code == 3 and "12 of 12 workloads not done" in said
    assert all(f"{words.format(namespace=namespace.name)}\n" in said for words in WORDS.values())
    assert "Kasten is 9.0.0: " in said and "has no activation token" in said
    assert versions(namespace) == before

    code, items, said = inject("--all", "--dry-run=server")
    assert code == 6 and {name: item["result"] for name, item in items.items()} == {
        **dict.fromkeys(WORDS, "refused"), **dict.fromkeys(WARNED, "injected")}, said
    for name, words in WARNED.items():
        assert f": {words.format(namespace=namespace.name)}" in said, said
    assert "poddisruptionbudget/scaled" not in said, "a rolling update with a pod more does not go below it"
    assert f"Kasten trusts a private CA (ConfigMap {kasten}/custom-ca-bundle-store), the sidecar does not" in said
    code, _, said = inject("deploy/scaled", "--dry-run=server", "--ca-configmap", "ca")
    assert code == 0 and "private CA" not in said, said
    code, items, _ = inject("deploy/scaled", "--dry-run=server", "--ca-configmap", "misnamed")
    assert (code, items["scaled"]["problems"]) == (3, [
        "ConfigMap misnamed has no key custom-ca-bundle.pem, which Kasten's private CA is kept under"])
    assert versions(namespace) == before
    assert len(pods_of(namespace, "several")) == 3
