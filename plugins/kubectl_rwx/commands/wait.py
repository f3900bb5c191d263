"""kubectl rwx wait"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, shared_options, timeout_option
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="SET|vs/NAME...|pvc/NAME...")
@timeout_option("10m", "the wait")
@output_option
@shared_options
def wait(targets: tuple[str, ...], timeout: float) -> None:
    """Wait until snapshots are ready, or claims Bound: resumes what --no-wait, a timeout or Ctrl-C left.

    One watch for all of them. A claim that waits for its first consumer is done. A timeout (exit code 4) says what was
    observed.

    \b
    Examples:
      kubectl rwx wait nightly
      kubectl rwx wait vs/a vs/b --timeout 1h
      kubectl rwx wait pvc/data-restored
    """
    from kubectl_rwx.protection.target_waits import wait as wait_for_targets
    from kubectl_rwx.protection.target_waits import wait_request

    request = wait_request(targets, timeout=timeout)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = wait_for_targets(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
