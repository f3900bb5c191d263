"""Every JSON answer of scc, discover, status, upgrade, cleanup and images fits its published schema."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from fakes.progress import Recorder
from fakes.storage import claim, storage_class
from fakes.workloads import workload
from oc_gsb.access.copies import create
from oc_gsb.access.granting import grant
from oc_gsb.access.leftovers import CleanupRequest, clean_up
from oc_gsb.access.plan_reports import plan
from oc_gsb.access.requests import CopyRequest, GrantRequest, PlanRequest, Reach
from oc_gsb.inventory.discovery import DiscoverRequest, discover
from oc_gsb.inventory.images import list_images
from oc_gsb.inventory.status import StatusRequest, status
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.template import add_sidecar
from oc_gsb.sidecar.upgrade import UpgradeRequest, upgrade
from plugin_core.render.reports import render
from unit.oc_gsb.access.openshift import account_named, made_by_hand, make_openshift, running
from unit.oc_gsb.access.test_leftovers import LEFT
from unit.oc_gsb.sidecar.world import PATCH, make_world

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"
ALL = Selection(everything=True)


def plans():
    return make_openshift(*running(account_named("default", "web")), *running(account_named("other", "db")),
                          made_by_hand("anyuid"), made_by_hand("restricted-v2"))


def injected():
    return add_sidecar(workload(), options=SidecarOptions(image="tools:0"), scc="restricted-v2-gsb")


def run(operation, cluster, request):
    answer = operation(cluster, request, progress=Recorder())
    return getattr(answer, "report", answer)


@pytest.mark.parametrize("report", [
    lambda: run(plan, plans(), PlanRequest(ALL, reach=Reach(group=True))),
    lambda: run(plan, make_openshift(), PlanRequest(ALL)),
    lambda: run(create, plans(), CopyRequest(bases=("restricted-v2", "nonroot-v2", "privileged"))),
    lambda: run(grant, plans(), GrantRequest(ALL)),
    lambda: run(clean_up, make_openshift(*LEFT), CleanupRequest()),
    lambda: list_images(make_openshift(), k10_namespace="kasten-io"),
    lambda: run(discover, make_openshift(workload(), claim(), storage_class()), DiscoverRequest(everywhere=True)),
    lambda: run(status, make_openshift(injected()), StatusRequest(oldest_backup=1.0)),
    lambda: run(upgrade, make_world(injected(), expect=[PATCH])[0], UpgradeRequest(ALL, try_image=False)),
])
def test_it_fits(report):
    made = report()
    document = json.loads(render(made, output="json", api_version="oc-gsb/v1"))
    schema = json.loads((SCHEMAS / f"oc-gsb-{made.kind.lower()}.v1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
