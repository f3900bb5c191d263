"""The operation behind `cleanup`: find, ask, remove, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.protection.rights import Right, require_rights
from kubectl_rwx.readiness.leftovers.protections import Protections, journal_notes
from kubectl_rwx.readiness.leftovers.requests import CleanupRequest, Leftover
from kubectl_rwx.readiness.leftovers.verifications import Verifications
from plugin_core import names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline, age_of
from plugin_core.model.kinds import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, POD, SNAPSHOT_GROUP, VOLUME_SNAPSHOT
from plugin_core.model.manifests import labels_of, name_of, namespace_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Column, Report, column

KIND = "LeftoverList"
RIGHTS = (
    *(Right(verb, kind) for kind in (POD, VOLUME_SNAPSHOT) for verb in ("list", "delete")),
    Right("list", PERSISTENT_VOLUME_CLAIM), Right("list", CONFIG_MAP),
)
"""In the namespace, before anything is looked at. A killed verification's claims need delete too."""


def clean_up(
    cluster: Cluster, request: CleanupRequest, progress: Progress, *, consent: Callable[[str], None]
) -> Answer:
    """A row for each leftover, removed or kept with the reason; none for a clean namespace, however often it is run."""
    deadline = Deadline.after(request.timeout)
    bounded, namespace = cluster.within(deadline), cluster.namespace
    snapshots = VOLUME_SNAPSHOT.version in bounded.versions_of(SNAPSHOT_GROUP)
    require_rights(bounded, [right for right in RIGHTS if snapshots or right.kind != VOLUME_SNAPSHOT],
                   namespace=namespace)
    verifications = Verifications(bounded, request, snapshots=snapshots)
    protections = Protections(bounded, request, progress, snapshots=snapshots)
    found = [*protections.found, *verifications.found]
    going = [one for one in found if not one.kept]
    problems: list[Problem] = []
    if going and not cluster.dry_run.on:
        consent(f"remove {len(going)} leftovers in namespace {namespace}: "
                f"{', '.join(one.subject for one in going[:5])}{', …' if len(going) > 5 else ''}")
        problems += protections.remove(cluster, deadline=deadline, progress=progress)
        problems += verifications.remove(cluster, deadline=deadline, progress=progress)
    notes = (*journal_notes(bounded), *verifications.notes)
    return Answer(
        _report(found, notes, problems, removed="would go" if cluster.dry_run.on else "removed"),
        sum_up(problems, done=len(going) - len(problems), undone="leftovers were not removed"),
    )


def _report(
    found: Sequence[Leftover], notes: tuple[str, ...], problems: Sequence[Problem], *, removed: str
) -> Report:
    failed = {problem.subject for problem in problems}
    items: list[dict[str, Any]] = [
        {
            "kind": one.manifest["kind"], "namespace": namespace_of(one.manifest) or None,
            "name": name_of(one.manifest), "run": labels_of(one.manifest).get(names.RUN_LABEL),
            "purpose": _purpose(one), "change": "kept" if one.kept else "failed" if one.subject in failed else removed,
            "reason": one.kept or None, "createdAt": part_of(one.manifest, "metadata", "creationTimestamp"),
        }
        for one in found
    ]
    return Report(
        kind=KIND, items=tuple(items), columns=_COLUMNS, empty="Nothing is left behind.", notes=notes,
        name=lambda item: f"{str(item['kind']).lower()}/{item['name']}",
        facts={"problems": [problem.item for problem in problems]},
    )


def _purpose(one: Leftover) -> str:
    purpose = labels_of(one.manifest).get(names.TEMPORARY)
    return purpose or ("snapshot" if one.manifest["kind"] == VOLUME_SNAPSHOT.name else "verify")


_COLUMNS = (
    column("KIND", "kind"), column("NAME", "name"), column("PURPOSE", "purpose"), column("RUN", "run"),
    Column("AGE", lambda item: age_of(item["createdAt"])), column("CHANGE", "change"), column("REASON", "reason"),
)
