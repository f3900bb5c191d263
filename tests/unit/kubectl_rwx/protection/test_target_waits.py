"""kubectl rwx wait: what can be waited for, and how a wait ends."""

from __future__ import annotations

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import claim, content, snapshot, snapshot_class
from kubectl_rwx.protection.descriptions import describe_snapshots
from kubectl_rwx.protection.snapshot_selection import Chosen, choose
from kubectl_rwx.protection.target_waits import wait, wait_request
from plugin_core import errors, names
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT_CONTENT

LABELS = {names.SET_LABEL: "nightly"}


@pytest.mark.parametrize(("words", "chosen", "claims"), [
    (("nightly",), Chosen(set_name="nightly"), ()),
    (("vs/a", "vs/b"), Chosen(snapshots=("a", "b")), ()),
    (("pvc", "a", "b"), None, ("a", "b")),
])
def test_words(words: tuple[str, ...], chosen: Chosen | None, claims: tuple[str, ...]) -> None:
    request = wait_request(words, timeout=5)
    assert (request.chosen, request.claims) == (chosen, claims)


def test_not_both_kinds_at_once() -> None:
    with pytest.raises(errors.UsageError, match="not both"):
        wait_request(("vs/a", "pvc/b"), timeout=5)


def test_a_set_that_becomes_ready() -> None:
    def ripen(cluster: FakeCluster) -> None:
        cluster.put(snapshot("b", labels=LABELS))

    cluster = FakeCluster([snapshot("a", labels=LABELS), snapshot("b", labels=LABELS, ready=False)], script=[ripen])
    answer = wait(cluster, wait_request(("nightly",), timeout=5), Recorder())
    assert answer.failure is None and [item["ready"] for item in answer.report.items] == [True, True]


def test_a_timeout_says_what_was_observed() -> None:
    cluster = FakeCluster([snapshot("a", ready=False, error="no space left"), content("content-a"), snapshot_class()],
                          script=[lambda _: None] * 1000)
    answer = wait(cluster, wait_request(("vs/a",), timeout=0.05), Recorder())
    assert isinstance(answer.failure, errors.TimedOut)
    assert "(--timeout)" in answer.failure.message and "no space left" in answer.failure.message


def test_claims_that_are_bound_or_absent() -> None:
    answer = wait(FakeCluster([claim("a")]), wait_request(("pvc/a", "pvc/b"), timeout=5), Recorder())
    assert isinstance(answer.failure, errors.PartlyDone) and "b: it does not exist" in answer.failure.message


def test_a_description_says_what_it_may_not_read() -> None:
    restored = claim("other", annotations={names.RESTORED_FROM_UID: "uid-s"})
    objects = [snapshot("a", labels=LABELS, uid="uid-s"), claim(), restored, content("content-a", handle="h-7")]
    item = describe_snapshots(FakeCluster(objects), choose(["nightly"])).report.items[0]
    assert (item["handle"], item["sourceState"]) == ("h-7", "Bound")
    assert [one["name"] for one in item["restores"]] == ["other"]
    blind = FakeCluster(objects, denied=[
        f"get {VOLUME_SNAPSHOT_CONTENT.resource}", f"list {PERSISTENT_VOLUME_CLAIM.resource}"])
    item = describe_snapshots(blind, choose(["nightly"])).report.items[0]
    assert item["handle"] == item["restores"] == item["sourceState"] == "<not readable>"
