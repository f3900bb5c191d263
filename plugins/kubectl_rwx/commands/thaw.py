"""kubectl rwx thaw"""

from __future__ import annotations

import click

from kubectl_rwx.protection.quiesce_requests import HOLDERS
from plugin_core.cli.options import all_option, dry_run_option, output_option, shared_options
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets


@click.command()
@click.argument("targets", nargs=-1, metavar="[deploy/NAME]...")
@all_option
@dry_run_option
@output_option
@shared_options
def thaw(targets: tuple[str, ...], everything: bool) -> None:
    """Let go what a snapshot or restore that died left frozen or scaled down.

    Every workload carries the record of how: what it runs to thaw, and how many replicas it had. What has no record is
    left alone, so this may be repeated. Snapshots that were not cut by then are no longer called quiesced. What an
    unfinished in-place restore stopped stays stopped, and the command that finishes it is named.

    \b
    Examples:
      kubectl rwx thaw --all
      kubectl rwx thaw deploy/web sts/db
      kubectl rwx thaw --all --dry-run=client
    """
    from kubectl_rwx.protection.thawing import ThawRequest
    from kubectl_rwx.protection.thawing import thaw as thaw_workloads

    request = ThawRequest(targets=parse_targets(targets, allowed=HOLDERS), everything=everything)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = thaw_workloads(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
