"""Policies and profiles: what is made, what counts as the same, which profile can serve."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from oc_gsb.kasten.policies import PolicyRequest, differing, ensure_policy, namespaces_of, policy_manifest
from oc_gsb.kasten.profiles import choose_profile, profile_problem, profile_warning
from plugin_core import errors
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Silence
from unit.oc_gsb.kasten.objects import GROUPS, K10, profile

APP = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "app"}}
REQUEST = PolicyRequest(namespace="app")


def validated(cluster: FakeCluster, policy: Manifest) -> None:
    """What Kasten does after a write."""
    cluster.put({**policy, "status": {"validation": "Success"}})


def cluster(*objects: Manifest, verbs: tuple[str, ...] = ("create",)) -> FakeCluster:
    words = [f"{verb} policies.config.kio.kasten.io" for verb in verbs]
    return FakeCluster([APP, *objects], groups=GROUPS, expect=words, reactions={one: validated for one in words})


def test_created_then_unchanged() -> None:
    there = cluster(profile())
    assert ensure_policy(there, REQUEST, Silence()).result == "created"
    again = ensure_policy(there, REQUEST, Silence())
    assert again.result == "unchanged" and again.policy["metadata"]["name"] == "app-gsb"
    assert len([one for one in there.requests if one.startswith(("create", "patch"))]) == 1


def test_no_retention_no_export_frequency_no_tokens() -> None:
    manifest = policy_manifest(REQUEST, profile="s3", export_profile="s3")
    assert set(manifest["spec"]) == {"comment", "frequency", "selector", "actions"}
    assert set(manifest["spec"]["actions"][1]["exportParameters"]) == {"profile", "exportData"}


def test_other_content_is_refused_and_replaced_when_asked() -> None:
    other = policy_manifest(PolicyRequest(namespace="app", export=False), profile="s3", export_profile="s3")
    other["spec"]["retention"] = {"daily": 7}
    there = cluster(profile(), other, verbs=("create", "patch"))
    with pytest.raises(errors.AlreadyExists, match="says something else in: actions, retention"):
        ensure_policy(there, REQUEST, Silence())
    replaced = ensure_policy(there, PolicyRequest(namespace="app", replace=True), Silence())
    assert replaced.result == "replaced" and "retention" not in replaced.policy["spec"]


@pytest.mark.parametrize("there, wanted, differences", [
    ({"a": 1}, {"a": 1}, []),
    ({"a": 1, "receiveString": "x", "migrationToken": {"name": "y"}}, {"a": 1}, []),
    ({"a": 1, "filters": {}, "paused": False}, {"a": 1}, []),
    ({"a": 1}, {"a": 2}, ["a"]),
    ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["a[0].b"]),
    ({"a": [1, 2]}, {"a": [1]}, ["a"]),
    ({}, {"a": {"b": 1}}, ["a"]),
    ({"a": 1}, {}, ["a"]),
])
def test_differences(there: Any, wanted: Any, differences: list[str]) -> None:
    assert differing(there, wanted) == differences


@pytest.mark.parametrize("changes, words", [
    ({}, ""),
    ({"kind": "Infra"}, "of type Infra"),
    ({"location": "VeeamRepository"}, "Veeam repository"),
    ({"validation": "Failed"}, "its validation is Failed"),
    ({"validation": ""}, "not done yet"),
])
def test_profile_problems(changes: dict[str, str], words: str) -> None:
    found = profile_problem(profile(**changes))
    assert words in found and bool(found) == bool(words)


def test_protection_period_is_a_warning_only() -> None:
    immutable = profile(protectionPeriod="240h")
    assert not profile_problem(immutable) and "the period is ignored" in profile_warning(immutable)
    assert profile_warning(profile()) == ""


def test_choosing_a_profile() -> None:
    both = FakeCluster([profile("a"), profile("b"), profile("c", kind="Infra")])
    with pytest.raises(errors.UsageError, match="several location profiles could be used: a, b$"):
        choose_profile(both, name="", namespace=K10)
    assert choose_profile(both, name="b", namespace=K10)["metadata"]["name"] == "b"
    assert choose_profile(FakeCluster([profile("a"), profile("c", kind="Infra")]), name="", namespace=K10)
    with pytest.raises(errors.NotReady, match="c: it is of type Infra"):
        choose_profile(FakeCluster([profile("c", kind="Infra")]), name="", namespace=K10)
    with pytest.raises(errors.NotReady, match="there is none at all"):
        choose_profile(FakeCluster(), name="", namespace=K10)
    with pytest.raises(errors.NotFound, match="there is no profile x"):
        choose_profile(both, name="x", namespace=K10)


@pytest.mark.parametrize("selector, namespaces", [
    ({"matchExpressions": [{"key": "k10.kasten.io/appNamespace", "operator": "In", "values": ["a", "b"]}]}, ("a", "b")),
    ({"matchLabels": {"k10.kasten.io/appNamespace": "a"}}, ("a",)),
    ({"matchExpressions": [{"key": "k10.kasten.io/appNamespace", "operator": "NotIn", "values": ["a"]}]}, ()),
    ({"matchLabels": {"team": "x"}}, ()),
    (None, ()),
])
def test_namespaces_of_a_policy(selector: Any, namespaces: tuple[str, ...]) -> None:
    assert namespaces_of({"spec": {"selector": selector}}) == namespaces


def test_requests_check_themselves() -> None:
    with pytest.raises(errors.UsageError):
        PolicyRequest(namespace=K10)
    with pytest.raises(errors.UsageError):
        PolicyRequest(namespace="app", export=False, export_profile="x")


def test_no_kasten_no_rights_no_namespace() -> None:
    with pytest.raises(errors.NotReady, match="no Kasten in this cluster"):
        ensure_policy(FakeCluster([APP]), REQUEST, Silence())
    denied = FakeCluster([APP], groups=GROUPS, denied=["create policies.config.kio.kasten.io"])
    with pytest.raises(errors.Forbidden, match="create policies.config.kio.kasten.io in namespace kasten-io"):
        ensure_policy(denied, REQUEST, Silence())
    with pytest.raises(errors.NotFound, match="there is no namespace app"):
        ensure_policy(FakeCluster(groups=GROUPS), REQUEST, Silence())
