"""One client at a time: who is refused, who takes over, and what a client does that has lost its journal."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import NOW
from kubectl_rwx.protection.in_place import holders
from kubectl_rwx.protection.in_place.holders import Holder, TakenOver, holder_of, holding, ourselves
from kubectl_rwx.protection.in_place.journals import Journal, Step, read_journals, record_step, write_journal
from plugin_core import errors, names
from plugin_core.model.manifests import Manifest

OTHER = Holder("other", "elsewhere/", 77, "")


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def journal(*, holder: Holder | None) -> Manifest:
    notes = {names.IN_PLACE_HOLDER: json.dumps(asdict(holder))} if holder else {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": {}, "metadata": {
        "name": "j", "namespace": "app", "labels": {names.IN_PLACE: "journal"}, "annotations": notes}}


def cluster_with(holder: Holder | None) -> FakeCluster:
    return FakeCluster([journal(holder=holder)], expect=["patch configmaps", "create configmaps", "delete configmaps"])


def holder_now(cluster: FakeCluster) -> Holder | None:
    return holder_of(cluster.objects["configmaps", "app", "j"])


@pytest.mark.parametrize("holder", [None, replace(ourselves(), seen=ago(5))])
def test_a_free_journal_is_held_and_freed(holder: Holder | None) -> None:
    cluster = cluster_with(holder)
    with holding(cluster, "j", Recorder()):
        now = holder_now(cluster)
        assert now and now.mine
    assert holder_now(cluster) is None


def test_a_client_at_work_is_named_with_the_way_to_take_over() -> None:
    cluster = cluster_with(replace(OTHER, seen=ago(5)))
    with pytest.raises(errors.NotReady, match=r"process 77 on elsewhere is at work .* was 5s ago") as raised:
        with holding(cluster, "j", Recorder()):
            raise AssertionError("not reached")
    assert "gone 1m after" in raised.value.hint
    assert f"kubectl annotate configmap j -n app {names.IN_PLACE_HOLDER}-" in raised.value.hint
    assert "patch configmaps" not in cluster.requests


def test_one_without_a_sign_of_life_is_looked_at_before_it_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, waited = cluster_with(replace(OTHER, seen=ago(61))), []
    monkeypatch.setattr(holders, "pause", waited.append)
    with holding(cluster, "j", Recorder()):
        now = holder_now(cluster)
        assert now and now.mine and waited == [15.0]


def test_one_whose_clock_is_behind_is_seen_to_be_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_with(replace(OTHER, seen=ago(600)))
    monkeypatch.setattr(holders, "pause", lambda seconds: cluster.put(journal(holder=replace(OTHER, seen=ago(590)))))
    with pytest.raises(errors.NotReady, match="is at work"):
        with holding(cluster, "j", Recorder()):
            raise AssertionError("not reached")


def test_a_process_of_this_machine_that_is_gone_is_replaced_at_once() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    cluster = cluster_with(replace(ourselves(), token="other", process=ended.pid, seen=ago(1)))
    with holding(cluster, "j", Recorder()):
        now = holder_now(cluster)
        assert now and now.mine


def test_a_process_of_this_machine_that_runs_is_not() -> None:
    cluster = cluster_with(replace(ourselves(), token="other", process=os.getppid(), seen=ago(1)))
    with pytest.raises(errors.NotReady, match=f"process {os.getppid()} on"):
        with holding(cluster, "j", Recorder()):
            raise AssertionError("not reached")


def test_what_was_taken_over_is_not_written_to() -> None:
    cluster = cluster_with(None)
    found = Journal("r1", Step.STOP)
    cluster.put({**journal(holder=replace(OTHER, seen=ago(0))), "metadata": {
        **journal(holder=replace(OTHER, seen=ago(0)))["metadata"], "name": found.name}})
    with pytest.raises(TakenOver, match="process 77 on elsewhere has taken over"):
        record_step(cluster, found, Step.SAFETY)
    assert "patch configmaps" not in cluster.requests


def test_what_another_has_finished_is_not_gone_back_from() -> None:
    with pytest.raises(TakenOver, match="is gone: another client has finished"):
        record_step(cluster_with(None), Journal("r1", Step.STOP), Step.SAFETY)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"token": "x"}'])
def test_a_mark_that_cannot_be_read_holds_nothing(text: str) -> None:
    garbled = journal(holder=None)
    garbled["metadata"]["annotations"] = {names.IN_PLACE_HOLDER: text}
    assert holder_of(garbled) is None


def test_two_that_begin_at_once_do_not_both_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_with(None)
    del cluster.objects["configmaps", "app", "j"]
    first, second = Journal("r1", Step.STOP), Journal("r2", Step.STOP)
    monkeypatch.setattr(Journal, "claims", ("data",))
    write_journal(cluster, first)
    with pytest.raises(errors.NotReady, match="another client has begun .* of data at the same moment"):
        write_journal(cluster, second)
    assert [one.run for one in read_journals(cluster)] == ["r1"]
