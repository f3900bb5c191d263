"""kubectl rwx delete"""

from __future__ import annotations

import click

from plugin_core.cli.consent import make_consent
from plugin_core.cli.options import dry_run_option, output_option, shared_options, timeout_option, yes_option
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="SET|vs/NAME...")
@yes_option
@timeout_option("5m", "everything, until all are gone")
@click.option("--no-wait", is_flag=True, help="Return when deletion was asked for.")
@dry_run_option
@output_option
@shared_options
def delete(targets: tuple[str, ...], yes: bool, timeout: float, no_wait: bool) -> None:
    """Delete a set or single snapshots, wait until they are gone, or say what holds them.

    Asks first on a terminal; elsewhere --yes is needed. A snapshot that is being restored from is refused. Finalizers
    are left to their owners. A content with deletionPolicy Retain stays, and is named.

    \b
    Examples:
      kubectl rwx delete nightly-20261121-020000-x7f3
      kubectl rwx delete vs/before-upgrade --yes
    """
    from kubectl_rwx.protection.deletion import DeleteRequest, delete_snapshots
    from kubectl_rwx.protection.snapshot_selection import choose

    request = DeleteRequest(chosen=choose(targets), timeout=timeout, wait=not no_wait)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = delete_snapshots(cluster, request, progress, consent=make_consent(yes=yes))
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
