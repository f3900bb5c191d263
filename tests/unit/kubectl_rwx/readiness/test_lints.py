"""Each finding is triggered by its cause, names the object and carries the command that mends it."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.readiness import GROUPS, csi_driver, csi_node, definitions, deployment, lease, storage_class
from fakes.storage import DRIVER, snapshot_class
from kubectl_rwx.readiness.checks import CheckRequest, check_storage
from plugin_core import names
from plugin_core.model.manifests import Manifest
from plugin_core.storage.verifications import Verification

NFS = "nfs.csi.k8s.io"
NODES = [csi_driver(), csi_node("node-a", DRIVER, NFS), csi_node("node-b", DRIVER, NFS), csi_driver(NFS)]
GOOD = [*definitions(), lease(), *NODES, storage_class(), snapshot_class(default=True)]
KASTEN = {**GROUPS, "config.kio.kasten.io": ["v1alpha1"]}
VELERO = {**GROUPS, "velero.io": ["v1"]}
MARK = "kubectl annotate volumesnapshotclass"


def found(objects: list[Manifest], groups: Any = GROUPS) -> dict[str, Any]:
    answer = check_storage(FakeCluster(objects, groups=groups), CheckRequest(), Recorder())
    section = next(section for section in answer.report.sections if section.key == "findings")
    return {str(item["code"]): item for item in reversed(section.items)}


def without(*kinds: str) -> list[Manifest]:
    return [item for item in GOOD if item["kind"] not in kinds]


def labelled(item: Manifest, key: str) -> Manifest:
    item["metadata"]["labels"] = {key: "true"}
    return item


def nfs_class(**parameters: str) -> Manifest:
    return {**snapshot_class("nfs", driver=NFS, default=True), "parameters": parameters}


CASES: list[tuple[str, list[Manifest], Any, str, str, str]] = [
    # code, objects, groups, severity, subject, command
    ("crd-missing", [*without("CustomResourceDefinition"), *definitions(leave_out="volumesnapshotclasses")], GROUPS,
     "fail", "customresourcedefinition/volumesnapshotclasses.snapshot.storage.k8s.io", "kubectl rwx setup snapshots"),
    ("crd-stored-version", [*without("CustomResourceDefinition"), *definitions(stored=("v1beta1", "v1"))], GROUPS,
     "warn", "customresourcedefinition/volumesnapshots.snapshot.storage.k8s.io",
     "kubectl annotate volumesnapshots.snapshot.storage.k8s.io --all -A stored-anew- && "),
    ("crd-older-than-controller",
     [*without("CustomResourceDefinition"), *definitions(rules=False), deployment()], GROUPS,
     "warn", "customresourcedefinition/volumesnapshots.snapshot.storage.k8s.io",
     "kubectl rwx setup snapshots --upgrade"),
    ("controller-unseen", without("Lease"), GROUPS, "warn", "snapshot-controller", "kubectl rwx verify CLASS"),
    ("controller-twice",
     [*without("Lease"), deployment(), deployment(namespace="other")], GROUPS, "warn", "snapshot-controller",
     "kubectl get deployments -A | grep snapshot-controller"),
    ("controller-old", [*GOOD, deployment(image="registry.k8s.io/sig-storage/snapshot-controller:v8.2.0")], GROUPS,
     "note", "snapshot-controller", "kubectl rwx setup snapshots --upgrade"),
    ("driver-on-no-node", [*without("CSINode"), csi_node("node-a"), csi_node("node-b")], GROUPS,
     "fail", f"driver/{DRIVER}", "kubectl get csinodes -o yaml"),
    ("driver-on-some-nodes", [*without("CSINode"), csi_node("node-a", DRIVER), csi_node("node-b")], GROUPS,
     "note", f"driver/{DRIVER}", "kubectl get csinodes"),
    ("no-snapshot-class", without("VolumeSnapshotClass"), GROUPS, "warn", f"driver/{DRIVER}", "| kubectl create -f -"),
    ("several-defaults", [*GOOD, snapshot_class("two", default=True)], GROUPS, "fail", f"driver/{DRIVER}",
     f"{MARK} two {names.DEFAULT_SNAPSHOT_CLASS}-"),
    ("no-default", [*without("VolumeSnapshotClass"), snapshot_class()], GROUPS, "warn", f"driver/{DRIVER}",
     f"{MARK} one {names.DEFAULT_SNAPSHOT_CLASS}=true"),
    ("default-misspelt",
     [*without("VolumeSnapshotClass"), snapshot_class(**{names.MISSPELT_DEFAULT_SNAPSHOT_CLASS: "true"})], GROUPS,
     "warn", "volumesnapshotclass/one",
     f"{MARK} one {names.MISSPELT_DEFAULT_SNAPSHOT_CLASS}- {names.DEFAULT_SNAPSHOT_CLASS}=true"),
    ("class-without-driver", [*GOOD, snapshot_class("lost", driver="gone.csi.test", default=True)], GROUPS,
     "warn", "volumesnapshotclass/lost", "kubectl get csidrivers,csinodes"),
    ("deletion-policy-retain",
     [*without("VolumeSnapshotClass"), {**snapshot_class(default=True), "deletionPolicy": "Retain"}], GROUPS,
     "note", "volumesnapshotclass/one", ""),
    ("kasten-mark-absent", GOOD, KASTEN, "warn", f"driver/{DRIVER}",
     f"kubectl annotate volumesnapshotclass one {names.KASTEN_SNAPSHOT_CLASS}=true"),
    ("kasten-mark-twice",
     [*without("VolumeSnapshotClass"), snapshot_class(default=True, **{names.KASTEN_SNAPSHOT_CLASS: "true"}),
      snapshot_class("two", **{names.KASTEN_SNAPSHOT_CLASS: "true"})], KASTEN, "warn", f"driver/{DRIVER}",
     f"kubectl annotate volumesnapshotclass two {names.KASTEN_SNAPSHOT_CLASS}-"),
    ("velero-mark-absent", GOOD, VELERO, "warn", f"driver/{DRIVER}",
     f"kubectl label volumesnapshotclass one {names.VELERO_SNAPSHOT_CLASS}=true"),
    ("nfs-share-differs",
     [*GOOD, storage_class("nfs", driver=NFS, parameters={"server": "nfs", "share": "/"}), nfs_class(share="/other")],
     GROUPS, "warn", "volumesnapshotclass/nfs", "kubectl get volumesnapshotclass nfs -o yaml"),
    ("proof-stale",
     [*without("StorageClass"), storage_class(annotations=Verification(
         date="2026-11-01T09:00:00Z", access_mode="ReadWriteMany", result="passed", driver=DRIVER, uid="old",
         parameters_hash="0").annotation())], GROUPS, "note", "storageclass/one", "kubectl rwx verify one"),
    ("several-default-classes",
     [*without("StorageClass"), storage_class(annotations={names.DEFAULT_STORAGE_CLASS: "true"}),
      storage_class("two", annotations={names.DEFAULT_STORAGE_CLASS: "true"})], GROUPS, "warn", "storageclasses",
     "kubectl annotate storageclass two storageclass.kubernetes.io/is-default-class-"),
]


@pytest.mark.parametrize(
    ("code", "objects", "groups", "severity", "subject", "command"), CASES, ids=[case[0] for case in CASES]
)
def test_each_finding(
    code: str, objects: list[Manifest], groups: Any, severity: str, subject: str, command: str
) -> None:
    item = found(objects, groups)[code]
    assert (item["severity"], item["subject"]) == (severity, subject)
    assert item["observed"] and item["matters"]
    assert command in (item["command"] or "")


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert found(GOOD) == {}


def test_a_second_controller_is_found_by_its_lease() -> None:
    both = [deployment(), deployment(namespace="other")]
    assert "controller-twice" not in found([*GOOD, deployment()])
    assert "controller-twice" in found([*GOOD, lease(namespace="other"), *both])


def test_marks_do_not_matter_where_the_product_is_not() -> None:
    assert not set(found(GOOD)) & {"kasten-mark-absent", "velero-mark-absent"}
    marked = labelled(snapshot_class(default=True), names.VELERO_SNAPSHOT_CLASS)
    assert "velero-mark-absent" not in found([*without("VolumeSnapshotClass"), marked], VELERO)


def test_the_same_share_is_no_mismatch() -> None:
    nfs = storage_class("nfs", driver=NFS, parameters={"server": "nfs", "share": "/"})
    assert "nfs-share-differs" not in found([*GOOD, nfs, nfs_class(server="nfs", share="/")])
