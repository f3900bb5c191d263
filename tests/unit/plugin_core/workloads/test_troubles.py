from __future__ import annotations

from typing import Any

from fakes.workloads import pod, workload
from plugin_core.workloads.templates import template_of
from plugin_core.workloads.troubles import event_troubles, is_creating, pod_troubles

WEB = workload()


def event(reason: str, message: str, *, uid: str = "u1", when: str = "2026-01-01T00:00:05Z", kind: str = "Warning",
          ) -> dict[str, Any]:
    return {"type": kind, "reason": reason, "message": message, "lastTimestamp": when,
            "involvedObject": {"uid": uid, "kind": "ReplicaSet", "name": "web-1"}}


def test_a_healthy_pod_has_none() -> None:
    assert pod_troubles([pod("a", WEB, template_of(WEB))]) == ()


def test_image_pulls_are_stuck_and_quoted() -> None:
    found = pod_troubles([pod("a", WEB, template_of(WEB), ready=False, waiting="ImagePullBackOff")])
    assert [str(one) for one in found] == ["pod/a container app: ImagePullBackOff: ImagePullBackOff message"]
    assert found[0].stuck and found[0].short == "pod/a container app: ImagePullBackOff"


def test_creating_is_no_trouble() -> None:
    creating = pod("a", WEB, template_of(WEB), ready=False, waiting="ContainerCreating")
    assert pod_troubles([creating]) == ()
    assert is_creating(creating) and not is_creating(pod("b", WEB, template_of(WEB)))


def test_unschedulable_may_pass() -> None:
    one = pod("a", WEB, template_of(WEB), ready=False)
    one["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                                    "message": "0/2 nodes are available"}]
    assert [(str(found), found.stuck) for found in pod_troubles([one])] == [
        ("pod/a: Unschedulable: 0/2 nodes are available", False)]


def test_refusals_are_told_verbatim_once() -> None:
    words = 'pods "web-1-" is forbidden: unable to validate against any security context constraint'
    events = [event("FailedCreate", words), event("FailedCreate", words), event("FailedCreate", "x", uid="2")]
    found = event_troubles(events, about={"u1"})
    assert [str(one) for one in found] == [f"replicaset/web-1: FailedCreate: {words}"]
    assert found[0].stuck


def test_a_later_success_ends_it() -> None:
    events = [event("FailedCreate", "no"), event("SuccessfulCreate", "yes", when="2026-01-01T00:00:09Z", kind="Normal")]
    assert event_troubles(events, about={"u1"}) == ()
    assert event_troubles([*events, event("FailedCreate", "again", when="2026-01-01T00:00:10Z")], about={"u1"})


def test_normal_and_other_events_are_not_troubles() -> None:
    assert event_troubles([event("Pulled", "x", kind="Normal"), event("Unhealthy", "probe")], about={"u1"}) == ()
