"""kubectl rwx snapshot"""

from __future__ import annotations

from typing import Any

import click

from kubectl_rwx.commands.quiesce_options import quiesce_options, quiesce_request
from kubectl_rwx.protection.quiesce_requests import WORKLOADS
from plugin_core.cli.options import (
    all_option,
    dry_run_option,
    output_option,
    selector_option,
    shared_options,
    timeout_option,
)
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM


@click.command()
@click.argument("targets", nargs=-1, metavar="[pvc/NAME|deploy/NAME]...")
@selector_option
@all_option
@click.option("--class", "snapshot_class", metavar="NAME", default="",
              help="VolumeSnapshotClass; default: the one of the volume's driver.")
@click.option("--name", metavar="NAME", default="", help="Name of the set; default: generated from claim and time.")
@quiesce_options
@click.option("--group", type=click.Choice(["auto", "always", "never"]), metavar="auto|always|never", default="auto",
              show_default=True, help="Cut claims of one driver as one VolumeGroupSnapshot, where that is served.")
@click.option("--keep-last", type=click.IntRange(min=1), metavar="N", default=None,
              help="Once all are ready, prune these claims to the N newest.")
@timeout_option("10m", "everything, until all snapshots are ready")
@click.option("--no-wait", is_flag=True, help="Return when the snapshots are created, not when they are ready.")
@dry_run_option
@output_option
@shared_options
def snapshot(
    targets: tuple[str, ...], selector: str, everything: bool, snapshot_class: str, name: str, timeout: float,
    no_wait: bool, group: str, keep_last: int | None, **quiesce: Any,
) -> None:
    """Snapshot claims as one set and wait until every snapshot is ready.

    Name claims, or workloads (deploy, sts, ds, dc, job, cronjob: every claim their pods mount), or choose claims with
    -l, or take --all of the namespace. The VolumeSnapshotClass is the one of each volume's CSI driver. Claims that
    cannot be snapshotted are told, the others are done (exit code 6). With --quiesce all writers stand still meanwhile.

    \b
    Examples:
      kubectl rwx snapshot pvc/data
      kubectl rwx snapshot pvc data logs --name before-upgrade
      kubectl rwx snapshot -l app=shop --timeout 30m
      kubectl rwx snapshot --all --dry-run=server
      kubectl rwx snapshot deploy/web --quiesce=scale
      kubectl rwx snapshot sts/db --freeze 'db-ctl lock' --thaw 'db-ctl unlock' --freeze-timeout 30s
    """
    from kubectl_rwx.protection.rotations import refuse_unwaited, snapshot_and_prune
    from kubectl_rwx.protection.snapshot_requests import SnapshotRequest

    named = parse_targets(targets, allowed=(PERSISTENT_VOLUME_CLAIM, *WORKLOADS))
    request = SnapshotRequest(
        claims=tuple(target.name for target in named if target.kind == PERSISTENT_VOLUME_CLAIM),
        workloads=tuple(target for target in named if target.kind != PERSISTENT_VOLUME_CLAIM),
        selector=selector, everything=everything, snapshot_class=snapshot_class, name=name, timeout=timeout,
        wait=not no_wait, group=group, quiesce=quiesce_request(quiesce),
    )
    refuse_unwaited(keep_last=keep_last or 0, wait=request.wait)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = snapshot_and_prune(cluster, request, progress, keep_last=keep_last or 0)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
