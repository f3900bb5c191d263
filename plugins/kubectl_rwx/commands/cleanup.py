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
@click.option("--force", is_flag=True, help="With --run: even if it is a verify that may still be at work.")
@timeout_option("5m", "everything, until all are gone")
@yes_option
@dry_run_option
@output_option
@shared_options
def cleanup(run_id: str, older_than: float, force: bool, timeout: float, yes: bool) -> None:
    """Remove what crashed runs left in the namespace: pods, snapshots shown from elsewhere, snapshots that failed, and
    all that a killed verify made, with the volumes that a class retained of it.

    Found by labels. Your ready snapshots and your claims are never removed; an unfinished in-place restore is named,
    with the command that goes on or back. What a verify made is left alone until its --timeout and cleanup are over for
    sure, or you name its run and say --force.

    \b
    Examples:
      kubectl rwx cleanup --dry-run=client
      kubectl rwx cleanup --run 3f9a0c1b2d4e --yes
      kubectl rwx cleanup --run 3f9a0c1b2d4e --force --yes
    """
    from kubectl_rwx.readiness.leftovers.cleanups import clean_up
    from kubectl_rwx.readiness.leftovers.requests import CleanupRequest

    request = CleanupRequest(run=run_id, older_than=older_than, timeout=timeout, force=force)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = clean_up(cluster, request, progress, consent=make_consent(yes=yes))
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
