"""Watches: single connections as the server ends them, and follow() and wait_for() across them."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from fakes.cluster import FakeCluster
from plugin_core import errors
from plugin_core.kube import waiting
from plugin_core.kube.waiting import Phase, Readiness, follow, wait_for
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import POD
from unit.plugin_core.kube.servers import event, on, refusing, status_object

PODS = "/api/v1/namespaces/app/pods"
FORBIDDEN = refusing(f"GET {PODS}", 403, "Forbidden", 'User "jane" cannot watch resource "pods"')


def pod(name, version, phase="Pending"):
    return {"apiVersion": "v1", "kind": "Pod", "status": {"phase": phase},
            "metadata": {"name": name, "namespace": "app", "resourceVersion": version}}


def listing(*pods, version="10"):
    return on(f"GET {PODS}", {"metadata": {"resourceVersion": version}, "items": list(pods)})


def watching(*chunks, **attributes):
    return on(f"GET {PODS}", list(chunks), **attributes)


def watch(cluster):
    return list(cluster.watch(POD, resource_version="10", seconds=1, namespace="app"))


# one connection


def test_events_arrive_whatever_the_chunks(serve, cluster_at):
    first, second = event("ADDED", pod("a", "11")), event("MODIFIED", pod("a", "12"))
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "13"}})
    server = serve(watching(first[:7], first[7:] + second, "\n", bookmark))
    assert [(e.type, e.manifest["metadata"]["resourceVersion"]) for e in watch(cluster_at(server))] == [
        ("ADDED", "11"), ("MODIFIED", "12"), ("BOOKMARK", "13"),
    ]
    assert server.requests[0].query == {
        "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "10", "timeoutSeconds": "1",
    }


@pytest.mark.parametrize("code, reason", [(410, "Expired"), (500, "InternalError"), (504, "Timeout")])
def test_an_error_event_asks_for_a_new_list(serve, cluster_at, code, reason):
    server = serve(watching(event("ERROR", status_object(code, reason, "too old resource version"))))
    with pytest.raises(errors.Expired, match="too old resource version"):
        watch(cluster_at(server))


def test_other_error_events_are_told(serve, cluster_at):
    server = serve(watching(event("ERROR", status_object(403, "Forbidden", "no more"))))
    with pytest.raises(errors.Forbidden, match="no more"):
        watch(cluster_at(server))


def test_a_connection_cut_in_mid_line_ends_quietly(serve, cluster_at):
    server = serve(watching(event("ADDED", pod("a", "11")), 0.05, event("ADDED", pod("b", "12")), cut=9))
    assert [e.manifest["metadata"]["name"] for e in watch(cluster_at(server))] == ["a"]


def test_a_line_that_is_not_json_ends_quietly(serve, cluster_at):
    assert watch(cluster_at(serve(watching("<html>proxy says no</html>\n")))) == []


def test_a_server_that_falls_silent_ends_quietly(serve, cluster_at, monkeypatch):
    server = serve(watching(event("ADDED", pod("a", "11")), 1.8))
    cluster = cluster_at(server)
    send = cluster._transport.send
    monkeypatch.setattr(cluster._transport, "send", lambda *a, **k: send(*a, **{**k, "read_timeout": 0.9}))
    assert len(watch(cluster)) == 1


# follow


def look(views, count):
    """Copies of the first views, as names with their phases."""
    seen = []
    for view in views:
        seen.append({name: item["status"]["phase"] for (_, name), item in view.items()})
        if len(seen) == count:
            return seen
    return seen


def test_follow_shows_the_list_then_each_change(serve, cluster_at):
    server = serve(listing(pod("a", "9")), watching(
        event("MODIFIED", pod("a", "11", "Running")), event("ADDED", pod("b", "12")), event("DELETED", pod("a", "13")),
    ))
    views = follow(cluster_at(server), POD, deadline=Deadline.after(5), namespace="app")
    assert look(views, 4) == [
        {"a": "Pending"}, {"a": "Running"}, {"a": "Running", "b": "Pending"}, {"b": "Pending"},
    ]
    assert server.requests[1].query["resourceVersion"] == "10"


def test_follow_goes_on_where_a_dropped_watch_stopped(serve, cluster_at):
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "20"}})
    server = serve(
        listing(), watching(event("ADDED", pod("a", "11")), bookmark, 0.05, event("ADDED", pod("b", "21")), cut=5),
        watching(event("ADDED", pod("b", "21"))),
    )
    views = follow(cluster_at(server), POD, deadline=Deadline.after(5), namespace="app")
    assert look(views, 4)[-1] == {"a": "Pending", "b": "Pending"}
    assert server.requests[2].query["resourceVersion"] == "20"


@pytest.mark.parametrize("expired", [
    watching(event("ERROR", status_object(410, "Expired", "too old"))), refusing(f"GET {PODS}", 410, "Gone", "too old"),
], ids=["event", "status"])
def test_follow_lists_anew_after_410(serve, cluster_at, expired):
    server = serve(listing(pod("gone", "9")), expired, listing(pod("b", "30"), version="31"))
    views = follow(cluster_at(server), POD, deadline=Deadline.after(5), namespace="app")
    assert look(views, 2) == [{"gone": "Pending"}, {"b": "Pending"}]


def test_follow_lists_again_and_again_where_watching_is_forbidden(serve, cluster_at):
    server = serve(listing(), FORBIDDEN, listing(pod("a", "11")), FORBIDDEN, listing(pod("a", "12", "Running")))
    views = follow(cluster_at(server), POD, deadline=Deadline.after(5), namespace="app", tick=0.05)
    assert look(views, 3) == [{}, {"a": "Pending"}, {"a": "Running"}]


def test_follow_tells_when_listing_is_forbidden(serve, cluster_at):
    server = serve(FORBIDDEN)
    with pytest.raises(errors.Forbidden):
        look(follow(cluster_at(server), POD, deadline=Deadline.after(5), namespace="app"), 1)


def test_follow_yields_at_ticks_and_ends_at_the_deadline(serve, cluster_at):
    server = serve(listing(pod("a", "9")), *[watching(0.1)] * 3, *[watching(0.1)] * 20)
    began = time.monotonic()
    seen = look(follow(cluster_at(server), POD, deadline=Deadline.after(0.5), namespace="app", tick=0.1), 100)
    assert 0.4 < time.monotonic() - began < 1.0
    assert len(seen) >= 4
    server._steps.clear()


def test_follow_with_a_deadline_that_has_passed_looks_at_nothing(serve, cluster_at):
    assert look(follow(cluster_at(serve()), POD, deadline=Deadline.after(0)), 1) == []


def test_watches_that_end_at_once_do_not_become_a_storm(serve, cluster_at, monkeypatch):
    monkeypatch.setattr(waiting, "_SHORT_WATCH", 0.5)
    server = serve(listing(), *[watching()] * 1000)
    look(follow(cluster_at(server), POD, deadline=Deadline.after(0.8), namespace="app"), 10_000)
    assert len(server.requests) < 12
    server._steps.clear()


# wait_for


def judge(manifest):
    if manifest is None:
        return Readiness(Phase.WAITING, "not there yet")
    phase = manifest["status"]["phase"]
    return Readiness({"Running": Phase.READY, "Failed": Phase.FAILED}.get(phase, Phase.WAITING), phase)


def script(*changes):
    """Steps of a fake cluster's time: each puts or removes pods."""
    def step(change):
        def run(cluster):
            for name, phase in change.items():
                if phase is None:
                    del cluster.objects["pods", "app", name]
                else:
                    cluster.put(pod(name, "0", phase))
        return run
    return [step(change) for change in changes]


def wait(cluster, *names, seconds=5.0, notify=None):
    return wait_for(
        cluster, POD, names, namespace="app", judge=judge, deadline=Deadline.after(seconds), notify=notify
    )


def phases(outcomes):
    return {name: outcome.phase.value for name, outcome in outcomes.items()}


def test_waiting_for_nothing_asks_nothing():
    cluster = FakeCluster()
    assert wait(cluster) == {}
    assert cluster.requests == []


def test_waiting_ends_when_all_are_ready_or_failed():
    cluster = FakeCluster([pod("a", "1"), pod("b", "1")], script=script({"a": "Running"}, {"b": "Failed"}))
    assert phases(wait(cluster, "a", "b")) == {"a": "ready", "b": "failed"}
    assert cluster.requests.count("watch pods") == 2


def test_what_is_ready_at_once_needs_no_watch():
    cluster = FakeCluster([pod("a", "1", "Running")])
    assert phases(wait(cluster, "a")) == {"a": "ready"}
    assert cluster.requests == ["list pods"]


def test_an_object_that_vanishes_while_awaited_is_waiting_again():
    seen = []
    cluster = FakeCluster([pod("a", "1")], script=script({"a": None}, {"a": "Running"}))
    outcomes = wait(cluster, "a", notify=lambda now: seen.append(now["a"].readiness.reason))
    assert phases(outcomes) == {"a": "ready"}
    assert "not there yet" in seen


def test_deletion_can_be_what_is_awaited():
    cluster = FakeCluster([pod("a", "1")], script=script({"a": None}))
    outcomes = wait_for(
        cluster, POD, ["a"], namespace="app", deadline=Deadline.after(5),
        judge=lambda manifest: Readiness(Phase.WAITING if manifest else Phase.READY),
    )
    assert phases(outcomes) == {"a": "ready"} and outcomes["a"].manifest is None


def test_at_the_deadline_what_is_not_over_stays_waiting():
    forever = itertools.repeat(script({})[0])
    outcomes = wait(FakeCluster([pod("a", "1")], script=forever), "a", "b", seconds=0.2)
    assert phases(outcomes) == {"a": "waiting", "b": "waiting"}
    assert outcomes["a"].readiness.reason == "Pending"
    assert outcomes["b"].readiness.reason == "not there yet"


def test_one_name_is_watched_alone_and_others_do_not_disturb(serve, cluster_at):
    server = serve(listing(), watching(event("ADDED", pod("a", "11", "Running"))))
    assert phases(wait(cluster_at(server), "a")) == {"a": "ready"}
    assert {request.query["fieldSelector"] for request in server.requests} == {"metadata.name=a"}


def gone(reason="connection refused", *, outlasted=True):
    """A step at which the server is not there; not outlasted: for a reason that no waiting mends."""
    def run(cluster):
        error = errors.ConnectionFailed(reason)
        error.outlasted = outlasted
        raise error
    return run


def test_a_server_away_at_the_deadline_is_a_timeout_with_the_state_last_seen():
    cluster = FakeCluster([pod("a", "1"), pod("b", "1", "Running")], script=[gone()])
    with pytest.raises(errors.ServerAway) as raised:
        wait(cluster, "a", "b", "c", seconds=8)
    assert raised.value.exit_code == errors.ExitCode.TIMEOUT
    assert raised.value.message == (
        "connection refused\nuntil the time for it, 8s, was over; last seen of a: Pending (and 1 more)"
    )
    assert "same command" in raised.value.hint


def test_a_server_away_from_the_first_look_on_leaves_nothing_to_tell():
    class Away(FakeCluster):
        def list_all(self, *args, **kwargs):
            gone()(self)

    with pytest.raises(errors.ServerAway, match="8s, was over$"):
        wait(Away(), "a", seconds=8)


def test_what_notify_asks_in_vain_is_told_alike():
    with pytest.raises(errors.ServerAway, match="last seen of a: Pending$"):
        wait(FakeCluster([pod("a", "1")]), "a", notify=gone())


def test_other_failures_stay_what_they_are():
    with pytest.raises(errors.ConnectionFailed, match="wrong address"):
        wait(FakeCluster([pod("a", "1")], script=[gone("wrong address", outlasted=False)]), "a")


def test_a_server_that_comes_back_is_waited_for(serve, cluster_at):
    away = refusing(f"GET {PODS}", 503, "ServiceUnavailable", "starting")
    server = serve(
        listing(pod("a", "9")), watching(cut=0), away, away, watching(event("MODIFIED", pod("a", "11", "Running")))
    )
    assert phases(wait(cluster_at(server), "a")) == {"a": "ready"}


def test_a_server_that_stays_away_is_waited_for_until_the_deadline(serve, cluster_at):
    server = serve(listing(pod("a", "9")))
    cluster, began = cluster_at(server), time.monotonic()
    with pytest.raises(errors.ServerAway, match="last seen of a: Pending"):
        wait(cluster, "a", seconds=0.6, notify=lambda outcomes: server.close())
    assert time.monotonic() - began > 0.4


def test_pause_waits():
    began = time.monotonic()
    waiting.pause(0.05)
    assert time.monotonic() - began >= 0.05
    assert threading.active_count() < 50
