"""Does a snapshot-controller live? From what can be seen: its lease, its Deployment, and what it did.

"Not observed" is not "absent": managed clusters run it where nobody can look. Only evidence of death counts as death.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kubectl_rwx.diagnosis.leases import Life, judge_leases, renewed_at
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.storage.snapshots import content_of, error_of

CONTROLLER_LEASE = "snapshot-controller-leader"
"""The lease an elected snapshot-controller renews (external-snapshotter cmd/snapshot-controller/main.go)."""

RECENT = 600.0
"""Seconds since the controller wrote something; what worked an hour ago may be dead."""

PATIENCE = 30.0
"""Seconds after which a VolumeSnapshot without a content and without an error was seen by nobody."""


class Traces(Protocol):
    """What a controller leaves to be seen; None: it may not be read.

    controllers: Deployments that may be it. waiting: VolumeSnapshots, where nothing else tells whether it lives.
    """

    @property
    def controllers(self) -> Sequence[Manifest] | None: ...
    @property
    def leases(self) -> Sequence[Manifest] | None: ...
    @property
    def contents(self) -> Sequence[Manifest] | None: ...
    @property
    def waiting(self) -> Sequence[Manifest] | None: ...


@dataclass(frozen=True)
class Controller:
    """observed: the evidence. version: of the image, e.g. "8.6.0"; "" when not seen. where: "namespace/name".

    worked: whether its work was seen, however long ago.
    """

    life: Life
    observed: str
    version: str = ""
    where: str = ""
    worked: bool = False


def judge_controller(seen: Traces, *, now: datetime | None = None) -> Controller:
    """The strongest evidence decides: a ready Deployment, a fresh lease, recent work; then signs of absence."""
    for deployment in seen.controllers or ():
        ready = part_of(deployment, "status", "readyReplicas") or 0
        if ready:
            return _of(deployment, Life.RUNNING, f"{ready} ready replica{'s' if ready > 1 else ''}")
    acted = max(_actions(seen.contents or ()), default=("", ""))
    leases = seen.leases or ()
    sign = judge_leases(leases, now=now)
    if sign and sign.life is Life.RUNNING:
        return Controller(Life.RUNNING, sign.observed)
    if seen.controllers:
        return _of(seen.controllers[0], Life.STOPPED, "no replica is ready")
    if sign and acted[0] <= max(map(renewed_at, leases)):
        return Controller(Life.STOPPED, sign.observed)
    ignored = [item for item in seen.waiting or () if _is_ignored(item, now=now)]
    newest = max(ignored, key=lambda item: str(part_of(item, "metadata", "creationTimestamp")), default=None)
    since = str(part_of(newest or {}, "metadata", "creationTimestamp") or "")
    if newest and since > acted[0]:
        waits = format_duration(int(seconds_since(since, now=now)))
        return Controller(
            Life.STOPPED,
            f"volumesnapshot/{name_of(newest)} in {namespace_of(newest)} has waited {waits} for a content, "
            "without an error",
        )
    if acted[0]:
        past = seconds_since(acted[0], now=now)
        told = f"no Deployment and no lease; it handled {acted[1]} {format_duration(int(past))} ago"
        return Controller(Life.RUNNING if past <= RECENT else Life.UNSEEN, told, worked=True)
    return Controller(Life.UNSEEN, "no Deployment, no lease and none of its work is to be seen")


def version_of(image: str) -> str:
    """"8.6.0" of an image with a version tag; "" for digests and other tags (OpenShift's images carry neither)."""
    match = re.search(r":v?(\d+\.\d+(?:\.\d+)?)", image)
    return match.group(1) if match else ""


def _of(deployment: Manifest, life: Life, observed: str) -> Controller:
    where = f"{namespace_of(deployment)}/{name_of(deployment)}"
    return Controller(
        life, f"deployment {where}: {observed}", version=version_of(controller_image(deployment)), where=where
    )


def _actions(contents: Sequence[Manifest]) -> Iterator[tuple[str, str]]:
    """When the controller wrote which content: its name is the field manager of what it writes."""
    for content in contents:
        for entry in part_of(content, "metadata", "managedFields") or ():
            manager = str(entry.get("manager", ""))
            if manager.endswith("snapshot-controller") and entry.get("time"):
                yield str(entry["time"]), f"volumesnapshotcontent/{name_of(content)}"


def _is_ignored(snapshot: Manifest, *, now: datetime | None) -> bool:
    age = seconds_since(part_of(snapshot, "metadata", "creationTimestamp"), now=now)
    return not content_of(snapshot) and not error_of(snapshot) and age > PATIENCE


def controller_image(deployment: Manifest) -> str:
    """The image of the snapshot-controller container; "" when the Deployment is something else."""
    metadata, spec = deployment.get("metadata", {}), deployment.get("spec", {})
    containers = spec.get("template", {}).get("spec", {}).get("containers") or []
    for container in containers:
        repository = str(container.get("image", "")).rpartition("/")[2]
        if "snapshot-controller" in repository or container.get("name") == "snapshot-controller":
            return str(container.get("image", ""))
    named = str(metadata.get("name", ""))
    return str(containers[0].get("image", "")) if containers and named.endswith("snapshot-controller") else ""
