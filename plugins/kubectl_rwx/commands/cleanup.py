"""kubectl rwx cleanup"""

from __future__ import annotations

import click

from plugin_core.cli.consent import make_consent
from plugin_core.cli.options import (
    Duration,
    dry_run_option,
    output_option,
    shared_options,
    timeout_option,
    yes_option,
)
from plugin_core.cli.sessions import current_session


@click.command()
@click.option("--run", "run_id", metavar="ID", default="", help="Only what this run left, however young it is.")
@click.option("--older-than", type=Duration(), default="10m", show_default=True, metavar="DURATION",
              help="Without --run: leave alone what is younger; a run may be at work.")
@timeout_option("5m", "everything, until all are gone")
@yes_option
@dry_run_option
@output_option
@shared_options
def cleanup(run_id: str, older_than: float, timeout: float, yes: bool) -> None:
    """Remove what crashed runs left in the namespace: pods, snapshots shown from elsewhere, snapshots that failed.

    Found by labels alone. Ready snapshots and claims are never removed; an unfinished in-place restore is named, with
    the command that goes on or back.

    \b
    Examples:
      kubectl rwx cleanup --dry-run=client
      kubectl rwx cleanup --run 3f9a0c1b2d4e --yes
    """
    from kubectl_rwx.protection.leftovers import CleanupRequest, clean_up

    request = CleanupRequest(run=run_id, older_than=older_than, timeout=timeout)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = clean_up(cluster, request, progress, consent=make_consent(yes=yes))
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
