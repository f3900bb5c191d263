"""Kasten's actions as they are read: where one stands, what it says, and which are under way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from oc_gsb.kasten.failures import error_chain, innermost_errors
from oc_gsb.kasten.serving import briefly, explained
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import BACKUP_ACTION, EXPORT_ACTION, RESTORE_ACTION, RUN_ACTION, Kind
from plugin_core.model.manifests import Manifest, labels_of, name_of, namespace_of, part_of
from plugin_core.model.reports import Item

METADATA_EXPORT = "isMetadataExport"
"""An ExportAction with this label set moves no data."""


class Ending(str, Enum):
    """running: not over, or in a state nobody told us about, which is shown as it is."""

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


_ENDINGS = {"Complete": Ending.COMPLETE, "Failed": Ending.FAILED, "Skipped": Ending.SKIPPED,
            "Cancelled": Ending.CANCELLED}
KNOWN = frozenset({*_ENDINGS, "Pending", "Running", "AttemptFailed", "Cancelling", "Deleting", ""})


@dataclass(frozen=True)
class Volume:
    """One volume of an action. percent, transferred and total: None where Kasten does not say."""

    claim: str
    operation: str = ""
    percent: int | None = None
    transferred: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Action:
    """One action as last seen."""

    kind: Kind
    manifest: Manifest
    volumes: tuple[Volume, ...] = ()

    @property
    def name(self) -> str:
        return name_of(self.manifest)

    @property
    def namespace(self) -> str:
        return namespace_of(self.manifest)

    @property
    def state(self) -> str:
        """Kasten's word; "" before it has one."""
        return str(part_of(self.manifest, "status", "state") or "")

    @property
    def ending(self) -> Ending:
        return _ENDINGS.get(self.state, Ending.RUNNING)

    @property
    def progress(self) -> int:
        return int(part_of(self.manifest, "status", "progress") or 0)

    @property
    def restore_point(self) -> str:
        """The name of the restore point it made; "" when it made none."""
        return str(part_of(self.manifest, "status", "restorePoint", "name") or "")

    @property
    def errors(self) -> tuple[str, ...]:
        return innermost_errors(self.manifest)

    def __str__(self) -> str:
        return f"{self.kind.name.lower()}/{self.name}"

    @property
    def told_state(self) -> str:
        """"backupaction/scheduled-x Running"; an unknown state is marked, a failed attempt or action has its reason."""
        state = self.state or "not started"
        unknown = "" if self.state in KNOWN else " (a state oc-gsb does not know)"
        failed = self.state in ("AttemptFailed", "Failed") and self.errors
        return f"{self} {state}{unknown}" + (f": {self.errors[0]}" if failed else "")

    @property
    def brief(self) -> str:
        """The state, and how far a running action has got."""
        share = f" {self.progress}%" if self.ending is Ending.RUNNING and self.progress else ""
        return self.told_state + share


def action_item(action: Action) -> Item:
    """One action in output."""
    status = action.manifest.get("status") or {}
    return {
        "kind": action.kind.name, "name": action.name, "namespace": action.namespace, "state": action.state or None,
        "progress": action.progress, "startTime": status.get("startTime"), "endTime": status.get("endTime"),
        "restorePoint": action.restore_point or None, "message": "; ".join(action.errors),
        "errorChain": list(error_chain(action.manifest)),
        "volumes": [{"claim": one.claim, "operation": one.operation, "percent": one.percent,
                     "transferredBytes": one.transferred, "totalBytes": one.total} for one in action.volumes],
    }


def children_of(cluster: Cluster, kind: Kind, *, labels: str) -> list[Action]:
    """The actions of a run, oldest first; exports that move no data are left out. They are in the namespaces of the
    applications; who may not list them everywhere sees those of the namespace of -n."""
    try:
        listed = cluster.list_all(kind, labels=labels).items
    except errors.Forbidden:
        listed = cluster.list_all(kind, namespace=cluster.namespace, labels=labels).items
    found = [Action(kind, one) for one in listed if labels_of(one).get(METADATA_EXPORT) != "true"]
    return sorted(found, key=lambda one: str(part_of(one.manifest, "metadata", "creationTimestamp") or ""))


def active_actions(cluster: Cluster, *, k10_namespace: str) -> list[str]:
    """"runaction kasten-io/x" for everything that is not over. Raises Unavailable and Forbidden."""
    found = []
    with explained(k10_namespace=k10_namespace):
        for kind in (RUN_ACTION, BACKUP_ACTION, EXPORT_ACTION, RESTORE_ACTION):
            for one in briefly(cluster).list_all(kind).items:
                action = Action(kind, one)
                if action.ending is Ending.RUNNING:
                    found.append(f"{kind.name.lower()} {action.namespace}/{action.name}")
    return found


def with_volumes(cluster: Cluster, action: Action) -> Action:
    """The action with what its subresource details says of volumes. The answer is large (0.4 MB each on a real
    cluster), so it is asked for seldom; without it, or without the right to it, the action as it is."""
    path = action.kind.path(namespace=action.namespace, name=action.name, subresource="details")
    try:
        details = json.loads(cluster.raw(path))
    except (errors.ApiFailure, errors.ConnectionFailed, ValueError):
        return action
    return Action(action.kind, action.manifest, volumes_of(details))


def volumes_of(details: Any) -> tuple[Volume, ...]:
    """Each claim once, as the last phase that names it says."""
    found: dict[str, Volume] = {}
    for phase in part_of(details, "status", "actionDetails", "phases") or []:
        for one in phase.get("volumeOperations") or []:
            claim = str(one.get("pvcName") or "")
            if claim:
                found[claim] = Volume(claim, str(one.get("operation") or ""), _number(one.get("progress")),
                                      _number(one.get("transferredBytes")), _number(one.get("totalBytes")))
    return tuple(found.values())


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None
