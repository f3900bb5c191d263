"""The snapshot API and its controller as objects to install: from upstream's release, or from the user's folder."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubectl_rwx.diagnosis.snapshot_controllers import controller_image, version_of
from kubectl_rwx.installation.archives import Archive, fetch_folder
from kubectl_rwx.installation.images import CONTROLLER, SNAPSHOTTER_VERSION
from kubectl_rwx.installation.manifest_folders import parse_manifests, read_manifests
from kubectl_rwx.readiness.images import mirrored
from plugin_core import errors, names
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    GROUP_SNAPSHOT_GROUP,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    SNAPSHOT_GROUP,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
)
from plugin_core.model.manifests import Manifest, name_of, part_of

ARCHIVES = (
    Archive(f"client/v{SNAPSHOTTER_VERSION}", "client/config/crd",
            "sha256:76d5da8ab4f561cf5999d8435fa3533cc58da5ad7876f56e4d9ce5d840a97d00"),
    Archive(f"v{SNAPSHOTTER_VERSION}", "deploy/kubernetes/snapshot-controller",
            "sha256:735eea814f1931604c5e0499c8785b60d10ba17e20007993f956261f0a8410ca"),
)
_ORDER = (CUSTOM_RESOURCE_DEFINITION, SERVICE_ACCOUNT, CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING,
          DEPLOYMENT)
_NEEDED = (VOLUME_SNAPSHOT_CLASS, VOLUME_SNAPSHOT_CONTENT, VOLUME_SNAPSHOT)


@dataclass(frozen=True)
class Source:
    """manifests: the user's folder or file; "" fetches the release from `repository`.

    registry: where images are mirrored to, "" for nowhere. image: the controller's, instead of the manifest's.
    groups: with group snapshots' CRDs.
    """

    manifests: str = ""
    repository: str = ""
    registry: str = ""
    image: str = ""
    groups: bool = True


@dataclass(frozen=True)
class Release:
    """version: of the controller's image, "" when its tag does not tell. definitions: CRDs; controller: the rest."""

    version: str
    origin: str
    definitions: tuple[Manifest, ...]
    controller: tuple[Manifest, ...]

    @property
    def deployment(self) -> Manifest:
        return next(item for item in self.controller if item["kind"] == DEPLOYMENT.name)


def load_release(source: Source, *, deadline: Deadline) -> Release:
    """Raises UsageError for a folder that lacks something, or holds what does not belong here."""
    if source.manifests:
        origin, found = source.manifests, read_manifests(source.manifests)
        image = source.image
    else:
        origin = ", ".join(archive.address(source.repository) for archive in ARCHIVES)
        found = tuple(_fetched(source.repository, deadline))
        image = source.image or CONTROLLER
    return assemble(found, source=source, image=image, origin=origin)


def assemble(found: Sequence[Manifest], *, source: Source, image: str, origin: str) -> Release:
    """The objects in the order they are applied, with images rewritten and marked as ours. image "": as they are."""
    # upstream's CRDs carry an empty status that nobody may write
    items = [copy.deepcopy({key: value for key, value in item.items() if key != "status"}) for item in found]
    _refuse_strangers(items, origin)
    definitions = [item for item in items if item["kind"] == CUSTOM_RESOURCE_DEFINITION.name and (
        source.groups or part_of(item, "spec", "group") != GROUP_SNAPSHOT_GROUP)]
    controller = [item for item in items if item["kind"] != CUSTOM_RESOURCE_DEFINITION.name]
    _require_whole(definitions, controller, origin)
    for item in controller:
        if item["kind"] == DEPLOYMENT.name:
            _set_images(item, image=image, registry=source.registry)
        elif item["kind"] == ROLE_BINDING.name:
            _complete_subjects(item)
    deployment = next(item for item in controller if item["kind"] == DEPLOYMENT.name)
    version = version_of(controller_image(deployment))
    order = [kind.name for kind in _ORDER]
    ready = [marked(item, part="snapshots", version=version)
             for item in sorted([*definitions, *controller], key=lambda item: order.index(item["kind"]))]
    return Release(
        version=version, origin=origin, definitions=tuple(ready[:len(definitions)]),
        controller=tuple(ready[len(definitions):]),
    )


def marked(manifest: Manifest, *, part: str, version: str = "") -> Manifest:
    """A copy with the labels by which `setup --uninstall` finds it, and the release it is of."""
    item = copy.deepcopy(manifest)
    metadata = item["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), names.MANAGED_BY_LABEL: names.RWX, names.SETUP: part}
    if version:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), names.SETUP_VERSION: version}
    return item


def _fetched(repository: str, deadline: Deadline) -> Iterable[Manifest]:
    for archive in ARCHIVES:
        for name, text in sorted(fetch_folder(archive, repository=repository, deadline=deadline).items()):
            if name != "kustomization.yaml":
                yield from parse_manifests(text, where=f"{archive.address(repository)}:{name}")


def _refuse_strangers(items: Sequence[Manifest], origin: str) -> None:
    kinds = {(kind.api_version, kind.name) for kind in _ORDER}
    groups = (SNAPSHOT_GROUP, GROUP_SNAPSHOT_GROUP)
    strange = [
        f"{item['kind'].lower()}/{name_of(item)}" for item in items if (item["apiVersion"], item["kind"]) not in kinds
        or (item["kind"] == CUSTOM_RESOURCE_DEFINITION.name and part_of(item, "spec", "group") not in groups)
        or (item["kind"] == DEPLOYMENT.name and not controller_image(item))
    ]
    if strange:
        raise errors.UsageError(
            f"{origin} holds what does not belong to the snapshot API and its controller: {', '.join(strange)}",
            hint="name a folder with upstream's client/config/crd and deploy/kubernetes/snapshot-controller only",
        )


def _require_whole(definitions: Sequence[Manifest], controller: Sequence[Manifest], origin: str) -> None:
    there = {name_of(item) for item in definitions}
    absent = [f"customresourcedefinition/{kind.resource}" for kind in _NEEDED if kind.resource not in there]
    deployments = [item for item in controller if item["kind"] == DEPLOYMENT.name]
    if not deployments:
        absent.append("the snapshot-controller's Deployment")
    if absent:
        raise errors.UsageError(
            f"{origin} lacks {', '.join(absent)}",
            hint="they are in upstream's client/config/crd and deploy/kubernetes/snapshot-controller",
        )
    if len(deployments) > 1:
        raise errors.UsageError(f"{origin} holds {len(deployments)} Deployments: which one is the snapshot-controller?")
    lost = [name_of(item) for item in controller if item["kind"] in (
        SERVICE_ACCOUNT.name, ROLE.name, ROLE_BINDING.name, DEPLOYMENT.name) and not item["metadata"].get("namespace")]
    if lost:
        raise errors.UsageError(f"{origin}: {', '.join(lost)} names no namespace", hint="upstream's is kube-system")


def _set_images(deployment: Manifest, *, image: str, registry: str) -> None:
    wanted = image or controller_image(deployment)
    if registry and image in ("", CONTROLLER):
        wanted = mirrored(wanted, registry=registry.rstrip("/"))
    old = controller_image(deployment)
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        if container.get("image") == old:
            container["image"] = wanted
        elif registry:
            container["image"] = mirrored(str(container.get("image")), registry=registry.rstrip("/"))


def _complete_subjects(binding: Manifest) -> None:
    """Upstream leaves the subject's namespace out where `kubectl apply -n` or kustomize would put it in."""
    for subject in binding.get("subjects") or []:
        if subject.get("kind") == SERVICE_ACCOUNT.name:
            subject.setdefault("namespace", binding["metadata"]["namespace"])
