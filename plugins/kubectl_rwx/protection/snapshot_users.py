"""Who uses a snapshot right now, and so keeps it from being deleted: claims that are being restored from it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of
from plugin_core.storage.claims import source_snapshot_of


def claims_by_snapshot(claims: Sequence[Manifest]) -> dict[str, list[Manifest]]:
    """The claims made from each snapshot of their namespace, by the snapshot's name."""
    found: dict[str, list[Manifest]] = defaultdict(list)
    for claim in claims:
        source = source_snapshot_of(claim)
        if source:
            found[source].append(claim)
    return dict(found)


def read_uses(cluster: Cluster, *, namespace: str) -> dict[str, str]:
    """Snapshot → why it may not go now; two lists for any number of snapshots.

    A Pending claim counts whoever made it: the snapshot-controller does not delete its source before it is Bound
    (external-snapshotter pkg/common-controller, isVolumeBeingCreatedFromSnapshot), so a deletion would hang.
    """
    uses: dict[str, str] = {}
    for snapshot, claims in claims_by_snapshot(
        cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=namespace).items
    ).items():
        pending = [name_of(claim) for claim in claims if part_of(claim, "status", "phase") != "Bound"]
        if pending:
            uses[snapshot] = f"claim {', '.join(pending)} is being restored from it"
    try:
        journals = cluster.list_all(CONFIG_MAP, namespace=namespace, labels=f"{names.IN_PLACE}=journal").items
    except errors.Forbidden:
        return uses
    for journal in journals:
        for snapshot in json.loads(annotations_of(journal).get(names.IN_PLACE, "[]")):
            uses[snapshot] = f"the unfinished in-place restore {name_of(journal)} needs it"
    return uses
