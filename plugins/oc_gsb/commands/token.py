"""oc gsb token"""

from __future__ import annotations

import click

from oc_gsb.commands.kasten_options import k10_namespace_option
from oc_gsb.commands.token_set import set_token_command
from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import current_session
from plugin_core.errors import NotReady


@click.group()
def token() -> None:
    """The activation token without which Kasten refuses Generic Storage Backup."""


@token.command("cluster-id")
@output_option
@shared_options
def cluster_id() -> None:
    """Print the id of this cluster, which a token is requested for: the uid of the namespace default."""
    from oc_gsb.kasten.tokens import cluster_id_report

    session = current_session()
    session.show(cluster_id_report(session.connect()))


@token.command()
@k10_namespace_option
@output_option
@shared_options
def status(k10_namespace: str) -> None:
    """Show whether GSB is active: where the token is set, and whether the places agree. Exit code 3 when it is not."""
    from oc_gsb.kasten.tokens import token_status

    session = current_session()
    report = token_status(session.connect(), k10_namespace=k10_namespace)
    session.show(report)
    if not report.facts["active"]:
        raise NotReady("Generic Storage Backup is not active", hint="oc gsb token set --token-file FILE")


token.add_command(set_token_command)
