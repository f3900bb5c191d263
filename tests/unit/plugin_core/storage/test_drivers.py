"""The catalogue: complete, sourced, and matched by provisioner and parameters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fakes.readiness import storage_class
from plugin_core.storage.drivers import Driver, Known, find_driver, read_catalogue

YES, NO, DEPENDS, UNKNOWN = Known.YES, Known.NO, Known.DEPENDS, Known.UNKNOWN

# provisioner, parameters → shared filesystem, snapshots: every provider that the guides name
EXPECTED = [
    ("openshift-storage.cephfs.csi.ceph.com", {}, YES, YES),
    ("rook-ceph.cephfs.csi.ceph.com", {}, YES, YES),
    ("rook-ceph.rbd.csi.ceph.com", {}, NO, YES),
    ("csi.trident.netapp.io", {"backendType": "ontap-nas"}, YES, YES),
    ("csi.trident.netapp.io", {"backendType": "ontap-nas-flexgroup"}, YES, YES),
    ("csi.trident.netapp.io", {"backendType": "ontap-san-economy"}, NO, YES),
    ("csi.trident.netapp.io", {"backendType": "solidfire-san"}, NO, YES),
    ("csi.trident.netapp.io", {"backendType": "azure-netapp-files"}, YES, YES),
    ("csi.trident.netapp.io", {"selector": "tier=gold"}, DEPENDS, YES),
    ("csi-vxflexos.dellemc.com", {}, NO, YES),
    ("csi-vxflexos.dellemc.com", {"csi.storage.k8s.io/fstype": "nfs"}, YES, YES),
    ("csi-powerstore.dellemc.com", {"csi.storage.k8s.io/fstype": "xfs"}, NO, YES),
    ("csi-powerstore.dellemc.com", {"csi.storage.k8s.io/fsType": "NFS"}, YES, YES),
    ("spectrumscale.csi.ibm.com", {}, YES, DEPENDS),
    ("efs.csi.aws.com", {"provisioningMode": "efs-ap"}, YES, NO),
    ("file.csi.azure.com", {"skuName": "Standard_LRS"}, YES, YES),
    ("file.csi.azure.com", {"protocol": "nfs"}, YES, DEPENDS),
    ("filestore.csi.storage.gke.io", {"tier": "enterprise"}, YES, YES),
    ("linstor.csi.linbit.com", {}, DEPENDS, YES),
    ("pxd.portworx.com", {"sharedv4": "true", "repl": "2"}, YES, YES),
    ("pxd.portworx.com", {"repl": "2"}, DEPENDS, YES),
    ("pxd.portworx.com", {"backend": "pure_block"}, NO, YES),
    ("pxd.portworx.com", {"backend": "pure_file"}, YES, DEPENDS),
    ("csi.hpe.com", {"nfsResources": "true"}, YES, DEPENDS),
    ("csi.hpe.com", {}, DEPENDS, YES),
    ("nfs.csi.k8s.io", {"server": "nfs", "share": "/"}, YES, YES),
    ("smb.csi.k8s.io", {"source": "//smb/share"}, YES, NO),
    ("driver.longhorn.io", {}, YES, YES),
    ("driver.longhorn.io", {"migratable": "true"}, NO, YES),
    ("io.openebs.csi-mayastor", {}, NO, YES),
    ("openebs.io/nfsrwx", {}, YES, NO),
    ("topolvm.io", {}, NO, DEPENDS),
    ("csi.vsphere.vmware.com", {}, DEPENDS, DEPENDS),
    ("csi.vsphere.vmware.com", {"csi.storage.k8s.io/fstype": "nfs4"}, YES, NO),
    ("ebs.csi.aws.com", {"type": "gp3"}, NO, YES),
    ("disk.csi.azure.com", {}, NO, YES),
    ("pd.csi.storage.gke.io", {}, NO, YES),
    ("pure-csi", {"backend": "file"}, YES, NO),
    ("pure-csi", {"backend": "block"}, NO, YES),
    ("rancher.io/local-path", {}, DEPENDS, NO),
    ("kubernetes.io/aws-ebs", {}, DEPENDS, NO),
]


@pytest.mark.parametrize(("provisioner", "parameters", "rwx", "snapshots"), EXPECTED)
def test_what_is_known(provisioner: str, parameters: dict[str, str], rwx: Known, snapshots: Known) -> None:
    entry = find_driver(storage_class(driver=provisioner, parameters=parameters))
    assert entry is not None
    assert (entry.rwx_filesystem, entry.snapshots) == (rwx, snapshots), entry.name


@pytest.mark.parametrize("provisioner", ["shared.csi.sandbox.local", "nfs.csi.k8s.io.example.com", ""])
def test_nothing_is_known_of_strangers(provisioner: str) -> None:
    assert find_driver(storage_class(driver=provisioner)) is None


@pytest.mark.parametrize("provisioner", [
    "rancher.io/local-path", "kubernetes.io/no-provisioner", "kubernetes.io/gce-pd", "k8s.io/minikube-hostpath",
    "openebs.io/local", "cluster.local/nfs-subdir-external-provisioner",
])
def test_not_csi(provisioner: str) -> None:
    entry = find_driver(storage_class(driver=provisioner))
    assert entry and not entry.csi


def test_nfs_is_not_point_in_time() -> None:
    entry = find_driver(storage_class(driver="nfs.csi.k8s.io"))
    assert entry and entry.point_in_time is NO


def test_minimum_size_is_bytes() -> None:
    entry = find_driver(storage_class(driver="csi.trident.netapp.io", parameters={"backendType": "azure-netapp-files"}))
    assert entry and entry.minimum_size == 50 * 1024**3


@pytest.mark.parametrize("entry", read_catalogue(), ids=lambda entry: entry.name)
def test_every_entry_is_whole(entry: Driver) -> None:
    answers = (entry.rwx_filesystem, entry.snapshots, entry.clones, entry.point_in_time)
    assert entry.name and entry.provisioners and entry.source
    assert DEPENDS not in answers or entry.depends, "say what it depends on"
    assert entry.verified or set(answers) == {UNKNOWN}, "without a source nothing counts as known"
    assert "://" not in entry.source
    assert "unverified" not in entry.source or not entry.verified, "half a source is none"


def test_names_are_unique_and_every_entry_can_be_reached() -> None:
    catalogue = read_catalogue()
    assert len({entry.name for entry in catalogue}) == len(catalogue)
    for entry in catalogue:
        parameters = {key: patterns[0].replace("*", "") for key, patterns in entry.parameters.items()}
        for provisioner in entry.provisioners:
            found = find_driver(storage_class(driver=provisioner.replace("*", "x"), parameters=parameters))
            assert found is entry, f"{entry.name} is hidden by {found and found.name}"


def test_the_page_of_the_catalogue_is_up_to_date() -> None:
    root = Path(__file__).parents[4]
    command = [sys.executable, str(root / "build" / "drivers_page.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
