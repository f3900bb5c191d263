"""A Bound claim that asks for more than it has: one case for each of those who may hold it up."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.storage import NAMESPACE, claim, event, timestamp
from kubectl_rwx.diagnosis.links import State, Verdict
from plugin_core.model.manifests import Manifest
from unit.kubectl_rwx.diagnosis.chains import CLUSTER_WIDE, first, ground, lease, walk, workload

LEASE = "external-resizer-one-csi-test"
FIELDS = {"f:spec": {"f:resources": {"f:requests": {"f:storage": {}}}}}


def growing(*conditions: str, asked: float = 60, message: str = "") -> Manifest:
    """Has 1Gi and asks for 2Gi, since `asked` seconds; the conditions hold for a minute."""
    made = claim(managedFields=[{"manager": "kubectl-patch", "time": timestamp(seconds_ago=asked), "fieldsV1": FIELDS}])
    made["spec"]["resources"]["requests"]["storage"] = "2Gi"
    made["status"]["conditions"] = [
        {"type": kind, "status": "True", "message": message, "lastTransitionTime": timestamp(seconds_ago=60)}
        for kind in conditions
    ]
    return made


def said(reason: str, message: str, *, seconds_ago: float = 0) -> Manifest:
    made = event("PersistentVolumeClaim", "data", reason=reason, message=message)
    return {**made, "lastTimestamp": timestamp(seconds_ago=seconds_ago)}


def pod(*, node: str = "node-a", phase: str = "Running") -> Manifest:
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {"nodeName": node, "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(("subject", "around", "expected"), [
    (growing("ControllerResizeError", message="code = Internal desc = full"), [],
     ("broken", "expansion", "expansion-failed")),
    (growing("FileSystemResizePending", "NodeResizeError", message="resize2fs"), [pod()],
     ("broken", "expansion", "node-expansion-failed")),
    (growing(), [said("VolumeResizeFailed", "code = OutOfRange desc = too large")],
     ("broken", "expansion", "expansion-failed")),
    (growing("Resizing"), [], ("waiting", "expansion", "expansion-going-on")),
    (growing("FileSystemResizePending"), [], ("waiting", "expansion", "expansion-waits-for-pod")),
    (growing("FileSystemResizePending"), [pod(node="", phase="Pending")],
     ("waiting", "expansion", "expansion-waits-for-pod")),
    (growing("FileSystemResizePending"), [pod()], ("suspect", "expansion", "node-expansion-silent")),
    (growing(), [said("VolumeResizeSuccessful", "Resize volume succeeded")],
     ("broken", "expansion", "expansion-not-done")),
    (growing(asked=5), [], ("waiting", "csi-resizer sidecar", "")),
    (growing(), [], ("suspect", "csi-resizer sidecar", "resizer-silent")),
    (growing(), [lease(LEASE, seconds_ago=900)], ("broken", "csi-resizer sidecar", "resizer-stopped")),
    (growing(), [workload("one", "registry/csi-resizer:v2", ready=0, arguments="one.csi.test")],
     ("broken", "csi-resizer sidecar", "resizer-stopped")),
    (growing(), [lease(LEASE, seconds_ago=1)], ("suspect", "csi-resizer sidecar", "resizer-silent")),
])
def test_who_holds_a_growing_claim_up(
    subject: Manifest, around: list[Manifest], expected: tuple[str, str, str]
) -> None:
    chain = walk(subject, *ground(claim=None), *around)
    assert first(chain) == expected
    assert not chain.ready and chain.verdict is Verdict(expected[0])
    assert chain.first and "it has 1Gi and asks for 2Gi" in chain.first.observed


@pytest.mark.parametrize("reason", ["VolumeResizeSuccessful", "VolumeResizeFailed"])
def test_the_end_of_an_earlier_growth_says_nothing_of_this_one(reason: str) -> None:
    chain = walk(growing(), *ground(claim=None), said(reason, "of yesterday", seconds_ago=90))
    assert first(chain) == ("suspect", "csi-resizer sidecar", "resizer-silent")


def test_what_is_meant_to_last_is_told_as_that() -> None:
    chain = walk(growing(), *ground(claim=None), said("VolumeResizeFailed", "code = OutOfRange desc = too large"))
    assert chain.first and "looks final (OutOfRange)" in chain.first.matters


def test_a_claim_that_has_what_it_asks_for_has_no_such_link() -> None:
    shrunk: dict[str, Any] = claim()
    shrunk["status"]["capacity"]["storage"] = "4Gi"
    for subject in (claim(), shrunk):
        chain = walk(subject, *ground(claim=None))
        assert chain.ready and "expansion" not in {link.name for link in chain.links}


def test_with_rights_in_one_namespace_only_it_stays_a_suspicion() -> None:
    chain = walk(growing(), *ground(claim=None), lease(LEASE, seconds_ago=900), denied=CLUSTER_WIDE)
    assert first(chain) == ("suspect", "csi-resizer sidecar", "resizer-silent")
    assert chain.first and "may not be read" in chain.first.observed
    silent = walk(growing(), *ground(claim=None), denied=("list events",))
    assert any(link.state is State.UNSEEN and link.name == "events" for link in silent.links)


def test_where_pods_may_not_be_read_nothing_is_said_to_be_fine() -> None:
    chain = walk(growing("FileSystemResizePending"), *ground(claim=None), denied=("list pods",))
    assert first(chain) == ("suspect", "expansion", "node-expansion-silent")
    assert chain.first and "pods may not be read" in chain.first.observed and not chain.first.command
