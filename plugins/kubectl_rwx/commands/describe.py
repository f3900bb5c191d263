"""kubectl rwx describe"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="SET|vs/NAME...")
@output_option
@shared_options
def describe(targets: tuple[str, ...]) -> None:
    """Show all there is to know about a set or single snapshots, read from the cluster alone.

    Source, consistency, driver, content and the storage's own handle, what was restored from it, and its events.

    \b
    Examples:
      kubectl rwx describe nightly
      kubectl rwx describe vs/before-upgrade -o yaml
    """
    from kubectl_rwx.protection.descriptions import describe_snapshots
    from kubectl_rwx.protection.snapshot_selection import choose

    chosen = choose(targets)
    session = current_session()
    answer = describe_snapshots(session.connect(), chosen)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
