"""Claims restored in place, as rows."""

from __future__ import annotations

from collections.abc import Mapping

from kubectl_rwx.protection.in_place.journals import Journal
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest, name_of, part_of, uid_of
from plugin_core.model.reports import Report, column

KIND = "InPlaceRestoreList"


def in_place_report(
    journal: Journal, claims: Mapping[str, Manifest], *, change: str, notes: tuple[str, ...] = ()
) -> Report:
    """change: replaced, put back, or would be replaced. claims: as last seen; {} when they were not read again."""
    items = []
    for member in journal.members:
        claim = claims.get(member.claim, {})
        wanted = member.replacement["spec"]
        items.append({
            "namespace": member.replacement["metadata"]["namespace"], "name": member.claim,
            "uid": uid_of(claim) or None, "change": change, "snapshot": member.snapshot,
            "safetySnapshot": name_of(member.safety),
            "phase": part_of(claim, "status", "phase"),
            "request": part_of(wanted, "resources", "requests", "storage"), "class": wanted.get("storageClassName"),
            "volume": part_of(claim, "spec", "volumeName"), "oldVolume": member.volume, "oldPolicy": member.policy,
        })
    return Report(
        kind=KIND, items=tuple(items), columns=_COLUMNS, empty="", notes=notes,
        name=lambda item: f"{PERSISTENT_VOLUME_CLAIM.prefix}/{item['name']}",
        facts={"run": journal.run, "safetySet": journal.safety_set,
               "workloads": [str(one) for one in journal.workloads]},
    )


_COLUMNS = (
    column("NAME", "name"), column("SNAPSHOT", "snapshot"), column("CHANGE", "change"), column("SIZE", "request"),
    column("CLASS", "class"), column("SAFETY SNAPSHOT", "safetySnapshot"), column("OLD VOLUME", "oldVolume", wide=True),
    column("VOLUME", "volume", wide=True),
)
