from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.workloads import NAMESPACE, claim, claim_volume, container, pod, replica_set, workload
from plugin_core.model.manifests import Manifest
from plugin_core.workloads.claim_names import claim_names_of
from plugin_core.workloads.owners import find_managers
from plugin_core.workloads.templates import template_of
from plugin_core.workloads.writers import find_writers, writing_pods


def one_pod(*, volumes: list[Manifest] | None = None, phase: str = "Running", **container_fields: Any) -> Manifest:
    mounts = container_fields.pop("mounts", {"data": "/data"})
    owner = workload(containers=[container(mounts=mounts, **container_fields)], volumes=volumes)
    made = pod("web-0", owner, template_of(owner))
    made["status"]["phase"] = phase
    return made


def owned_by(made: Manifest, owner: Manifest) -> Manifest:
    made["metadata"]["ownerReferences"] = [{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": True,
    }]
    return made


READ_ONLY = {"name": "data", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}}


@pytest.mark.parametrize("found, writes", [
    (one_pod(), True),
    (one_pod(phase="Pending"), True),
    (one_pod(phase="Succeeded"), False),
    (one_pod(phase="Failed"), False),
    (one_pod(volumes=[READ_ONLY]), False),
    (one_pod(volumes=[claim_volume("data", "other")]), False),
    (one_pod(mounts={}), False),
    (one_pod(mounts={}, volumeMounts=[{"name": "data", "mountPath": "/data", "readOnly": True}]), False),
    (one_pod(mounts={}, volumeDevices=[{"name": "data", "devicePath": "/dev/x"}]), True),
])
def test_who_writes(found: Manifest, writes: bool) -> None:
    assert bool(writing_pods([found], ["data"])) is writes


def test_an_ephemeral_volumes_claim_is_named_after_pod_and_volume() -> None:
    made = one_pod(volumes=[{"name": "data", "ephemeral": {"volumeClaimTemplate": {}}}])
    assert [claims for _, claims, _ in writing_pods([made], ["web-0-data"])] == [("web-0-data",)]


def test_an_init_container_counts_while_the_pod_starts_and_as_a_sidecar() -> None:
    made = one_pod(mounts={})
    made["spec"]["initContainers"] = [container("init", mounts={"data": "/data"})]
    assert writing_pods([made], ["data"]) == []
    made["spec"]["initContainers"][0]["restartPolicy"] = "Always"
    assert [names for _, _, names in writing_pods([made], ["data"])] == [("init",)]
    del made["spec"]["initContainers"][0]["restartPolicy"]
    made["status"]["phase"] = "Pending"
    assert writing_pods([made], ["data"])


def test_owners_are_found_through_replica_sets() -> None:
    owner = workload()
    between = owned_by(replica_set(owner, 1), owner)
    pods = [owned_by(pod("web-0", owner, template_of(owner)), between)]
    lone = pod("lone", owner, template_of(owner))
    del lone["metadata"]["ownerReferences"]
    strange = owned_by(pod("kafka-0", owner, template_of(owner)),
                       {"apiVersion": "strimzi.io/v1", "kind": "StrimziPodSet",
                        "metadata": {"name": "kafka", "uid": "u1"}})
    cluster = FakeCluster([owner, between, *pods, lone, strange])
    writers = find_writers(cluster, ["data"], namespace=NAMESPACE)
    assert [(str(writer), writer.managed) for writer in writers] == [
        ("pod/kafka-0 (strimzipodset/kafka)", False), ("pod/lone (no owner)", False),
        ("pod/web-0 (deployment/web)", True),
    ]
    assert cluster.requests.count("list replicasets.apps") == 1


@pytest.mark.parametrize("metadata, words, sure", [
    ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD keeps it in step with Git", False),
    ({"annotations": {"argocd.argoproj.io/tracking-id": "shop"}}, "Argo CD keeps it in step with Git", False),
    ({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, "Flux keeps it in step with Git", False),
    ({"ownerReferences": [{"kind": "Postgres", "name": "db", "controller": True}]}, "postgres/db owns it", True),
])
def test_who_else_changes_a_workload(metadata: dict[str, Any], words: str, sure: bool) -> None:
    found = workload()
    found["metadata"].update(metadata)
    [manager] = find_managers(FakeCluster(), [found], namespace=NAMESPACE)["uid-Deployment-web"]
    assert manager.words.startswith(words) and manager.sure is sure and manager.fights


def test_an_autoscaler_is_noticed() -> None:
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
              "metadata": {"name": "web", "namespace": NAMESPACE},
              "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}}
    [manager] = find_managers(FakeCluster([scaler]), [workload()], namespace=NAMESPACE)["uid-Deployment-web"]
    assert "leaves it alone while it has 0 replicas" in manager.words and not manager.fights


TEMPLATE = {"metadata": {"name": "own"}, "spec": {"accessModes": ["ReadWriteOnce"]}}


@pytest.mark.parametrize("found, names", [
    (workload(), ("data",)),
    (workload("DaemonSet"), ("data",)),
    (workload(volumes=[]), ()),
    (workload("StatefulSet", volumeClaimTemplates=[TEMPLATE]), ("data", "own-web-0", "own-web-1")),
    (workload("StatefulSet", volumes=[], replicas=1, volumeClaimTemplates=[TEMPLATE], ordinals={"start": 3}),
     ("own-web-3",)),
    ({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
      "spec": {"jobTemplate": {"spec": {"template": template_of(workload())}}}}, ("data",)),
])
def test_the_claims_of_a_workload(found: Manifest, names: tuple[str, ...]) -> None:
    assert claim_names_of(FakeCluster(), found) == names


def test_a_stateful_set_without_replicas_has_the_claims_that_are_there() -> None:
    found = workload("StatefulSet", volumes=[], replicas=0, volumeClaimTemplates=[TEMPLATE])
    cluster = FakeCluster([claim("own-web-0"), claim("own-web-7"), claim("own-web-x"), claim("own-webby-0")])
    assert claim_names_of(cluster, found) == ("own-web-0", "own-web-7")
