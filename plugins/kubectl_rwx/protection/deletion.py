"""Deleting a set, or single snapshots, after asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubectl_rwx.protection.answers import Answer, sum_up
from kubectl_rwx.protection.removals import remove_snapshots
from kubectl_rwx.protection.retention import is_ours
from kubectl_rwx.protection.rights import Right, require_rights
from kubectl_rwx.protection.snapshot_api import require_snapshot_api
from kubectl_rwx.protection.snapshot_reports import snapshot_item
from kubectl_rwx.protection.snapshot_selection import Chosen, find_snapshots
from kubectl_rwx.protection.snapshot_users import read_uses
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT
from plugin_core.model.manifests import name_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Report, column

KIND = "DeleteList"


@dataclass(frozen=True)
class DeleteRequest:
    """timeout: seconds for everything, until all are gone."""

    chosen: Chosen
    timeout: float = 300.0
    wait: bool = True

    def __post_init__(self) -> None:
        if self.timeout <= 0:
            raise errors.UsageError("--timeout must be longer than 0", hint="not to wait at all: --no-wait")


def delete_snapshots(
    cluster: Cluster, request: DeleteRequest, progress: Progress, *, consent: Callable[[str], None]
) -> Answer:
    """One row for each snapshot found; one that is being restored from is refused, and what hangs says what holds it.

    consent is told what would go before anything does; it raises to stop. Absent names are problems: who deletes twice
    is told so, and nothing else happens.
    """
    deadline = Deadline.after(request.timeout)
    bounded, namespace = cluster.within(deadline), cluster.namespace
    require_snapshot_api(bounded)
    require_rights(bounded, [
        request.chosen.right, Right("delete", VOLUME_SNAPSHOT), Right("list", PERSISTENT_VOLUME_CLAIM),
        *([Right("list", VOLUME_SNAPSHOT)] if request.wait and not cluster.dry_run.on else []),
    ], namespace=namespace)
    snapshots, problems = find_snapshots(bounded, request.chosen)
    if snapshots and not cluster.dry_run.on:
        foreign = sum(not is_ours(snapshot) for snapshot in snapshots)
        others = f" ({foreign} of them made by others)" if foreign else ""
        listed = ", ".join(name_of(snapshot) for snapshot in snapshots[:5])
        more = f" and {len(snapshots) - 5} more" if len(snapshots) > 5 else ""
        count = "1 snapshot" if len(snapshots) == 1 else f"{len(snapshots)} snapshots"
        consent(f"delete {count} in namespace {namespace}{others}: {listed}{more}")
    try:
        removed = remove_snapshots(
            cluster, snapshots, uses=read_uses(bounded, namespace=namespace), deadline=deadline, progress=progress,
            wait=request.wait,
        )
    except KeyboardInterrupt:
        raise errors.Interrupted(
            "interrupted: deletions that were asked for go on by themselves",
            hint=f"see what is left: kubectl rwx list -n {namespace}",
        ) from None
    except errors.ServerAway as error:
        raise errors.ServerAway(
            f"{error.message}; deletions that were asked for go on by themselves",
            hint=f"when the server answers again, see what is left: kubectl rwx list -n {namespace}",
        ) from error
    gone = set(removed.gone)
    verb = "would be deleted" if cluster.dry_run.on else "deleted" if request.wait else "being deleted"
    items = [
        {**snapshot_item(snapshot), "change": verb if name_of(snapshot) in gone else "kept"} for snapshot in snapshots
    ]
    problems += removed.problems
    report = Report(
        kind=KIND, items=tuple(items), columns=_COLUMNS, empty="",
        name=lambda item: f"{VOLUME_SNAPSHOT.prefix}/{item['name']}", notes=removed.notes,
        facts={"problems": [problem.item for problem in problems], "retainedContents": dict(removed.retained)},
    )
    return Answer(report, sum_up(problems, done=len(gone), undone="snapshots were not deleted"))


_COLUMNS = (
    column("NAME", "name"), column("SOURCE", "source"), column("CHANGE", "change"), column("SET", "set"),
    column("CONTENT", "content", wide=True),
)
