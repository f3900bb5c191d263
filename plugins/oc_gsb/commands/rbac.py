"""oc gsb rbac"""

from __future__ import annotations

import click

from oc_gsb.commands.kasten_options import k10_namespace_option
from plugin_core.cli.options import shared_options
from plugin_core.cli.sessions import current_session


@click.command(short_help="The least rights for commands, as YAML.")
@click.argument("commands", nargs=-1, metavar="[COMMAND]...")
@k10_namespace_option
@shared_options
def rbac(commands: tuple[str, ...], k10_namespace: str) -> None:
    """Print the least Roles and ClusterRole for these commands, or for all, as YAML. Nothing is changed.

    A subcommand is written scc-plan, policy-run, token-set; scc, policy and token stand for all of theirs.
    restore-recreated is restore into a namespace that is gone, where no Role can be bound beforehand. With -A the
    rights are for all namespaces.

    \b
    Examples:
      oc gsb rbac discover status > auditor.yaml
      oc gsb rbac backup restorepoints -n shop
      oc gsb rbac inject -n shop | kubectl apply -f -
    """
    from oc_gsb.access.rights import make_roles
    from plugin_core.render.manifests import yaml_documents

    session = current_session()
    namespace = session.connect(all_namespaces=True).namespace
    roles = make_roles(commands, namespace="" if session.all_namespaces else namespace, k10_namespace=k10_namespace)
    click.echo(yaml_documents(roles), nl=False)
