"""What KubeVirt's Containerized Data Importer (CDI) holds of a StorageClass: an opinion, neither observed nor proven.

CDI keeps one StorageProfile for each class, under the class's name. Its status lists access modes with volume modes:
those of its spec where somebody set any, else those of a table in CDI's code; none for a provisioner that CDI does not
know. The list is in order of preference and need not be whole, so what is absent from it is no "no".
Source: kubevirt/containerized-data-importer doc/storageprofile.md, pkg/controller/storageprofile-controller.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.storage.claims import FILESYSTEM
from plugin_core.storage.storage_classes import NO_PROVISIONER, provisioner_of_class

SHARED = f"ReadWriteMany {FILESYSTEM}"
CSI_CLONE = "csi-clone"
"""The clone strategy of claims whose dataSource is a claim; `snapshot` and `copy` are ways around that."""


@dataclass(frozen=True)
class StorageProfile:
    """modes: "ReadWriteMany Block" and the like, each once, the preferred first. clone_strategy: "" when none is told.

    by_spec: somebody set the modes; otherwise they are of CDI's table.
    """

    name: str
    modes: tuple[str, ...] = ()
    clone_strategy: str = ""
    by_spec: bool = False

    @property
    def shared(self) -> bool:
        """Whether it lists filesystems that several nodes share; raw block devices (for virtual machines) are none."""
        return SHARED in self.modes

    @property
    def origin(self) -> str:
        return "set in its spec" if self.by_spec else "from CDI's own table"

    @property
    def sharing(self) -> str:
        """What it says of shared filesystems, in words; "" when it says that there are none, or nothing at all."""
        return f"CDI StorageProfile {self.name} lists {SHARED} ({self.origin})" if self.shared else ""

    @property
    def cloning(self) -> str:
        """What it says of clones, in words; "" when it says nothing of them."""
        return f"CDI StorageProfile {self.name} clones by {CSI_CLONE}" if self.clone_strategy == CSI_CLONE else ""


def profile_of_class(storage_class: Manifest, profiles: Sequence[Manifest]) -> StorageProfile | None:
    """The profile of the class; None when there is none, it is of another provisioner (a class that was made anew), or
    CDI only repeats what volumes made by hand claim to be (classes without a provisioner).
    """
    name, provisioner = name_of(storage_class), provisioner_of_class(storage_class)
    found = next((item for item in profiles if name_of(item) == name), None)
    if not found or part_of(found, "status", "provisioner") != provisioner or provisioner == NO_PROVISIONER:
        return None
    return StorageProfile(
        name=name, modes=tuple(dict.fromkeys(_modes(part_of(found, "status", "claimPropertySets")))),
        clone_strategy=str(part_of(found, "status", "cloneStrategy") or ""),
        by_spec=bool(part_of(found, "spec", "claimPropertySets")),
    )


def _modes(sets: Any) -> Iterator[str]:
    """What has not the form of CDI's schema is passed over: an opinion that cannot be read is none."""
    for one in sets if isinstance(sets, list) else ():
        modes = part_of(one, "accessModes")
        for mode in modes if isinstance(modes, list) else ():
            yield f"{mode} {one.get('volumeMode') or FILESYSTEM}"
