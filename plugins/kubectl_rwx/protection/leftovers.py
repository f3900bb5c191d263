"""What runs that crashed left behind, found by labels, and its removal in the order that cannot deadlock.

Pods first, then the pairs of transfers, then snapshots that never became ready. Never removed: a snapshot that is
ready, a claim (its data may be all there is of it), and an in-place restore, which is gone on with or back from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.protection.consumers import remove_pods
from kubectl_rwx.protection.in_place.journals import read_journals
from kubectl_rwx.protection.removals import remove_snapshots
from kubectl_rwx.protection.rights import Right, missing_rights, require_rights
from kubectl_rwx.protection.snapshot_users import claims_by_snapshot, read_uses
from kubectl_rwx.protection.transfers import PURPOSE as TRANSFER
from kubectl_rwx.protection.transfers import remove_pairs
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline, age_of, format_duration, seconds_since
from plugin_core.model.kinds import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, POD, VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.manifests import Manifest, labels_of, name_of, namespace_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Column, Report, column
from plugin_core.storage.snapshots import error_of, is_ready

KIND = "LeftoverList"


@dataclass(frozen=True)
class CleanupRequest:
    """run "": of all runs, and then only what is older than `older_than` seconds, since others may be at work."""

    run: str = ""
    older_than: float = 600.0
    timeout: float = 300.0

    @property
    def labels(self) -> str:
        return f"{names.MANAGED_BY_LABEL}={names.RWX}" + (f",{names.RUN_LABEL}={self.run}" if self.run else "")

    def old_enough(self, manifest: Manifest) -> bool:
        age = seconds_since(part_of(manifest, "metadata", "creationTimestamp"))
        return bool(self.run) or age >= self.older_than


@dataclass(frozen=True)
class Leftover:
    """kept "": to be removed; else why it stays."""

    manifest: Manifest
    kept: str = ""


def clean_up(
    cluster: Cluster, request: CleanupRequest, progress: Progress, *, consent: Callable[[str], None]
) -> Answer:
    """A row for each leftover, removed or kept with the reason; none for a clean namespace, however often it is run."""
    deadline = Deadline.after(request.timeout)
    bounded, namespace = cluster.within(deadline), cluster.namespace
    require_rights(bounded, [
        *(Right(verb, kind) for kind in (POD, VOLUME_SNAPSHOT) for verb in ("list", "delete")),
        Right("list", PERSISTENT_VOLUME_CLAIM), Right("list", CONFIG_MAP),
    ], namespace=namespace)
    pods, pairs, snapshots = _pods(bounded, request), _pairs(bounded, request, progress), _snapshots(bounded, request)
    found = [*pods, *pairs, *snapshots]
    going = [one for one in found if not one.kept]
    problems: list[Problem] = []
    if going and not cluster.dry_run.on:
        consent(f"remove {len(going)} leftovers in namespace {namespace}: "
                f"{', '.join(_words(one.manifest) for one in going[:5])}{', …' if len(going) > 5 else ''}")
        remove_pods(cluster, _names(pods), namespace=namespace, progress=progress)
        left = remove_pairs(cluster, _names(pairs), target=namespace, progress=progress) if _names(pairs) else []
        problems += [Problem(f"volumesnapshot/{name}", errors.TimedOut("it is not gone yet")) for name in left]
        removed = remove_snapshots(
            cluster, [one.manifest for one in snapshots if not one.kept], uses=read_uses(bounded, namespace=namespace),
            deadline=deadline, progress=progress,
        )
        problems += removed.problems
    return Answer(
        _report(found, _journal_notes(bounded), problems, removed="would go" if cluster.dry_run.on else "removed"),
        sum_up(problems, done=len(going) - len(problems), undone="leftovers were not removed"),
    )


def _names(leftovers: Sequence[Leftover]) -> list[str]:
    return [name_of(one.manifest) for one in leftovers if not one.kept]


def _words(manifest: Manifest) -> str:
    return f"{str(manifest.get('kind', '')).lower()}/{name_of(manifest)}"


def _young(request: CleanupRequest, manifest: Manifest) -> str:
    if request.old_enough(manifest):
        return ""
    return f"younger than {format_duration(request.older_than)}: a run may still need it (--older-than, --run)"


def _pods(cluster: Cluster, request: CleanupRequest) -> list[Leftover]:
    found = cluster.list_all(POD, namespace=cluster.namespace, labels=request.labels).items
    return [Leftover({"kind": POD.name, **pod}, _young(request, pod)) for pod in found
            if names.TEMPORARY in labels_of(pod)]


def _pairs(cluster: Cluster, request: CleanupRequest, progress: Progress) -> list[Leftover]:
    """Pairs for restores into this namespace; also contents whose snapshot was never made, where they may be read."""
    namespace, labels = cluster.namespace, f"{request.labels},{names.TEMPORARY}={TRANSFER}"
    snapshots = cluster.list_all(VOLUME_SNAPSHOT, namespace=namespace, labels=labels).items
    found = {name_of(item): item for item in snapshots}
    if missing_rights(cluster, [Right("list", VOLUME_SNAPSHOT_CONTENT), Right("delete", VOLUME_SNAPSHOT_CONTENT)],
                      namespace=namespace):
        if found:
            progress.warn("what was made for transfers stays: you may not list and delete volumesnapshotcontents")
        return [Leftover({"kind": VOLUME_SNAPSHOT.name, **item}, "its content may not be removed by you")
                for item in found.values()]
    for content in cluster.list_all(VOLUME_SNAPSHOT_CONTENT, labels=labels).items:
        if part_of(content, "spec", "volumeSnapshotRef", "namespace") == namespace:
            found.setdefault(name_of(content), content)
    claims = claims_by_snapshot(cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=namespace).items)
    leftovers = []
    for name, item in sorted(found.items()):
        pending = [name_of(claim) for claim in claims.get(name, []) if part_of(claim, "status", "phase") != "Bound"]
        kept = f"claim {', '.join(pending)} is not filled from it yet" if pending else _young(request, item)
        leftovers.append(Leftover({"kind": VOLUME_SNAPSHOT.name, **item}, kept))
    return leftovers


def _snapshots(cluster: Cluster, request: CleanupRequest) -> list[Leftover]:
    """Ours that never became ready and report an error; with --run those without an error too."""
    found = cluster.list_all(VOLUME_SNAPSHOT, namespace=cluster.namespace, labels=request.labels).items
    return [
        Leftover({"kind": VOLUME_SNAPSHOT.name, **item}, _young(request, item)) for item in found
        if not is_ready(item) and names.TEMPORARY not in labels_of(item) and (request.run or error_of(item))
    ]


def _journal_notes(cluster: Cluster) -> tuple[str, ...]:
    return tuple(
        f"the in-place restore of {', '.join(journal.claims)} is unfinished (it stands at: {journal.step.words}); "
        f"kubectl rwx restore {' '.join(f'vs/{one.snapshot}' for one in journal.members)} --in-place -n "
        f"{cluster.namespace} goes on, with --rollback it goes back"
        for journal in read_journals(cluster)
    )


def _report(
    found: Sequence[Leftover], notes: tuple[str, ...], problems: Sequence[Problem], *, removed: str
) -> Report:
    failed = {problem.subject for problem in problems}
    items: list[dict[str, Any]] = [
        {
            "kind": one.manifest["kind"], "namespace": namespace_of(one.manifest) or None,
            "name": name_of(one.manifest), "run": labels_of(one.manifest).get(names.RUN_LABEL),
            "purpose": labels_of(one.manifest).get(names.TEMPORARY) or "snapshot",
            "change": "kept" if one.kept else "failed" if _words(one.manifest) in failed else removed,
            "reason": one.kept or None, "createdAt": part_of(one.manifest, "metadata", "creationTimestamp"),
        }
        for one in found
    ]
    return Report(
        kind=KIND, items=tuple(items), columns=_COLUMNS, empty="Nothing is left behind.", notes=notes,
        name=lambda item: f"{str(item['kind']).lower()}/{item['name']}",
        facts={"problems": [problem.item for problem in problems]},
    )


_COLUMNS = (
    column("KIND", "kind"), column("NAME", "name"), column("PURPOSE", "purpose"), column("RUN", "run"),
    Column("AGE", lambda item: age_of(item["createdAt"])), column("CHANGE", "change"), column("REASON", "reason"),
)
