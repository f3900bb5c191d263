"""Restore points: those of a namespace, and the contents that outlive it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from oc_gsb.kasten.serving import briefly, explained
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import RESTORE_POINT, RESTORE_POINT_CONTENT, Kind
from plugin_core.model.manifests import Manifest, labels_of, name_of, namespace_of, part_of
from plugin_core.model.reports import Item
from plugin_core.names import K10_APP_NAMESPACE, K10_EXPORT_PROFILE, K10_POLICY_NAME, K10_POLICY_NAMESPACE

LOCAL, EXPORTED = "local", "exported"


@dataclass(frozen=True)
class Point:
    """A RestorePoint, or a RestorePointContent that no restore point refers to. size: bytes of its volumes' data; None
    when it was not asked for or is not told."""

    kind: Kind
    manifest: Manifest
    size: int | None = None

    @property
    def name(self) -> str:
        return name_of(self.manifest)

    @property
    def namespace(self) -> str:
        """The application's."""
        return labels_of(self.manifest).get(K10_APP_NAMESPACE) or namespace_of(self.manifest)

    @property
    def content(self) -> str:
        """The content's name; its own for a content."""
        if self.kind == RESTORE_POINT_CONTENT:
            return self.name
        return str(part_of(self.manifest, "spec", "restorePointContentRef", "name") or "")

    @property
    def profile(self) -> str:
        """Where it was exported to. The label is what tells: a local GSB restore point names a profile in its details
        too (facts 3.4)."""
        return labels_of(self.manifest).get(K10_EXPORT_PROFILE, "")

    @property
    def policy(self) -> str:
        return labels_of(self.manifest).get(K10_POLICY_NAME, "")

    @property
    def policy_namespace(self) -> str:
        return labels_of(self.manifest).get(K10_POLICY_NAMESPACE, "")

    @property
    def time(self) -> str:
        """When the data was taken; the schedule's time may be null."""
        return str(part_of(self.manifest, "status", "actionTime")
                   or part_of(self.manifest, "metadata", "creationTimestamp") or "")

    @property
    def orphan(self) -> bool:
        return self.kind == RESTORE_POINT_CONTENT


def point_item(point: Point) -> Item:
    return {
        "name": point.name, "kind": point.kind.name, "namespace": point.namespace, "content": point.content,
        "type": EXPORTED if point.profile else LOCAL, "profile": point.profile or None,
        "policy": point.policy or None, "time": point.time, "sizeBytes": point.size,
        "expires": part_of(point.manifest, "status", "expiresAt"),
    }


@dataclass(frozen=True)
class Found:
    """points: newest first. unreadable: why contents without restore points could not be listed; "" when they were."""

    points: tuple[Point, ...]
    unreadable: str = ""


def find_points(cluster: Cluster, *, namespace: str, k10_namespace: str) -> Found:
    """All of a namespace, or of all namespaces for "", contents without a restore point among them."""
    with explained(k10_namespace=k10_namespace):
        quick = briefly(cluster)
        listed = quick.list_all(RESTORE_POINT, namespace=namespace or None).items
        points = [Point(RESTORE_POINT, one) for one in listed]
        unreadable = ""
        try:
            labels = f"{K10_APP_NAMESPACE}={namespace}" if namespace else ""
            contents = quick.list_all(RESTORE_POINT_CONTENT, labels=labels).items
        except errors.Forbidden as error:
            contents, unreadable = [], error.message
    referred = {point.content for point in points}
    points += [Point(RESTORE_POINT_CONTENT, one) for one in contents if name_of(one) not in referred]
    return Found(tuple(sorted(points, key=lambda one: one.time, reverse=True)), unreadable)


def read_details(cluster: Cluster, point: Point) -> list[Manifest]:
    """The artifacts of a restore point: objects and volumes; [] when details are not told. The answer is large."""
    where = None if point.orphan else namespace_of(point.manifest)
    path = point.kind.path(namespace=where, name=point.name, subresource="details")
    try:
        answer = json.loads(briefly(cluster).raw(path))
    except (errors.ApiFailure, errors.ConnectionFailed, ValueError):
        return []
    status = answer.get("status") or {}
    details = status.get("restorePointDetails") or status.get("restorePointContentDetails") or {}
    return [one for one in details.get("artifacts") or [] if isinstance(one, dict)]


def with_size(cluster: Cluster, point: Point) -> Point:
    """The point with the logical size of its volumes' data, as its details tell it."""
    sizes: dict[str, int] = {}
    for artifact in read_details(cluster, point):
        meta = part_of(artifact, "meta", "kanister", "meta") or {}
        claim, size = part_of(meta, "k8sVolume", "pvcName"), part_of(meta, "storageUsage", "logical")
        if claim and _is_number(size):
            sizes[str(claim)] = int(size)
    return replace(point, size=sum(sizes.values())) if sizes else point


def objects_in(artifacts: list[Manifest]) -> list[Manifest]:
    """The Kubernetes objects among a restore point's artifacts; one of our own kinds has apiVersion and kind."""
    found: list[Any] = [one.get("artifact") for one in artifacts]
    return [one for one in found if isinstance(one, dict) and one.get("kind") and one.get("apiVersion")]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and value.isdigit())
