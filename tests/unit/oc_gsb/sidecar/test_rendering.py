from __future__ import annotations

import pytest
import yaml

from fakes.progress import Recorder
from fakes.workloads import container, workload
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.rendering import ACCESS, ALL, PATCH, render
from oc_gsb.sidecar.requests import InjectRequest
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.template import add_sidecar
from plugin_core import errors
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.refs import Target
from plugin_core.names import FORCE_GENERIC_BACKUP, REQUIRED_SCC
from plugin_core.render.manifests import yaml_documents
from unit.oc_gsb.sidecar.world import COPY, make_world

WEB = Selection((Target(DEPLOYMENT, "web"),))


def rendered(*workloads, part=ALL, selection=WEB, **options):
    cluster, _ = make_world(*workloads, **options)
    made = render(cluster, InjectRequest(selection=selection), part=part, progress=Recorder())
    assert not [words for words in cluster.requests if words.split()[0] in ("create", "patch", "apply", "delete")]
    return list(yaml.safe_load_all(yaml_documents(made.documents)))


def merged(before, patch):
    """What a strategic merge makes of the lists: by name, new ones last."""
    spec = before["spec"]["template"]["spec"]
    added = patch["spec"]["template"]["spec"]
    return {**spec, "containers": spec["containers"] + added["containers"],
            "volumes": (spec.get("volumes") or []) + added["volumes"]}


def test_all_of_it():
    kinds = [one["kind"] for one in rendered(workload())]
    assert kinds == ["SecurityContextConstraints", "ClusterRole", "RoleBinding", "Deployment"]


def test_the_patch_gives_what_inject_gives():
    made = workload()
    (patch,) = rendered(made, part=PATCH)
    injected = add_sidecar(made, options=SidecarOptions(image="tools:1"), scc=COPY)
    assert merged(made, patch) == injected["spec"]["template"]["spec"]
    assert patch["metadata"] == {"name": "web", "namespace": "app", "annotations": {FORCE_GENERIC_BACKUP: "true"}}
    assert list(patch["spec"]) == ["template"], "nothing else of the workload is claimed"


def test_an_injected_workload_renders_the_same():
    made = workload()
    injected = add_sidecar(made, options=SidecarOptions(image="tools:1"), scc=COPY)
    there = [one for one in rendered(made) if one["kind"] != "Deployment"]
    grants = [("system:authenticated", "restricted-v2"), ("system:serviceaccount:app:default", COPY)]
    again = rendered(injected, objects=there, grants=grants)
    assert again == rendered(made)


def test_access_for_the_administrator():
    found = rendered(workload(), workload(name="db"), part=ACCESS, selection=Selection(everything=True))
    kinds = [one["kind"] for one in found]
    assert kinds == ["SecurityContextConstraints", "ClusterRole", "RoleBinding"], "once for both"
    assert found[2]["subjects"] == [{"kind": "ServiceAccount", "name": "default", "namespace": "app"}]


def test_a_pinned_template():
    (patch,) = rendered(workload(pod_annotations={REQUIRED_SCC: "restricted-v2"}), part=PATCH)
    assert patch["spec"]["template"]["metadata"] == {"annotations": {REQUIRED_SCC: COPY}}


def test_no_sccs_no_access():
    assert [one["kind"] for one in rendered(workload(), openshift=False)] == ["Deployment"]


def test_comments_say_what_it_is_for():
    cluster, _ = make_world(workload())
    made = render(cluster, InjectRequest(selection=WEB), part=ALL, progress=Recorder())
    text = yaml_documents(made.documents)
    assert "# A copy of SCC restricted-v2 that also allows" in text and "&id" not in text


def test_what_would_not_work_is_refused_with_every_reason():
    cluster, _ = make_world(workload(containers=[container()], paused=True))
    with pytest.raises(errors.NotReady) as raised:
        render(cluster, InjectRequest(selection=WEB), part=ALL, progress=Recorder())
    assert raised.value.message.count("\n  - deployment/web: ") == 2
