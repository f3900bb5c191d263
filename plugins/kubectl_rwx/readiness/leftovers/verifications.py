"""What a killed `verify` leaves: its pods, snapshot and claims, run by run, and volumes that a class retained.

A run's objects say until when it may be at work; before that they are swept by --force alone. Volumes and contents are
made by drivers and carry no label of ours: they are known by the claim or snapshot that they name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubectl_rwx.protection.answers import Problem
from kubectl_rwx.readiness.leftovers.requests import CleanupRequest, Leftover
from kubectl_rwx.readiness.verification.objects import KINDS, PURPOSE, Traces
from kubectl_rwx.readiness.verification.removal import remove_everything, remove_retained
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import PERSISTENT_VOLUME, VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT, Kind
from plugin_core.model.manifests import Manifest, labels_of, name_of, part_of
from plugin_core.model.progress import Progress

_OURS = re.compile(r"rwx-verify-(?P<run>[0-9a-z]+)-[a-z]+")
_RETAINED: dict[Kind, tuple[str, str]] = {
    PERSISTENT_VOLUME: ("persistentVolumeReclaimPolicy", "claimRef"),
    VOLUME_SNAPSHOT_CONTENT: ("deletionPolicy", "volumeSnapshotRef"),
}


class Verifications:
    """Finds all when made. snapshots: whether the cluster serves them at all."""

    def __init__(self, cluster: Cluster, request: CleanupRequest, *, snapshots: bool) -> None:
        self._snapshots = snapshots
        self.notes: list[str] = []
        labels, namespace = f"{request.labels},{names.TEMPORARY}={PURPOSE}", cluster.namespace
        labelled = [
            {"kind": kind.name, **item} for kind in KINDS if snapshots or kind != VOLUME_SNAPSHOT
            for item in cluster.list_all(kind, namespace=namespace, labels=labels).items
        ]
        self._labelled = [Leftover(item, request.why_at_work(item)) for item in labelled]
        self._retained = self._find_retained(cluster, request, there={name_of(item) for item in labelled})

    @property
    def found(self) -> list[Leftover]:
        return [*self._labelled, *self._retained]

    def remove(self, cluster: Cluster, *, deadline: Deadline, progress: Progress) -> list[Problem]:
        """Each run whole or not at all: a run of which something must stay keeps everything."""
        problems, bounded = list[Problem](), cluster.within(deadline)
        for run in self._runs_over():
            removal = remove_everything(
                cluster, Traces(cluster.namespace, run), progress=progress, snapshots=self._snapshots,
                seconds=max(1.0, deadline.left),
            )
            problems += [Problem(one.subject, errors.NotReady(one.observed)) for one in removal.left]
        for one in self._retained:
            if not one.kept:
                kind = next(kind for kind in _RETAINED if kind.name == one.manifest["kind"])
                problems += [Problem(left.subject, errors.NotReady(left.observed)) for left in remove_retained(
                    bounded, kind, name_of(one.manifest), field_name=_RETAINED[kind][0], deadline=deadline)]
        return problems

    def _runs_over(self) -> list[str]:
        runs = dict.fromkeys(labels_of(one.manifest).get(names.RUN_LABEL, "") for one in self._labelled)
        busy = {labels_of(one.manifest).get(names.RUN_LABEL, "") for one in self._labelled if one.kept}
        return [run for run in runs if run and run not in busy]

    def _find_retained(self, cluster: Cluster, request: CleanupRequest, *, there: set[str]) -> list[Leftover]:
        """Volumes and contents kept by a policy Retain after their claim or snapshot of ours is gone."""
        leftovers: list[Leftover] = []
        for kind, (policy, reference) in _RETAINED.items():
            if kind == VOLUME_SNAPSHOT_CONTENT and not self._snapshots:
                continue
            try:
                items: Sequence[Manifest] = cluster.list_all(kind).items
            except errors.Forbidden:
                self.notes.append(f"not looked for: {kind.plural} that a class retains (you may not list them)")
                continue
            for item in items:
                owner = str(part_of(item, "spec", reference, "name") or "")
                match = _OURS.fullmatch(owner)
                if (
                    match and owner not in there and request.run in ("", match["run"])
                    and part_of(item, "spec", reference, "namespace") == cluster.namespace
                    and part_of(item, "spec", policy) == "Retain"
                ):
                    leftovers.append(Leftover({"kind": kind.name, **item}, request.why_young(item)))
        return leftovers
