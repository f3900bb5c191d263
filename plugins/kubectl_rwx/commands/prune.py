"""kubectl rwx prune"""

from __future__ import annotations

import click

from plugin_core.cli.options import (
    Duration,
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
@click.option("--keep-last", type=click.IntRange(min=1), metavar="N", default=None,
              help="Keep the N newest ready snapshots of each claim.")
@click.option("--keep-within", type=Duration(), metavar="DURATION", default=None, help="Keep what is younger: 36h.")
@click.option("--per", type=click.Choice(["set", "source"]), default="set", show_default=True,
              help="set: a set stays or goes whole. source: each claim's snapshots by themselves.")
@click.option("--include-foreign", is_flag=True, help="Count, and delete, snapshots that others made too.")
@timeout_option("5m", "everything, until all are gone")
@click.option("--no-wait", is_flag=True, help="Return when deletion was asked for.")
@dry_run_option
@output_option
@shared_options
def prune(
    targets: tuple[str, ...], selector: str, keep_last: int | None, keep_within: float | None, per: str,
    include_foreign: bool, timeout: float, no_wait: bool,
) -> None:
    """Delete old snapshots by count and age, and say why each one is kept.

    What either rule keeps stays. Never deleted: the last ready snapshot of a claim, one that is being restored from,
    and what others made. --dry-run=client shows what would go.

    \b
    Examples:
      kubectl rwx prune --keep-last 7 --dry-run=client
      kubectl rwx prune pvc/data --keep-last 3 --keep-within 14d
    """
    from kubectl_rwx.protection.pruning import PruneRequest, prune_snapshots
    from kubectl_rwx.protection.retention import Rules

    request = PruneRequest(
        rules=Rules(keep_last=keep_last or 0, keep_within=keep_within or 0.0, by_set=per == "set",
                    include_foreign=include_foreign),
        claims=tuple(target.name for target in parse_targets(targets, allowed=[PERSISTENT_VOLUME_CLAIM])),
        selector=selector, timeout=timeout, wait=not no_wait,
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = prune_snapshots(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
