"""What is known of one quiescing: who stands still, until when, and why it is not complete if it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kubectl_rwx.protection.freeze_records import FORMAT
from kubectl_rwx.protection.quiesce_requests import NONE
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of
from plugin_core.storage.snapshots import CRASH, QUIESCED
from plugin_core.workloads.writers import Writer


@dataclass
class Hold:
    """mode none: nothing stands still, and nothing is said of it.

    broken: why the writers do not all stand still, or did not all the time. unforgiven: those of them that make the
    command fail. until: when the timers end it; None for a scale-down. seconds: how long it lasted, once it is over.
    """

    mode: str = NONE
    writers: tuple[Writer, ...] = ()
    by: str = ""
    until: datetime | None = None
    broken: list[str] = field(default_factory=list)
    unforgiven: list[str] = field(default_factory=list)
    seconds: float | None = None

    @property
    def on(self) -> bool:
        return self.mode != NONE

    def annotate(self, manifest: Manifest) -> Manifest:
        """A snapshot with the promise this hold makes; as it is when there is no hold."""
        notes = promise(self, base=annotations_of(manifest).get(names.CONSISTENCY, CRASH))
        metadata = {**manifest["metadata"], "annotations": {**annotations_of(manifest), **notes}}
        return {**manifest, "metadata": metadata} if notes else manifest

    @property
    def facts(self) -> dict[str, Any]:
        """Its form in JSON."""
        return {
            "mode": self.mode, "by": self.by, "writers": [writer.name for writer in self.writers],
            "seconds": None if self.seconds is None else round(self.seconds, 2), "broken": list(self.broken),
        }


def promise(hold: Hold, *, base: str) -> dict[str, str]:
    """The annotations of a snapshot under a hold. base: what it is without one."""
    if not hold.on:
        return {}
    if hold.broken:
        return {names.CONSISTENCY: base, names.QUIESCE_FAILED: "; ".join(hold.broken)[:1000]}
    notes = {names.CONSISTENCY: QUIESCED, names.UNQUIESCED_CONSISTENCY: base, names.QUIESCED_BY: hold.by}
    if hold.until:
        notes[names.QUIESCED_UNTIL] = hold.until.strftime(FORMAT)
    return notes


def withdraw_promise(cluster: Cluster, snapshots: Sequence[Manifest], *, why: str) -> list[Manifest]:
    """Labels snapshots as what they are without quiescing; those that promised nothing are left as they are."""
    changed = []
    for snapshot in snapshots:
        notes = annotations_of(snapshot)
        if notes.get(names.CONSISTENCY) != QUIESCED:
            changed.append(snapshot)
            continue
        patch = {"metadata": {"annotations": {
            names.CONSISTENCY: notes.get(names.UNQUIESCED_CONSISTENCY, CRASH), names.QUIESCE_FAILED: why[:1000],
        }}}
        try:
            changed.append(
                cluster.patch(VOLUME_SNAPSHOT, name_of(snapshot), patch, namespace=namespace_of(snapshot))
            )
        except errors.NotFound:
            continue
    return changed
