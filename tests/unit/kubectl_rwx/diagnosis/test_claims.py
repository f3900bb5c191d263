"""The first broken link of a claim: one case for each way to break the chain."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.storage import DRIVER, NAMESPACE, claim, event, snapshot, storage_class, timestamp
from kubectl_rwx.diagnosis.absences import walk_absent
from kubectl_rwx.diagnosis.deletions import CUT_PROTECTION
from kubectl_rwx.diagnosis.links import State, Verdict
from kubectl_rwx.diagnosis.sights import Sight
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest
from unit.kubectl_rwx.diagnosis.chains import (
    CLUSTER_WIDE,
    SERVED,
    bound_content,
    csi_node,
    first,
    ground,
    lease,
    walk,
    workload,
)

ACTED = event("PersistentVolumeClaim", "new", reason="Provisioning", message="x", type="Normal")
UNREGISTERED = f"driver name {DRIVER} not found in the list of registered CSI drivers"


def pending(**options: Any) -> Manifest:
    made = claim("new", phase="Pending", creationTimestamp=timestamp(seconds_ago=60),
                 **{key: value for key, value in options.items() if key not in ("source", "no_class", "deleted")})
    if "source" in options:
        made["spec"]["dataSource"] = {"kind": options["source"][0], "name": options["source"][1]}
    if options.get("no_class"):
        del made["spec"]["storageClassName"]
    return made


def pod(name: str, *claims: str, node: str = "node-a", phase: str = "Pending", **status: Any) -> Manifest:
    waiting = [{"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}}] if phase == "Pending" else []
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "creationTimestamp": timestamp(seconds_ago=60)},
        "spec": {"nodeName": node, "volumes": [{"name": one, "persistentVolumeClaim": {"claimName": one}}
                                               for one in claims]},
        "status": {"phase": phase, "containerStatuses": waiting, **status},
    }


def failed(message: str) -> Manifest:
    return event("PersistentVolumeClaim", "new", reason="ProvisioningFailed", message=message)


def late() -> list[Manifest]:
    return ground(storage_class=storage_class(binding="WaitForFirstConsumer"))


def refused(message: str) -> list[Manifest]:
    spec = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "new"}}]}
    replicas = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-1", "namespace": NAMESPACE},
                "spec": {"template": {"spec": spec}}}
    return [replicas, event("ReplicaSet", "web-1", reason="FailedCreate", message=message)]


UNSCHEDULED = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                               "message": "0/2 nodes are available"}]}


@pytest.mark.parametrize(("subject", "around", "expected"), [
    (pending(storage_class="gone"), ground(), ("broken", "storage class", "storage-class-missing")),
    (pending(no_class=True), ground(), ("broken", "storage class", "no-default-storage-class")),
    (pending(storage_class=""), ground(), ("suspect", "storage class", "volume-by-hand")),
    (pending(), late(), ("waiting", "first consumer", "waits-for-first-consumer")),
    (pending(), [*late(), pod("web", "new", node="", **UNSCHEDULED)],
     ("broken", "first consumer", "consumer-not-scheduled")),
    (pending(), [*late(), *refused("pods web-1 is forbidden: exceeded quota: small")],
     ("broken", "quota", "quota-exceeded")),
    (pending(), [*late(), *refused("violates PodSecurity")], ("broken", "first consumer", "consumer-refused")),
    (pending(), ground(), ("suspect", "csi-provisioner sidecar", "provisioner-silent")),
    (pending(), [*ground(), lease("one-csi-test", seconds_ago=900)],
     ("broken", "csi-provisioner sidecar", "provisioner-stopped")),
    (pending(), [*ground(), workload("one", "registry/csi-provisioner:v6", ready=0, arguments="one.csi.test")],
     ("broken", "csi-provisioner sidecar", "provisioner-stopped")),
    (pending(), ground(csi_driver=None, csi_node=csi_node("node-a")), ("broken", "driver", "driver-absent")),
    (pending(), [*ground(), failed("code = InvalidArgument")],
     ("broken", "driver's answer", "provisioning-failed-final")),
    (pending(), [*ground(), failed("timed out")], ("broken", "driver's answer", "provisioning-failed-retried")),
    (pending(source=("VolumeSnapshot", "nightly")), [*ground(), ACTED], ("broken", "source", "source-missing")),
    (pending(source=("VolumeSnapshot", "nightly")), [*ground(), ACTED, snapshot(ready=False)],
     ("broken", "source", "source-not-ready")),
    (pending(source=("VolumeSnapshot", "nightly")), [*ground(), ACTED, snapshot(deletionTimestamp=timestamp())],
     ("broken", "source", "source-deleting")),
    (pending(source=("VolumeSnapshot", "nightly"), size="16Mi"), [*ground(), ACTED, snapshot(), bound_content()],
     ("broken", "size", "restore-too-small")),
    (pending(source=("VolumeSnapshot", "nightly")), [
        *ground(), ACTED, snapshot(), {**bound_content(), "spec": {"driver": "two.csi.test"}}],
     ("broken", "source", "source-of-another-driver")),
    (pending(source=("PersistentVolumeClaim", "data"), size="16Mi"), [*ground(), ACTED],
     ("broken", "size", "restore-too-small")),
    (claim("new"), ground(), ("broken", "volume", "volume-missing")),
    (claim(), [*ground(claim=None, csi_node=csi_node("node-a")), pod("web", "data")],
     ("broken", "node plugin", "node-plugin-absent")),
    (claim(), [*ground(claim=None), pod("web", "data"), event(
        "Pod", "web", reason="FailedMount", message='MountVolume.SetUp failed for volume "pv-data": no route')],
     ("broken", "mount", "mount-failed")),
    (claim(deletionTimestamp=timestamp(seconds_ago=99), finalizers=["kubernetes.io/pvc-protection"]),
     [*ground(claim=None), pod("web", "data", phase="Running")], ("broken", "deletion", "held-by-pod")),
    (claim(deletionTimestamp=timestamp(seconds_ago=99), finalizers=["f"]), [*ground(claim=None), snapshot(ready=False)],
     ("broken", "deletion", "held-by-snapshot")),
    (claim(deletionTimestamp=timestamp(seconds_ago=99), finalizers=[CUT_PROTECTION]), [*ground(claim=None), snapshot()],
     ("broken", "deletion", "finalizer-forgotten")),
    (claim(deletionTimestamp=timestamp(), finalizers=[CUT_PROTECTION]), ground(claim=None),
     ("waiting", "deletion", "held-by-finalizer")),
    (claim(phase="Lost"), ground(claim=None), ("broken", "volume", "volume-missing")),
])
def test_the_first_broken_link(subject: Manifest, around: list[Manifest], expected: tuple[str, str, str]) -> None:
    assert first(walk(subject, *around)) == expected


def test_a_bound_claim_is_healthy_with_evidence() -> None:
    chain = walk(claim(), *ground(claim=None), pod("web", "data", phase="Running"))
    assert chain.verdict is Verdict.HEALTHY
    assert [link.observed for link in chain.links] == [
        "Bound to persistentvolume/pv-data, 1Gi", "one.csi.test has a CSIDriver object and is on 1 of 1 nodes",
        "mounted by 1 pod on node-a",
    ]


@pytest.mark.parametrize(("subject", "around", "expected"), [
    (pending(storage_class="gone"), [failed('storageclass.storage.k8s.io "gone" not found')],
     ("broken", "storage class", "storage-class-missing")),
    (pending(), [event("PersistentVolumeClaim", "new", reason="WaitForFirstConsumer", message="x", type="Normal")],
     ("waiting", "first consumer", "waits-for-first-consumer")),
    (pending(), [failed("code = ResourceExhausted")], ("broken", "driver's answer", "provisioning-failed-retried")),
    (claim(), [pod("web", "data"), event("Pod", "web", reason="FailedMount", message=UNREGISTERED)],
     ("broken", "node plugin", "node-plugin-absent")),
])
def test_with_rights_in_one_namespace_only(
    subject: Manifest, around: list[Manifest], expected: tuple[str, str, str]
) -> None:
    chain = walk(subject, *around, denied=CLUSTER_WIDE)
    assert first(chain) == expected
    assert all(link.state is not State.OK or link.name in ("csi-provisioner sidecar", "mount") for link in chain.links)


def test_without_events_nobody_is_said_to_be_idle() -> None:
    chain = walk(pending(), *ground(), denied=["list events"])
    assert chain.verdict is Verdict.UNKNOWN and {link.name for link in chain.unseen} == {
        "csi-provisioner sidecar", "events"}


def quota(key: str, *, used: str, hard: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": NAMESPACE},
            "status": {"hard": {key: hard}, "used": {key: used}}}


@pytest.mark.parametrize(("kind", "around", "code"), [
    (PERSISTENT_VOLUME_CLAIM, [event("StatefulSet", "db", reason="FailedCreate", message=(
        'create Claim data-db-0 for Pod db-0 in StatefulSet db failed error: persistentvolumeclaims "data-db-0" is '
        "forbidden: exceeded quota: small"))], "quota-exceeded"),
    (PERSISTENT_VOLUME_CLAIM, [quota("persistentvolumeclaims", used="2", hard="2")], "quota-exhausted"),
    (PERSISTENT_VOLUME_CLAIM, [quota("requests.storage", used="1Gi", hard="1024Mi")], "quota-exhausted"),
    (PERSISTENT_VOLUME_CLAIM, [quota("persistentvolumeclaims", used="1", hard="2")], ""),
    (PERSISTENT_VOLUME_CLAIM, [quota("pods", used="2", hard="2")], ""),
    (VOLUME_SNAPSHOT, [quota("count/volumesnapshots.snapshot.storage.k8s.io", used="3", hard="3")], "quota-exhausted"),
])
def test_why_an_object_is_not_there(kind: Any, around: list[Manifest], code: str) -> None:
    sight = Sight(FakeCluster(around, groups=SERVED), namespace=NAMESPACE)
    chain = walk_absent(sight, kind, "data-db-0", namespace=NAMESPACE)
    assert (first(chain)[2] if chain else "") == code
