"""kubectl rwx list"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, selector_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command("list")
@selector_option
@output_option
@shared_options
def list_command(selector: str) -> None:
    """List the snapshots of a namespace (or -A), set by set: ours, and those made by others.

    \b
    Examples:
      kubectl rwx list
      kubectl rwx list -A -o wide
      kubectl rwx list -l kubectl-rwx.io/set=before-upgrade -o name
    """
    from kubectl_rwx.protection.listing import ListRequest, list_snapshots

    session = current_session()
    cluster = session.connect(all_namespaces=True)
    session.show(list_snapshots(cluster, ListRequest(selector=selector, all_namespaces=session.all_namespaces)))
