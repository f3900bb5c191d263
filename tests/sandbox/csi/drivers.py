"""One driver on one node: its name, what it can do, and where its things are."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc

from sandbox.csi import mounts
from sandbox.csi.faults import Faults
from sandbox.csi.locks import Locks
from sandbox.csi.records import Group, Publication, Snapshot, Table, Tries, Volume
from sandbox.csi.refusals import Refusal
from sandbox.csi.variants import Variant

VERSION = "1.0.0"


class Driver:
    """Shared by all services of one driver name in one process. Holds no state of its own: that is in files."""

    def __init__(self, *, name: str, variant: Variant, node: str, data_dir: Path) -> None:
        self.name = name
        self.variant = variant
        self.node = node
        home = data_dir / name
        records = home / "records"
        self.volumes = Table(records / "volumes", Volume)
        self.snapshots = Table(records / "snapshots", Snapshot)
        self.groups = Table(records / "groups", Group)
        self.publications = Table(records / "publications", Publication)
        self.tries = Table(records / "tries", Tries)
        self.locks = Locks(home / "locks")
        # One for all drivers: a pod may use volumes of two of them, and must not be continued while one still copies.
        self.cuts = Locks(data_dir / "locks")
        self.volumes_folder = home / "volumes"
        self._snapshots_folder = home / "snapshots"
        self._drafts = home / "drafts" / node
        for folder in (self.volumes_folder, self._snapshots_folder):
            folder.mkdir(parents=True, exist_ok=True)
        # Only this node's process makes drafts here, and it has just started: these are of one that died.
        shutil.rmtree(self._drafts, ignore_errors=True)
        self._drafts.mkdir(parents=True)

    @contextmanager
    def drafting(self) -> Iterator[Path]:
        """A folder on the same file system for unfinished and for discarded things; emptied and removed at the end."""
        folder = Path(tempfile.mkdtemp(dir=self._drafts))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def locate_volume(self, volume: Volume) -> Path:
        return self.volumes_folder / volume.folder

    def locate_snapshot(self, snapshot_id: str, *, archive: bool) -> Path:
        return self._snapshots_folder / (f"{snapshot_id}.tar.gz" if archive else snapshot_id)

    def require_volume(self, volume_id: str) -> Volume:
        volume = self.volumes.find(volume_id)
        if volume is None:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"there is no volume {volume_id!r}")
        return volume

    def require_snapshot(self, snapshot_id: str) -> Snapshot:
        snapshot = self.snapshots.find(snapshot_id)
        if snapshot is None:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"there is no snapshot {snapshot_id!r}")
        return snapshot

    def list_mounted(self, volume: Volume) -> list[Publication]:
        """Where the volume really is in use. Records of nodes that died without unpublishing are dropped.

        The caller holds the volume's publish lock: a record is written before its mount is made.
        """
        origin = mounts.find_origin(self.locate_volume(volume))
        mounted = []
        for publication in self.publications.list_all():
            if publication.volume == volume.id:
                mount = mounts.find_mount(publication.target, namespace=publication.namespace)
                if mount is not None and origin.is_of(mount):
                    mounted.append(publication)
                else:
                    self.publications.remove(publication.id)
        return mounted

    def overlay_faults(self, *parameters: Mapping[str, str]) -> Faults:
        """The variant's faults with those of each class laid over them, in this order."""
        faults = self.variant.faults
        for layer in parameters:
            faults = faults.overlaid(layer)
        return faults
