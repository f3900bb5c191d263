"""The first broken link of a snapshot that is not ready: one case for each way to break the chain."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.storage import claim, content, event, snapshot, snapshot_class, timestamp, volume
from kubectl_rwx.diagnosis.explanations import explain_snapshots
from kubectl_rwx.diagnosis.links import State, Verdict
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

UNTOUCHED = snapshot(ready=False, content="", size=None)
BOUND = snapshot(ready=False, size=None)
CONTROLLER, SIDECAR = "snapshot-controller-leader", "external-snapshotter-leader-one-csi-test"
STOPPED = workload("csi-snapshot-controller", "registry/csi-snapshot-controller@sha256:1", ready=0)


def without(**replaced: Any) -> list[Manifest]:
    return ground(**replaced)


def named(wanted: str | None, **options: Any) -> Manifest:
    """A snapshot with another class, or none."""
    made = snapshot(ready=False, content="", size=None, **options)
    made["spec"]["volumeSnapshotClassName"] = wanted
    return made


def terminating(made: Manifest, *finalizers: str, seconds_ago: float = 600) -> Manifest:
    made["metadata"].update({"deletionTimestamp": timestamp(seconds_ago=seconds_ago), "finalizers": list(finalizers)})
    return made


def given_handle(**status: Any) -> Manifest:
    made = bound_content(**status)
    made["spec"]["source"] = {"snapshotHandle": "h-9"}
    return made


def misbound(**ref: str) -> Manifest:
    made = bound_content()
    made["spec"]["volumeSnapshotRef"].update(ref)
    return made


def restoring(phase: str = "Pending") -> Manifest:
    made = claim("copy", phase=phase)
    made["spec"]["dataSource"] = {"kind": "VolumeSnapshot", "name": "nightly", "apiGroup": "snapshot.storage.k8s.io"}
    return made


@pytest.mark.parametrize(("subject", "around", "expected"), [
    (UNTOUCHED, ground(), ("suspect", "snapshot-controller", "controller-silent")),
    (UNTOUCHED, [*ground(), lease(CONTROLLER, seconds_ago=3)], ("suspect", "snapshot-controller", "controller-silent")),
    (UNTOUCHED, [*ground(), lease(CONTROLLER, seconds_ago=900)],
     ("broken", "snapshot-controller", "controller-stopped")),
    (UNTOUCHED, [*ground(), lease(CONTROLLER, seconds_ago=90, holder="")],
     ("broken", "snapshot-controller", "controller-stopped")),
    (UNTOUCHED, [*ground(), STOPPED], ("broken", "snapshot-controller", "controller-stopped")),
    (snapshot(ready=False, content="", seconds_ago=3), ground(), ("waiting", "snapshot-controller", "")),
    (BOUND, [*ground(), bound_content(readyToUse=True, snapshotHandle="h-1")],
     ("suspect", "snapshot-controller", "controller-silent")),
    (named("gone", error='volumesnapshotclass "gone" not found'), ground(),
     ("broken", "snapshot class", "class-missing")),
    (named("two", error="x"), [*ground(), snapshot_class("two", driver="two.csi.test")],
     ("broken", "snapshot class", "class-of-another-driver")),
    (named(None, error="x"), ground(), ("broken", "snapshot class", "no-default-class")),
    (named(None, error="x"),
     without(snapshot_class=snapshot_class(default=True), other=snapshot_class("two", default=True)),
     ("broken", "snapshot class", "several-default-classes")),
    (snapshot(ready=False, content="", error="x"), without(csi_driver=None, csi_node=csi_node("node-a")),
     ("broken", "driver", "driver-absent")),
    (snapshot(ready=False, content="", error="x"), without(volume=volume(source={"hostPath": {"path": "/"}})),
     ("broken", "driver", "volume-not-csi")),
    (BOUND, [*ground(), bound_content()], ("suspect", "csi-snapshotter sidecar", "sidecar-silent")),
    (BOUND, [*ground(), bound_content(), lease(SIDECAR, seconds_ago=900)],
     ("broken", "csi-snapshotter sidecar", "sidecar-stopped")),
    (BOUND, [*ground(), bound_content(), workload("one-controller", "registry/csi-snapshotter:v8", ready=0,
                                                  arguments="--drivername=one.csi.test")],
     ("broken", "csi-snapshotter sidecar", "sidecar-stopped")),
    (snapshot(ready=False, content="", error="not bound"), without(claim=claim(phase="Pending")),
     ("broken", "claim", "claim-unbound")),
    (snapshot(ready=False, content="", error="x"), without(claim=None), ("broken", "claim", "claim-missing")),
    (BOUND, ground(), ("broken", "content", "content-missing")),
    (BOUND, [*ground(), misbound(name="other")], ("broken", "content", "content-not-bound")),
    (BOUND, [*ground(), misbound(uid="of-an-earlier-one")], ("broken", "content", "content-not-bound")),
    (snapshot(ready=False, error="x"), [*ground(), given_handle(error={"message": "no snapshot h-9"})],
     ("broken", "content", "handle-not-confirmed")),
    (BOUND, [*ground(), bound_content(error={"message": "rpc error: code = InvalidArgument desc = no"})],
     ("broken", "status.error", "driver-error-final")),
    (BOUND, [*ground(), bound_content(error={"message": "rpc error: code = Aborted desc = busy"})],
     ("broken", "status.error", "driver-error-retried")),
    (BOUND, [*ground(), bound_content(readyToUse=False, snapshotHandle="h-1")],
     ("waiting", "content", "not-ready-yet")),
    (terminating(snapshot(), "f"), [*ground(), bound_content(snapshotHandle="h"), restoring()],
     ("broken", "deletion", "held-by-restore")),
    (terminating(snapshot(), "f"), [*ground(), bound_content(error={"message": "in use"})],
     ("broken", "deletion", "held-by-driver")),
    (terminating(snapshot(), "f"), [*ground(), bound_content(), lease(SIDECAR, seconds_ago=900)],
     ("broken", "csi-snapshotter sidecar", "sidecar-stopped")),
    (terminating(snapshot(), "f"), [*ground(), bound_content(), lease(CONTROLLER, seconds_ago=900)],
     ("broken", "snapshot-controller", "controller-stopped")),
    (terminating(snapshot(), "f"), [*ground(), bound_content(), restoring("Bound")],
     ("broken", "deletion", "held-by-finalizer")),
    (terminating(snapshot(), "f", seconds_ago=2), [*ground(), bound_content()],
     ("waiting", "deletion", "held-by-finalizer")),
    (snapshot(), ground(), ("broken", "content", "content-missing")),
])
def test_the_first_broken_link(subject: Manifest, around: list[Manifest], expected: tuple[str, str, str]) -> None:
    assert first(walk(subject, *around)) == expected


@pytest.mark.parametrize(("served", "code"), [({}, "snapshot-api-absent"),
                                              ({"snapshot.storage.k8s.io": ["v1beta1"]}, "snapshot-api-old")])
def test_the_api_comes_first(served: dict[str, list[str]], code: str) -> None:
    assert first(walk(UNTOUCHED, *ground(), served=served)) == ("broken", "snapshot API", code)


def test_a_ready_snapshot_is_healthy_with_evidence_though_its_class_is_gone() -> None:
    chain = walk(snapshot(), *without(snapshot_class=None), bound_content(snapshotHandle="h-1", readyToUse=True))
    assert chain.verdict is Verdict.HEALTHY and {link.state for link in chain.links} == {State.OK}
    assert "handle h-1" in chain.links[-2].observed and "readyToUse, cut" in chain.links[-1].observed


@pytest.mark.parametrize(("subject", "expected"), [
    (UNTOUCHED, ("suspect", "snapshot-controller", "controller-silent")),
    (BOUND, ("suspect", "csi-snapshotter sidecar", "sidecar-silent")),
    (named("gone", error='Failed: volumesnapshotclass.snapshot.storage.k8s.io "gone" not found'),
     ("broken", "snapshot class", "class-missing")),
    (snapshot(ready=False, error="VolumeSnapshotContent is missing"), ("broken", "content", "content-missing")),
    (snapshot(ready=False, error="[x] is bound to a different snapshot"), ("broken", "content", "content-not-bound")),
    (snapshot(ready=False, error="code = Unavailable"), ("broken", "status.error", "driver-error-retried")),
])
def test_with_rights_in_one_namespace_only(subject: Manifest, expected: tuple[str, str, str]) -> None:
    chain = walk(subject, claim(), denied=CLUSTER_WIDE)
    assert first(chain) == expected
    assert chain.unseen and all("forbidden" in link.observed for link in chain.unseen)


def test_what_may_not_be_read_is_never_called_fine() -> None:
    everything = [*CLUSTER_WIDE, "list events", "get persistentvolumeclaims"]
    chain = walk(snapshot(ready=False, error="x", content=""), denied=everything)
    assert {link.name for link in chain.unseen} >= {"snapshot class", "claim", "events"}
    sound = {link.name for link in chain.links if link.state is State.OK}
    assert sound == {"snapshot API", "snapshot-controller"}


def test_events_that_may_not_be_read_are_not_said_to_be_absent() -> None:
    link = walk(UNTOUCHED, *ground(), denied=["list events"]).first
    assert link and "events may not be read" in link.observed and "no event" not in link.observed


def test_a_strange_sidecar_proves_nothing() -> None:
    other = workload("other", "registry/csi-snapshotter:v8", ready=0, arguments="--drivername=two.csi.test")
    link = walk(BOUND, *ground(), bound_content(), other).first
    assert link and link.state is State.SUSPECT
    assert "1 workloads have a csi-snapshotter and do not name" in link.observed


def test_an_answer_of_the_driver_outweighs_a_missing_registration() -> None:
    failing = bound_content(error={"message": "code = Aborted"})
    chain = walk(BOUND, *without(csi_driver=None, csi_node=csi_node("node-a")), failing)
    assert first(chain)[1] == "status.error"


def test_a_warning_that_nothing_else_tells_of_is_suspect() -> None:
    said = event("VolumeSnapshot", "nightly", reason="SnapshotFinalizerError", message="conflict")
    chain = walk(BOUND, *ground(), bound_content(readyToUse=False, snapshotHandle="h-1"), said)
    assert first(chain) == ("suspect", "events", "warning-event")
    assert "SnapshotFinalizerError: conflict" in chain.events[0]


def test_hundreds_cost_no_more_requests_than_one() -> None:
    def requests(count: int) -> list[str]:
        many = [snapshot(f"s-{number}", ready=False, size=None) for number in range(count)]
        contents = [content(f"content-s-{number}", handle="") for number in range(count)]
        cluster = FakeCluster([*ground(), *many, *contents], groups=SERVED)
        explained = explain_snapshots(cluster, many, namespace="app")
        assert len(explained) == count
        return cluster.requests

    assert len(requests(300)) <= len(requests(9)) <= 16
