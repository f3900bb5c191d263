from __future__ import annotations

import json

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import claim, snapshot_class, storage_class, volume
from fakes.workloads import NAMESPACE, claim_volume, container, pod, rolled_out, workload
from oc_gsb.inventory.discovery import DiscoverRequest, discover
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.template import add_sidecar
from plugin_core.names import POD_SCC
from plugin_core.render.reports import render

SNAPSHOTS = "snapshot.storage.k8s.io"


def make(*objects, served=(SNAPSHOTS,), **options):
    return FakeCluster(objects, groups={group: ["v1"] for group in served}, **options)


def look(cluster, **request):
    return discover(cluster, DiscoverRequest(**request), progress=Recorder())


def ways(report):
    return {item["claim"]: item["recommendation"] for one in report.items for item in one["claims"]}


def one_claim(*objects, served=(SNAPSHOTS,), **request):
    report = look(make(*objects, served=served), **request)
    (item,) = report.items
    (found,) = item["claims"]
    return found


RWO = claim(modes=("ReadWriteOnce",))


@pytest.mark.parametrize("objects, way, reason", [
    ([claim(), storage_class(), snapshot_class()], "csi-snapshot", "VolumeSnapshotClass one is of its driver"),
    ([claim(), storage_class()], "shareable-volume", "has no VolumeSnapshotClass; ReadWriteMany needs no sidecar"),
    ([RWO, storage_class()], "gsb", "driver one.csi.test has no VolumeSnapshotClass"),
    ([RWO, storage_class(), snapshot_class(driver="other.csi.test")], "gsb", "has no VolumeSnapshotClass"),
    ([RWO, volume(source={"nfs": {"server": "x", "path": "/"}}), snapshot_class()], "gsb",
     "its volume is a plain NFS mount (nfs), which has no snapshots"),
    ([], "unsupported", "there is no such claim"),
])
def test_the_way_of_a_claim(objects, way, reason):
    found = one_claim(workload(), *objects)
    assert found["recommendation"] == way and reason in found["reason"]


def test_no_snapshot_api_at_all():
    found = one_claim(workload(), RWO, storage_class(), served=())
    assert (found["recommendation"], found["snapshots"]) == ("gsb", False)
    assert "serves no snapshots" in found["reason"]


def test_what_kasten_needs_besides_is_said_once():
    report = look(make(workload(), workload(name="db"), claim(), storage_class(), snapshot_class()))
    assert [note for note in report.notes if "is-snapshot-class=true" in note] == [
        "note: VolumeSnapshotClass one lacks the annotation k10.kasten.io/is-snapshot-class=true, by which Kasten "
        "finds it"]


def test_a_marked_class_needs_nothing():
    marked = snapshot_class(**{"k10.kasten.io/is-snapshot-class": "true"})
    assert one_claim(workload(), claim(), storage_class(), marked)["caveats"] == []


def test_block_volumes():
    block = claim(modes=("ReadWriteOnce",))
    block["spec"]["volumeMode"] = "Block"
    made = workload(containers=[{**container(), "volumeDevices": [{"name": "data", "devicePath": "/dev/x"}]}])
    found = one_claim(made, block, storage_class())
    assert found["recommendation"] == "unsupported" and "no files to copy" in found["reason"]
    assert one_claim(made, block, storage_class(), snapshot_class())["recommendation"] == "csi-snapshot"


def test_kastens_own():
    found = one_claim(workload(), claim(), storage_class(), k10_namespace=NAMESPACE)
    assert found["recommendation"] == "unsupported" and "Kasten's own" in found["reason"]


def foreign_pod(kind, name="vm", **labels):
    made = pod(name, {"kind": kind, "metadata": {"name": "big", "uid": "uid-big"}},
               {"metadata": {"labels": labels}, "spec": {"containers": [container()],
                                                         "volumes": [claim_volume("data")]}}, scc="restricted-v2")
    return made


@pytest.mark.parametrize("kind, target, reason", [
    ("VirtualMachineInstance", "virtualmachineinstance/big", "no files out of virtual machines"),
    ("DaemonSet", "daemonset/big", "a DaemonSet takes no sidecar"), ("Job", "job/big", "a Job takes no sidecar")])
def test_other_owners(kind, target, reason):
    report = look(make(foreign_pod(kind), RWO, storage_class()))
    assert report.items[0]["target"] == target
    assert report.items[0]["claims"][0]["recommendation"] == "unsupported"
    assert reason in report.items[0]["claims"][0]["reason"]


def test_bare_pods():
    bare = foreign_pod("X")
    del bare["metadata"]["ownerReferences"]
    (item,) = look(make(bare, RWO, storage_class())).items
    assert item["target"] == "pod/vm" and "a bare pod takes no sidecar" in item["claims"][0]["reason"]


def test_claim_templates_name_their_claims():
    made = workload("StatefulSet", "db", replicas=2, volumes=[], volumeClaimTemplates=[
        {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}])
    claims = [claim(f"data-db-{number}", modes=("ReadWriteOnce",)) for number in (0, 1)]
    assert ways(look(make(made, *claims, storage_class()))) == {"data-db-0": "gsb", "data-db-1": "gsb"}


def test_a_claim_of_two_volumes_is_one_and_mounted_where_one_of_them_is():
    both = workload(volumes=[claim_volume("spare", "data"), claim_volume("data")])
    found = one_claim(both, claim(), storage_class(), snapshot_class())
    assert (found["claim"], found["volume"], found["recommendation"]) == ("data", "data", "csi-snapshot")


def test_unmounted_volumes():
    made = workload(containers=[container()])
    assert "no container mounts it" in one_claim(made, RWO, storage_class())["reason"]


def test_scc_of_the_newest_pods_and_the_sidecar():
    made = add_sidecar(workload(), options=SidecarOptions(image="tools:1"), scc="restricted-v2-gsb")
    cluster = make(claim(), storage_class())
    rolled_out(cluster, made, admit=lambda one: one["metadata"]["annotations"].update({POD_SCC: "restricted-v2-gsb"}))
    (item,) = look(cluster).items
    assert (item["sccs"], item["sidecar"]) == (["restricted-v2-gsb"], "injected")


def test_unmounted_claims_are_named():
    report = look(make(workload(), claim(), claim("old"), storage_class()))
    assert report.facts["unmountedClaims"] == ["app/old"] and "mounted by no workload: old" in report.notes[-1]


def test_selected_workloads_only():
    labelled = workload(name="db")
    labelled["metadata"]["labels"] = {"tier": "db"}
    report = look(make(workload(), labelled, claim(), storage_class(), foreign_pod("Job")), labels="tier=db")
    assert [item["target"] for item in report.items] == ["deployment/db"]


def test_what_may_not_be_read_is_left_open():
    denied = ["list volumesnapshotclasses.snapshot.storage.k8s.io", "list persistentvolumes",
              "list storageclasses.storage.k8s.io"]
    report = look(make(workload(), RWO, storage_class(), snapshot_class(), denied=denied))
    found = report.items[0]["claims"][0]
    assert (found["snapshots"], found["recommendation"]) == (None, "gsb")
    assert len([note for note in report.notes if note.startswith("warning: not known: ")]) == 3


@pytest.mark.parametrize("count", [1, 300])
def test_a_fixed_number_of_requests(count):
    groups = (SNAPSHOTS, "apps.openshift.io")
    objects = [workload(name=f"web{number}", volumes=[claim_volume("data", f"c{number}")]) for number in range(count)]
    claims = [claim(f"c{number}") for number in range(count)]
    cluster = make(*objects, *claims, storage_class(), served=groups)
    assert len(look(cluster, everywhere=True).items) == count
    assert sorted(cluster.requests) == [
        "list deploymentconfigs.apps.openshift.io", "list deployments.apps", "list persistentvolumeclaims",
        "list persistentvolumes", "list pods", "list replicasets.apps", "list replicationcontrollers",
        "list statefulsets.apps", "list storageclasses.storage.k8s.io",
        "list volumesnapshotclasses.snapshot.storage.k8s.io"]


def test_tables_and_names():
    report = look(make(workload(), claim(), storage_class()))
    assert render(report, output="name", api_version="x") == "deployment/web\n"
    shown = render(report, output="table", api_version="x")
    assert "deployment/web   <none>   none      1        shareable-volume" in shown
    assert json.loads(render(report, output="json", api_version="x"))["kind"] == "DiscoveryList"
    everywhere = render(look(make(workload(), claim(), storage_class()), everywhere=True), output="table",
                        api_version="x")
    assert everywhere.startswith("NAMESPACE")
