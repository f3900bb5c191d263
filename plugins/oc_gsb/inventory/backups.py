"""When each namespace was last backed up, where Kasten's actions API answers; one list request.

The API is aggregated: while its service is down the group is listed and every request fails, which is not "never".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oc_gsb.inventory.readings import Lister
from plugin_core import errors
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import BACKUP_ACTION
from plugin_core.model.manifests import Manifest, namespace_of, part_of

COMPLETE = "Complete"
PATIENCE = 10.0
"""Seconds; a status report need not wait for a service that is down."""


@dataclass(frozen=True)
class Backups:
    """last: the end of the newest complete backup by namespace, RFC 3339. known: whether the API answered."""

    last: Mapping[str, str]
    known: bool
    words: str = ""


def read_backups(lister: Lister, *, namespace: str | None) -> Backups:
    """Backups of one namespace, or of all."""
    try:
        if not lister.cluster.versions_of(BACKUP_ACTION.group):
            return Backups({}, known=False)
        bounded = lister.cluster.within(Deadline.after(PATIENCE))
        actions = bounded.list_all(BACKUP_ACTION, namespace=namespace).items
    except (errors.ApiFailure, errors.ConnectionFailed, errors.TimedOut) as error:
        return Backups({}, known=False, words=f"last backups: {error.message}")
    return Backups(newest_backups(actions), known=True)


def newest_backups(actions: list[Manifest]) -> dict[str, str]:
    """The newest complete one by namespace; unfinished, failed and skipped ones do not count."""
    last: dict[str, str] = {}
    for action in actions:
        ended = part_of(action, "status", "endTime")
        if part_of(action, "status", "state") != COMPLETE or not ended:
            continue
        where = str(part_of(action, "spec", "subject", "namespace") or namespace_of(action))
        last[where] = max(last.get(where, ""), str(ended))
    return last
