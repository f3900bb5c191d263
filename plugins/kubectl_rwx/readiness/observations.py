"""Everything `check` reads from a cluster: one list for each kind, all at once; what is forbidden is remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from kubectl_rwx.diagnosis.snapshot_controllers import CONTROLLER_LEASE, controller_image
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    CSI_DRIVER,
    CSI_NODE,
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    LEASE,
    PERSISTENT_VOLUME,
    SNAPSHOT_GROUP,
    STORAGE_CLASS,
    STORAGE_PROFILE,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)
from plugin_core.model.manifests import Manifest, namespace_of

SNAPSHOT_KINDS = (VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT, VOLUME_SNAPSHOT_CLASS)
BACKUP_GROUPS = {"kasten": "config.kio.kasten.io", "velero": "velero.io"}
"""API groups that a product serves where it is installed."""

T = TypeVar("T")


@dataclass(frozen=True)
class Unseen:
    """A request that was refused. words: the server's."""

    request: str
    words: str


@dataclass(frozen=True)
class Observations:
    """None: it may not be read (`unseen` says why). An empty list: there is none.

    snapshot_versions: served ones, the preferred first. definitions: CRDs by name, absent ones left out. controllers:
    Deployments that may be the snapshot-controller. waiting: VolumeSnapshots, read only when nothing else tells whether
    the controller lives. backup_products: kasten, velero. profiles: CDI's StorageProfiles, asked for only where its API
    is served.
    """

    server: str
    snapshot_versions: Sequence[str]
    classes: Sequence[Manifest] | None
    volumes: Sequence[Manifest] | None = None
    drivers: Sequence[Manifest] | None = None
    nodes: Sequence[Manifest] | None = None
    snapshot_classes: Sequence[Manifest] | None = None
    contents: Sequence[Manifest] | None = None
    leases: Sequence[Manifest] | None = None
    controllers: Sequence[Manifest] | None = None
    waiting: Sequence[Manifest] | None = None
    definitions: dict[str, Manifest] | None = None
    backup_products: Sequence[str] = ()
    profiles: Sequence[Manifest] | None = None
    unseen: tuple[Unseen, ...] = field(default=())

    @property
    def api_served(self) -> bool:
        return VOLUME_SNAPSHOT.version in self.snapshot_versions


def observe(cluster: Cluster, *, named: Sequence[str] = ()) -> Observations:
    """named: StorageClasses to fetch one by one where listing them is forbidden. Raises ConnectionFailed."""
    refused: list[Unseen] = []

    def look(request: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except errors.Forbidden as error:
            refused.append(Unseen(request=request, words=error.server_message or error.message))
            return None

    def listed(kind: Kind, *, namespace: str | None = None, fields: str = "") -> list[Manifest] | None:
        def read() -> list[Manifest]:
            try:
                return cluster.list_all(kind, namespace=namespace, fields=fields).items
            except errors.NotFound:
                return []

        return look(f"list {kind.resource}", read)

    def storage_profiles() -> list[Manifest] | None:
        served = look(f"get /apis/{STORAGE_PROFILE.group}", lambda: cluster.versions_of(STORAGE_PROFILE.group))
        if served is None:
            return None
        return listed(STORAGE_PROFILE) if STORAGE_PROFILE.version in served else []

    with ThreadPoolExecutor(max_workers=12) as pool:
        server = pool.submit(look, "get /version", cluster.server_version)
        versions = pool.submit(look, f"get /apis/{SNAPSHOT_GROUP}", lambda: cluster.versions_of(SNAPSHOT_GROUP))
        products = {name: pool.submit(cluster.versions_of, group) for name, group in BACKUP_GROUPS.items()}
        profiles = pool.submit(storage_profiles)
        kinds = (STORAGE_CLASS, PERSISTENT_VOLUME, CSI_DRIVER, CSI_NODE, VOLUME_SNAPSHOT_CLASS, VOLUME_SNAPSHOT_CONTENT)
        lists = {kind: pool.submit(listed, kind) for kind in kinds}
        leases = pool.submit(listed, LEASE, fields=f"metadata.name={CONTROLLER_LEASE}")
        definitions = pool.submit(look, f"get {CUSTOM_RESOURCE_DEFINITION.resource}", lambda: _definitions(cluster))
        found_leases = leases.result()
        places = dict.fromkeys(map(namespace_of, found_leases)) if found_leases else {None: None}
        deployments = [pool.submit(listed, DEPLOYMENT, namespace=place) for place in places]
        classes = lists[STORAGE_CLASS].result()
        if classes is None and named:
            classes = look(f"get {STORAGE_CLASS.resource}", lambda: _fetch(cluster, named))
        controllers = _controllers([found.result() for found in deployments])
        undecided = not found_leases and not controllers and versions.result()
        return Observations(
            server=server.result() or "", snapshot_versions=versions.result() or (), classes=classes,
            volumes=lists[PERSISTENT_VOLUME].result(), drivers=lists[CSI_DRIVER].result(),
            nodes=lists[CSI_NODE].result(), snapshot_classes=lists[VOLUME_SNAPSHOT_CLASS].result(),
            contents=lists[VOLUME_SNAPSHOT_CONTENT].result(), leases=found_leases, controllers=controllers,
            waiting=listed(VOLUME_SNAPSHOT) if undecided else None, definitions=definitions.result(),
            backup_products=[name for name, found in products.items() if found.result()],
            profiles=profiles.result(), unseen=tuple(refused),
        )


def _fetch(cluster: Cluster, names: Sequence[str]) -> list[Manifest]:
    found = []
    for name in names:
        try:
            found.append(cluster.get(STORAGE_CLASS, name))
        except errors.NotFound:
            continue
    return found


def _definitions(cluster: Cluster) -> dict[str, Manifest]:
    """The three CRDs one by one: a list would carry every schema of the cluster."""
    found = {}
    for kind in SNAPSHOT_KINDS:
        try:
            found[kind.resource] = cluster.get(CUSTOM_RESOURCE_DEFINITION, kind.resource)
        except errors.NotFound:
            continue
    return found


def _controllers(lists: Sequence[list[Manifest] | None]) -> list[Manifest] | None:
    """Deployments whose name or image is the snapshot-controller's; OpenShift's is called csi-snapshot-controller.

    None when no list may be read.
    """
    seen = [deployments for deployments in lists if deployments is not None]
    return [item for deployments in seen for item in deployments if controller_image(item)] if seen else None
