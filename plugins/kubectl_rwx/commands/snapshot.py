"""kubectl rwx snapshot"""

from __future__ import annotations

import click

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
@click.argument("targets", nargs=-1, metavar="[pvc/NAME]...")
@selector_option
@all_option
@click.option("--class", "snapshot_class", metavar="NAME", default="",
              help="VolumeSnapshotClass; default: the one of the volume's driver.")
@click.option("--name", metavar="NAME", default="", help="Name of the set; default: generated from claim and time.")
@timeout_option("10m", "everything, until all snapshots are ready")
@click.option("--no-wait", is_flag=True, help="Return when the snapshots are created, not when they are ready.")
@dry_run_option
@output_option
@shared_options
def snapshot(
    targets: tuple[str, ...], selector: str, everything: bool, snapshot_class: str, name: str, timeout: float,
    no_wait: bool,
) -> None:
    """Snapshot claims as one set and wait until every snapshot is ready.

    Name the claims, or choose them with -l, or take --all of the namespace. The VolumeSnapshotClass is the one of each
    volume's CSI driver. Claims that cannot be snapshotted are told, the others are done (exit code 6).

    \b
    Examples:
      kubectl rwx snapshot pvc/data
      kubectl rwx snapshot pvc data logs --name before-upgrade
      kubectl rwx snapshot -l app=shop --timeout 30m
      kubectl rwx snapshot --all --dry-run=server
    """
    from kubectl_rwx.protection.snapshots import SnapshotRequest, take_snapshots

    request = SnapshotRequest(
        claims=tuple(target.name for target in parse_targets(targets, allowed=[PERSISTENT_VOLUME_CLAIM])),
        selector=selector, everything=everything, snapshot_class=snapshot_class, name=name, timeout=timeout,
        wait=not no_wait,
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = take_snapshots(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
