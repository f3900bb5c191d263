"""A sidecar that must not be root runs as the application, when neither pod nor image say as whom."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.workloads import workload
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.scc_plans import SccReader, plan_scc
from oc_gsb.sidecar.template import add_sidecar
from oc_gsb.sidecar.users import user_for_sidecar
from plugin_core.model.manifests import Manifest
from plugin_core.workloads.templates import pod_from
from unit.oc_gsb.sidecar.world import NAMESPACE_MANIFEST, OPEN_TO_ALL, make_world

OPTIONS = SidecarOptions(image="tools:1")


def application(*, pod: dict[str, Any] | None = None, **container: Any) -> Manifest:
    made = workload()
    spec = made["spec"]["template"]["spec"]
    spec["securityContext"] = pod or {}
    spec["containers"][0]["securityContext"] = container
    return made


@pytest.mark.parametrize(("pod", "container", "user"), [
    ({"runAsNonRoot": True}, {"runAsUser": 4321}, 4321),
    ({"runAsNonRoot": True, "runAsUser": 7}, {"runAsUser": 4321}, None),
    ({}, {"runAsUser": 4321, "runAsNonRoot": True}, None),
    ({"runAsNonRoot": True}, {}, None),
    ({"runAsNonRoot": True}, {"runAsUser": 0, "runAsNonRoot": False}, None),
])
def test_only_where_the_kubelet_would_refuse_it(pod: Any, container: Any, user: int | None) -> None:
    made = application(pod=pod, **container)
    assert user_for_sidecar(pod_from(add_sidecar(made, options=OPTIONS))) == user


def test_the_container_that_has_the_claim_comes_first() -> None:
    made = application(pod={"runAsNonRoot": True}, runAsUser=4321)
    proxy = {"name": "proxy", "image": "proxy:1", "securityContext": {"runAsUser": 99}}
    made["spec"]["template"]["spec"]["containers"].insert(0, proxy)
    assert user_for_sidecar(pod_from(add_sidecar(made, options=OPTIONS))) == 4321


def test_no_pod_no_sidecar_no_user() -> None:
    assert user_for_sidecar(None) is None
    assert user_for_sidecar(pod_from(application(pod={"runAsNonRoot": True}, runAsUser=1))) is None


@pytest.mark.parametrize("openshift", [True, False])
def test_the_plan_has_it_and_the_sidecar_gets_it(openshift: bool) -> None:
    """As admission leaves the pod where there are SCCs, as written where there are none."""
    grants = [OPEN_TO_ALL, ("system:serviceaccount:app:default", "nonroot-v2")]
    cluster, _ = make_world(openshift=openshift, grants=grants)
    made = application(pod={} if openshift else {"runAsNonRoot": True}, runAsUser=4321)
    plan = plan_scc(SccReader.read(cluster), made, namespace=NAMESPACE_MANIFEST, pods=[], options=OPTIONS)
    assert (plan.user, plan.problems, plan.base) == (4321, (), "nonroot-v2" if openshift else "")
    after = add_sidecar(made, options=OPTIONS, scc=plan.wanted, user=plan.user)
    assert after["spec"]["template"]["spec"]["containers"][-1]["securityContext"]["runAsUser"] == 4321
