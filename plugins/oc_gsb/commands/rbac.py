"""oc gsb rbac"""

from __future__ import annotations

import click

from plugin_core.cli.options import shared_options
from plugin_core.cli.sessions import current_session


@click.command(short_help="The least rights for commands, as YAML.")
@click.argument("commands", nargs=-1, metavar="[COMMAND]...")
@shared_options
def rbac(commands: tuple[str, ...]) -> None:
    """Print the least Role and ClusterRole for these commands, or for all, as YAML. Nothing is changed.

    \b
    Examples:
      oc gsb rbac discover status > auditor.yaml
      oc gsb rbac inject -n shop | kubectl apply -f -
    """
    from oc_gsb.access.rights import make_roles
    from plugin_core.render.manifests import yaml_documents

    roles = make_roles(commands, namespace=current_session().connect().namespace)
    click.echo(yaml_documents(roles), nl=False)
