"""Does the cluster know snapshots at all?"""

from __future__ import annotations

from kubectl_rwx.diagnosis.links import Link, State, sound, unseen
from kubectl_rwx.diagnosis.sights import Sight
from plugin_core.model.kinds import SNAPSHOT_GROUP, VOLUME_SNAPSHOT

NAME = "snapshot API"
_SOURCE = f"discovery of {SNAPSHOT_GROUP}"


def judge_api(sight: Sight) -> Link:
    """Every user may ask for it, so this link is hardly ever unseen."""
    served = sight.versions()
    if served is None:
        return unseen(NAME, _SOURCE, sight.away or "forbidden")
    if VOLUME_SNAPSHOT.version in served:
        return sound(NAME, "v1 is served", _SOURCE)
    if served:
        return Link(
            NAME, State.BROKEN, f"only {', '.join(served)} is served, not v1", _SOURCE, "snapshot-api-old",
            "snapshots are read and written as v1, served since external-snapshotter 4.0", "kubectl rwx feature-gates",
        )
    return Link(
        NAME, State.BROKEN, f"{SNAPSHOT_GROUP} is not served: its CRDs are not installed", _SOURCE,
        "snapshot-api-absent", "no snapshot can be asked for; those there were are gone with their CRDs",
        "kubectl rwx setup snapshots",
    )
