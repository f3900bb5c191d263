from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from plugin_core import errors
from plugin_core.model.manifests import Manifest
from plugin_core.workloads.helper_pods import (
    ELSEWHERE,
    ON_OPENSHIFT,
    WIDE,
    HelperOptions,
    Security,
    choose_security,
    helper_pod,
    parse_node_selector,
    parse_tolerations,
    widen,
)

OPENSHIFT = {"security.openshift.io": ["v1"]}


def build(security: Security = ELSEWHERE[0], **options: Any) -> Manifest:
    return helper_pod(
        name="one", namespace="app", labels={"a": "b"}, claim="data", options=HelperOptions(**options),
        security=security, seconds=60,
    )


def test_a_pod_is_clean_under_the_restricted_level() -> None:
    spec = build()["spec"]
    [container] = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]) == {"requests", "limits"}
    assert spec["automountServiceAccountToken"] is False and spec["activeDeadlineSeconds"] == 60


@pytest.mark.parametrize(("security", "user", "keys"), [
    (ELSEWHERE[0], 0, {"runAsUser", "runAsGroup", "fsGroup", "seccompProfile"}),
    (ON_OPENSHIFT[0], 0, {"seccompProfile"}),
    (ON_OPENSHIFT[2], 0, set()),
    (ON_OPENSHIFT[0], 1234, {"runAsUser", "seccompProfile"}),
])
def test_user_and_groups_are_fixed_only_where_no_scc_assigns_them(
    security: Security, user: int, keys: set[str]
) -> None:
    pod = build(security, user=user)
    assert set(pod["spec"]["securityContext"]) - {"runAsNonRoot", "fsGroupChangePolicy"} == keys
    assert pod["metadata"].get("annotations") == ({"openshift.io/required-scc": security.scc} if security.scc else None)


def test_placement_and_pull_secrets() -> None:
    spec = build(
        pull_secrets=("mine",), node_selector=parse_node_selector(["disk=ssd", "empty="]),
        tolerations=parse_tolerations(["dedicated=storage:NoSchedule", "spot", ":NoExecute"]),
    )["spec"]
    assert spec["imagePullSecrets"] == [{"name": "mine"}]
    assert spec["nodeSelector"] == {"disk": "ssd", "empty": ""}
    assert spec["tolerations"] == [
        {"operator": "Equal", "key": "dedicated", "value": "storage", "effect": "NoSchedule"},
        {"operator": "Exists", "key": "spot"}, {"operator": "Exists", "effect": "NoExecute"},
    ]


@pytest.mark.parametrize("wrong", [
    lambda: parse_node_selector(["ssd"]), lambda: parse_tolerations(["a:Never"]), lambda: parse_tolerations([""]),
    lambda: HelperOptions(image="two words"), lambda: HelperOptions(user=-1),
])
def test_what_cannot_be_meant_is_refused(wrong: Any) -> None:
    with pytest.raises(errors.UsageError):
        wrong()


class _Admission(FakeCluster):
    """Refuses pods that ask for what `refused` says."""

    def __init__(self, *refused: str, **options: Any) -> None:
        super().__init__(expect=["create pods"], **options)
        self._refused = refused

    def create(self, manifest: Manifest) -> Manifest:
        for words in self._refused:
            if words in str(manifest):
                raise errors.Forbidden(f"no {words}", status=403, server_message=f"no {words}")
        return super().create(manifest)


@pytest.mark.parametrize(("cluster", "expected"), [
    (_Admission(), ELSEWHERE[0]),
    (_Admission(groups=OPENSHIFT), ON_OPENSHIFT[0]),
    (_Admission("required-scc", groups=OPENSHIFT), ON_OPENSHIFT[1]),
    (_Admission("required-scc", "seccompProfile", groups=OPENSHIFT), ON_OPENSHIFT[2]),
], ids=["kubernetes", "openshift", "no-such-scc", "scc-without-seccomp"])
def test_the_first_admitted_way_is_taken(cluster: FakeCluster, expected: Security) -> None:
    assert choose_security(cluster, build) == expected
    assert not cluster.objects


def test_a_wide_limit_where_nothing_counts_limits() -> None:
    cluster = _Admission()
    assert widen(cluster, build, ELSEWHERE[0]) == replace(ELSEWHERE[0], cpu_limit=WIDE)
    assert not cluster.objects


@pytest.mark.parametrize("refused", ["'limits': {'memory'", f"'limits': {{'cpu': '{WIDE}'"], ids=["quota", "maximum"])
def test_a_wide_limit_is_not_asked_for_where_limits_count(refused: str) -> None:
    assert widen(_Admission(refused), build, ELSEWHERE[0]) == ELSEWHERE[0]


def test_a_limit_range_that_gives_a_limit_keeps_it_small() -> None:
    class Defaulting(FakeCluster):
        def create(self, manifest: Manifest) -> Manifest:
            admitted = super().create(manifest)
            admitted["spec"]["containers"][0]["resources"]["limits"].setdefault("cpu", "2")
            return admitted

    assert widen(Defaulting(expect=["create pods"]), build, ELSEWHERE[0]) == ELSEWHERE[0]


def test_a_refusal_of_every_way_is_told_in_the_words_about_the_first() -> None:
    with pytest.raises(errors.Forbidden, match="no required-scc"):
        choose_security(_Admission("required-scc", "runAsNonRoot", groups=OPENSHIFT), build)
