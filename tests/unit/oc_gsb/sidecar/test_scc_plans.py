from __future__ import annotations

import copy
from typing import Any

import pytest

from fakes.workloads import NAMESPACE, pod, workload
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.scc_plans import SccPlan, SccReader, identity_of, plan_scc
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.names import GSB, MANAGED_BY_LABEL, REQUIRED_SCC
from plugin_core.workloads.templates import template_of
from unit.oc_gsb.sidecar.world import COPY, NAMESPACE_MANIFEST, OPEN_TO_ALL, SCCS, make_world

OPTIONS = SidecarOptions(image="tools:1")
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:default"


def plan(made: Manifest, *, pods: list[Manifest] | None = None, objects: list[Manifest] | None = None,
         grants: list[tuple[str, str]] | None = None) -> SccPlan:
    cluster, _ = make_world(objects=objects or [], grants=[OPEN_TO_ALL, *(grants or [])])
    return plan_scc(SccReader.read(cluster), made, namespace=NAMESPACE_MANIFEST, pods=pods or [], options=OPTIONS)


def our_copy(**changes: Any) -> Manifest:
    made = plan(workload()).copy
    assert made is not None
    return {**copy.deepcopy(made), **changes}


def test_restricted_v2_needs_a_copy_and_a_grant() -> None:
    made = plan(workload())
    assert (made.base, made.wanted, made.grant, made.granted, made.pin) == ("restricted-v2", COPY, True, False, False)
    assert made.problems == ()
    assert made.copy is not None
    assert made.copy["metadata"] == {"name": COPY, "labels": {MANAGED_BY_LABEL: GSB},
                                     "annotations": {"oc-gsb.io/base": "restricted-v2"}}
    assert set(made.copy["allowedCapabilities"]) >= {"CHOWN", "DAC_OVERRIDE", "FOWNER"}
    assert made.copy["users"] == made.copy["groups"] == []


def test_no_sccs_no_plan() -> None:
    cluster, _ = make_world(openshift=False)
    reader = SccReader.read(cluster)
    assert plan_scc(reader, workload(), namespace=NAMESPACE_MANIFEST, pods=[], options=OPTIONS) == SccPlan()


def test_an_scc_that_allows_the_capabilities_is_taken_as_it_is() -> None:
    custom = {**our_copy(metadata={"name": "custom"}), "priority": 20}
    made = plan(workload(), objects=[custom], grants=[(ACCOUNT, "custom")])
    assert (made.base, made.wanted, made.copy, made.grant, made.problems) == ("custom", "custom", None, False, ())


def test_an_scc_that_would_change_the_user_is_not() -> None:
    """Under privileged nobody sets the namespace's user id, so a restricted-v2 application would run as its image's."""
    made = plan(workload(), grants=[(ACCOUNT, "privileged")])
    assert (made.base, made.wanted, made.grant, made.problems) == ("restricted-v2", COPY, True, ())


def test_our_own_copy_that_is_granted_is_ensured_all_the_same() -> None:
    made = plan(workload(), objects=[our_copy()], grants=[(ACCOUNT, COPY)])
    assert (made.wanted, made.grant, made.granted, made.problems) == (COPY, True, True, ())
    assert made.copy is not None and name_of(made.copy) == COPY and "uid" not in made.copy["metadata"]


def test_anothers_copy_is_used_and_left_alone() -> None:
    foreign = our_copy(metadata={"name": COPY})
    assert plan(workload(), objects=[foreign]).copy is None
    assert plan(workload(), objects=[foreign]).grant
    granted = plan(workload(), objects=[foreign], grants=[(ACCOUNT, COPY)])
    assert (granted.grant, granted.wanted) == (False, COPY)


def test_anothers_copy_without_the_capabilities_is_a_problem() -> None:
    made = plan(workload(), objects=[our_copy(metadata={"name": COPY}, allowedCapabilities=None)])
    assert "does not allow CHOWN, DAC_OVERRIDE, FOWNER" in made.problems[0]


def test_a_pinned_template_is_pinned_to_the_copy() -> None:
    made = plan(workload(pod_annotations={REQUIRED_SCC: "restricted-v2"}))
    assert (made.pin, made.wanted, made.problems) == (True, COPY, ())


def test_running_pods_count_before_the_prediction() -> None:
    web = workload()
    running = pod("web-1", web, template_of(web), scc="anyuid")
    running["spec"]["securityContext"] = {"seLinuxOptions": {"level": "s0:c26,c5"}}
    made = plan(web, pods=[running], grants=[(ACCOUNT, "anyuid")])
    assert (made.base, made.wanted, made.problems) == ("anyuid", "anyuid-gsb", ())


def test_a_change_of_user_is_a_problem() -> None:
    """An anyuid application would silently become a restricted-v2-gsb one, were that copy granted to it already."""
    web = workload()
    running = pod("web-1", web, template_of(web), scc="anyuid")
    made = plan(web, pods=[running], objects=[our_copy()], grants=[(ACCOUNT, "anyuid"), (ACCOUNT, COPY)])
    assert "app runAsUser would change from None to 1000680000" in made.problems[0]


def test_pods_that_are_refused_already() -> None:
    made = plan(workload(pod_spec={"hostNetwork": True}))
    assert made.problems[0].startswith("its pods are refused already as they are: ")


def test_an_scc_that_is_gone() -> None:
    web = workload()
    made = plan(web, pods=[pod("web-1", web, template_of(web), scc="lost")])
    assert made.problems == ("its pods have SCC lost, which exists no more",)


def test_the_server_is_asked_once_for_each_question() -> None:
    cluster, _ = make_world()
    reader = SccReader.read(cluster)
    for _ in range(2):
        plan_scc(reader, workload(), namespace=NAMESPACE_MANIFEST, pods=[], options=OPTIONS)
    assert cluster.requests == ["list securitycontextconstraints.security.openshift.io"]


@pytest.mark.parametrize("name", sorted(SCCS))
def test_the_standard_sccs_plan_without_a_crash(name: str) -> None:
    web = workload()
    made = plan(web, pods=[pod("web-1", web, template_of(web), scc=name)], grants=[(ACCOUNT, name)])
    assert made.problems or made.wanted


def test_identity_leaves_the_sidecar_out() -> None:
    made = {"spec": {"securityContext": {"fsGroup": 1, "runAsUser": 5}, "containers": [
        {"name": "app", "securityContext": {"runAsUser": 0}}, {"name": "two"}, {"name": "kanister-sidecar"}]}}
    assert identity_of(made) == {
        "fsGroup": 1, "supplementalGroups": [], "app runAsUser": 0, "app SELinux level": None, "two runAsUser": 5,
        "two SELinux level": None}
