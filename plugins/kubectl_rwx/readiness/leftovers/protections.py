"""What snapshots, restores and clones leave: pods that bind claims, pairs of transfers, snapshots that failed."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.protection.answers import Problem
from kubectl_rwx.protection.consumers import remove_pods
from kubectl_rwx.protection.in_place.journals import read_journals
from kubectl_rwx.protection.removals import remove_snapshots
from kubectl_rwx.protection.rights import Right, missing_rights
from kubectl_rwx.protection.snapshot_users import claims_by_snapshot, read_uses
from kubectl_rwx.protection.transfers import PURPOSE as TRANSFER
from kubectl_rwx.protection.transfers import remove_pairs
from kubectl_rwx.readiness.leftovers.requests import CleanupRequest, Leftover
from kubectl_rwx.readiness.verification.objects import PURPOSE as VERIFY
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, POD, VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.manifests import labels_of, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshots import error_of, is_ready

CONTENT_RIGHTS = (Right("list", VOLUME_SNAPSHOT_CONTENT), Right("delete", VOLUME_SNAPSHOT_CONTENT))


class Protections:
    """Finds all when made. snapshots: whether the cluster serves them at all."""

    def __init__(self, cluster: Cluster, request: CleanupRequest, progress: Progress, *, snapshots: bool) -> None:
        self._pods = _pods(cluster, request)
        self._pairs = _pairs(cluster, request, progress) if snapshots else []
        self._snapshots = _snapshots(cluster, request) if snapshots else []

    @property
    def found(self) -> list[Leftover]:
        return [*self._pods, *self._pairs, *self._snapshots]

    def remove(self, cluster: Cluster, *, deadline: Deadline, progress: Progress) -> list[Problem]:
        """Pods first, then the pairs, then the snapshots: none can hold one that goes later."""
        namespace, problems = cluster.namespace, list[Problem]()
        remove_pods(cluster, _names(self._pods), namespace=namespace, progress=progress)
        pairs = _names(self._pairs)
        left = remove_pairs(cluster, pairs, target=namespace, progress=progress) if pairs else []
        problems += [Problem(f"volumesnapshot/{name}", errors.TimedOut("it is not gone yet")) for name in left]
        going = [one.manifest for one in self._snapshots if not one.kept]
        if going:
            uses = read_uses(cluster.within(deadline), namespace=namespace)
            problems += remove_snapshots(cluster, going, uses=uses, deadline=deadline, progress=progress).problems
        return problems


def journal_notes(cluster: Cluster) -> tuple[str, ...]:
    """In-place restores that are not over, each with the command that goes on or back."""
    return tuple(
        f"the in-place restore of {', '.join(journal.claims)} is unfinished (it stands at: {journal.step.words}); "
        f"{journal.way_on(cluster.namespace)}"
        for journal in read_journals(cluster)
    )


def _names(leftovers: Sequence[Leftover]) -> list[str]:
    return [name_of(one.manifest) for one in leftovers if not one.kept]


def _pods(cluster: Cluster, request: CleanupRequest) -> list[Leftover]:
    found = cluster.list_all(POD, namespace=cluster.namespace, labels=request.labels).items
    return [Leftover({"kind": POD.name, **pod}, request.why_young(pod)) for pod in found
            if labels_of(pod).get(names.TEMPORARY, VERIFY) != VERIFY]


def _pairs(cluster: Cluster, request: CleanupRequest, progress: Progress) -> list[Leftover]:
    """Pairs for restores into this namespace; also contents whose snapshot was never made, where they may be read."""
    namespace, labels = cluster.namespace, f"{request.labels},{names.TEMPORARY}={TRANSFER}"
    snapshots = cluster.list_all(VOLUME_SNAPSHOT, namespace=namespace, labels=labels).items
    found = {name_of(item): item for item in snapshots}
    if missing_rights(cluster, CONTENT_RIGHTS, namespace=namespace):
        if found:
            progress.warn("what was made for transfers stays: you may not list and delete volumesnapshotcontents")
        return [Leftover({"kind": VOLUME_SNAPSHOT.name, **item}, "its content may not be removed by you")
                for item in found.values()]
    for content in cluster.list_all(VOLUME_SNAPSHOT_CONTENT, labels=labels).items:
        if part_of(content, "spec", "volumeSnapshotRef", "namespace") == namespace:
            found.setdefault(name_of(content), content)
    claims = claims_by_snapshot(cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=namespace).items) if found else {}
    leftovers = []
    for name, item in sorted(found.items()):
        pending = [name_of(claim) for claim in claims.get(name, []) if part_of(claim, "status", "phase") != "Bound"]
        kept = f"claim {', '.join(pending)} is not filled from it yet" if pending else request.why_young(item)
        leftovers.append(Leftover({"kind": VOLUME_SNAPSHOT.name, **item}, kept))
    return leftovers


def _snapshots(cluster: Cluster, request: CleanupRequest) -> list[Leftover]:
    """Ours that never became ready and report an error; with --run those without an error too."""
    found = cluster.list_all(VOLUME_SNAPSHOT, namespace=cluster.namespace, labels=request.labels).items
    return [
        Leftover({"kind": VOLUME_SNAPSHOT.name, **item}, request.why_young(item)) for item in found
        if not is_ready(item) and names.TEMPORARY not in labels_of(item) and (request.run or error_of(item))
    ]
