"""What a snapshot really is, read from the object alone: its label, held against the moment it was cut."""

from __future__ import annotations

from datetime import datetime

from plugin_core.model.manifests import Manifest, annotations_of, part_of
from plugin_core.names import CONSISTENCY, QUIESCED_UNTIL, UNQUIESCED_CONSISTENCY
from plugin_core.storage.snapshots import CRASH, QUIESCED


def consistency_of(snapshot: Manifest) -> str:
    """quiesced, crash or fuzzy; "" when nobody said.

    A snapshot is labelled quiesced before it is cut. Cut after the freeze was over, it is what it had been without
    one. The driver's clock is compared with the client's, to the second.
    """
    annotations = annotations_of(snapshot)
    said = annotations.get(CONSISTENCY, "")
    until, cut = annotations.get(QUIESCED_UNTIL), part_of(snapshot, "status", "creationTime")
    if said != QUIESCED or not until or not cut:
        return said
    return annotations.get(UNQUIESCED_CONSISTENCY, CRASH) if _moment(str(cut)) > _moment(until) else said


def _moment(timestamp: str) -> datetime:
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
