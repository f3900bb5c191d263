"""The fake cluster itself: it must fail on what a test did not expect, or tests would pass for nothing."""

from __future__ import annotations

import pytest

from fakes.cluster import FakeCluster
from plugin_core import errors
from plugin_core.kube.cluster import Cluster, DryRun, ExecResult
from plugin_core.model.kinds import CONFIG_MAP, NODE


def config_map(name="one", **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "app", **metadata}}


WRITES = [
    ("create configmaps", lambda cluster: cluster.create(config_map("new"))),
    ("apply configmaps", lambda cluster: cluster.apply(config_map("new"))),
    ("patch configmaps", lambda cluster: cluster.patch(CONFIG_MAP, "one", {"data": {"a": "1"}}, namespace="app")),
    ("delete configmaps", lambda cluster: cluster.delete(CONFIG_MAP, "one", namespace="app")),
]


@pytest.mark.parametrize("words, write", WRITES, ids=[words for words, _ in WRITES])
def test_unexpected_writes_fail_and_change_nothing(words, write):
    cluster = FakeCluster([config_map()])
    before = dict(cluster.objects)
    with pytest.raises(AssertionError, match=f"unexpected request: {words}"):
        write(cluster)
    assert cluster.objects == before


@pytest.mark.parametrize("words, write", WRITES, ids=[words for words, _ in WRITES])
def test_expected_writes_change_what_it_holds_unless_dry(words, write):
    cluster = FakeCluster([config_map()], expect=[words])
    before = dict(cluster.objects)
    write(cluster)
    assert cluster.objects != before
    assert words in cluster.requests
    dry = FakeCluster([config_map()], expect=[words], dry_run=DryRun.SERVER)
    before = dict(dry.objects)
    write(dry)
    assert dry.objects == before


@pytest.mark.parametrize("words, write", WRITES, ids=[words for words, _ in WRITES])
def test_denied_requests_are_forbidden(words, write):
    with pytest.raises(errors.Forbidden):
        write(FakeCluster([config_map()], expect=[words], denied=[words]))


def test_denied_requests_are_answered_with_no_when_asked_for():
    cluster = FakeCluster(denied=["create configmaps"])
    assert not cluster.can_i("create", CONFIG_MAP, namespace="app").allowed
    assert cluster.can_i("get", CONFIG_MAP, namespace="app").allowed


def test_unexpected_execs_fail():
    with pytest.raises(AssertionError, match=r"unexpected exec in web: \['ls'\]"):
        FakeCluster().execute("web", ["ls"], namespace="app")
    answer = ExecResult(0, "out", "")
    assert FakeCluster(execs={("web", "ls"): answer}).execute("web", ["ls", "-l"], namespace="app") == answer


def test_a_watch_beyond_the_script_fails():
    with pytest.raises(AssertionError, match="goes on after the last step"):
        list(FakeCluster().watch(CONFIG_MAP, resource_version="0", seconds=1))


@pytest.mark.parametrize("selection", [{"labels": "a in (b)"}, {"labels": "a"}, {"fields": "status.phase=x"}])
def test_selectors_it_does_not_know_fail(selection):
    with pytest.raises(AssertionError, match="the fake only knows"):
        FakeCluster([config_map()]).list_all(CONFIG_MAP, **selection)


def test_kinds_it_does_not_know_fail():
    with pytest.raises(AssertionError, match="the fake does not know"):
        FakeCluster([{"apiVersion": "x/v1", "kind": "Thing", "metadata": {"name": "a"}}])


@pytest.mark.parametrize("patch_type, patch", [("json", []), ("strategic", {})])
def test_patches_it_cannot_apply_fail(patch_type, patch):
    cluster = FakeCluster([config_map()], expect=["patch configmaps"])
    with pytest.raises(AssertionError, match="merge patches only"):
        cluster.patch(CONFIG_MAP, "one", patch, namespace="app", patch_type=patch_type)


def test_answers_are_the_servers():
    cluster = FakeCluster([config_map(labels={"a": "1"}), config_map("two")], expect=["create configmaps"])
    with pytest.raises(errors.NotFound):
        cluster.get(CONFIG_MAP, "nope", namespace="app")
    with pytest.raises(errors.NotFound):
        cluster.get(NODE, "one")
    with pytest.raises(errors.AlreadyExists):
        cluster.create(config_map())
    listing = cluster.list_all(CONFIG_MAP, namespace="app", labels="a=1")
    assert [item["metadata"]["name"] for item in listing.items] == ["one"]
    assert cluster.list_all(CONFIG_MAP, namespace="elsewhere").items == []


def test_answers_cannot_be_used_to_change_the_cluster():
    cluster = FakeCluster([config_map()])
    cluster.get(CONFIG_MAP, "one", namespace="app")["metadata"]["name"] = "changed"
    cluster.list_all(CONFIG_MAP).items[0]["metadata"]["name"] = "changed"
    assert cluster.get(CONFIG_MAP, "one", namespace="app")["metadata"]["name"] == "one"


def test_a_stale_resource_version_is_a_conflict():
    cluster = FakeCluster([config_map()], expect=["patch configmaps"])
    with pytest.raises(errors.Conflict):
        cluster.patch(CONFIG_MAP, "one", {"metadata": {"resourceVersion": "0"}}, namespace="app")


def test_a_watch_tells_what_a_step_changed():
    def step(cluster):
        cluster.put(config_map("two"))
        del cluster.objects["configmaps", "app", "one"]

    cluster = FakeCluster([config_map()], script=[step])
    events = list(cluster.watch(CONFIG_MAP, resource_version="1", seconds=1, namespace="app"))
    assert [(event.type, event.manifest["metadata"]["name"]) for event in events] == [
        ("DELETED", "one"), ("MODIFIED", "two"),
    ]


def test_it_is_a_cluster():
    cluster: Cluster = FakeCluster(namespace="mine")
    assert (cluster.namespace, cluster.dry_run, cluster.within(None)) == ("mine", DryRun.NONE, cluster)
