"""PersistentVolumes: which CSI driver serves one, and what the others are."""

from __future__ import annotations

from plugin_core import errors
from plugin_core.model.manifests import Manifest, name_of, part_of

_NOT_SOURCES = {
    "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
    "storageClassName", "volumeAttributesClassName", "volumeMode",
}
"""The fields of a PersistentVolume's spec that are no volume source (k8s.io/api core/v1 PersistentVolumeSpec)."""

_WORDS = {
    "hostPath": "a directory of one node (hostPath)",
    "local": "a local disk of one node (local)",
    "nfs": "a plain NFS mount (nfs)",
}


def csi_driver_of(volume: Manifest) -> str:
    """spec.csi.driver; "" for a volume that is not CSI."""
    return str(part_of(volume, "spec", "csi", "driver") or "")


def require_csi_driver(volume: Manifest) -> str:
    """The volume's CSI driver.

    Raises NotReady for any other volume: external-snapshotter refuses them all, migrated in-tree volumes included.
    """
    driver = csi_driver_of(volume)
    if driver:
        return driver
    raise errors.NotReady(
        f'its volume "{name_of(volume)}" is {describe_volume(volume)}, not a CSI volume; only those have snapshots',
        hint="copy the data to a claim of a StorageClass whose driver has snapshots",
    )


def describe_volume(volume: Manifest) -> str:
    """What kind of volume it is, in words: by its source, e.g. "a local disk of one node (local)"."""
    driver = csi_driver_of(volume)
    if driver:
        return f"a CSI volume of {driver}"
    source = next((key for key in part_of(volume, "spec") or {} if key not in _NOT_SOURCES), "")
    return _WORDS.get(source, f"an in-tree volume ({source})" if source else "a volume without a source")
