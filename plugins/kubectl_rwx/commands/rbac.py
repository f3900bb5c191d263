"""kubectl rwx rbac"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("commands", nargs=-1, metavar="[COMMAND]...")
@click.option("--full", is_flag=True, help="Also rights without which a command works and says what it cannot see.")
@click.option("--in-place", is_flag=True, help="Also what restore --in-place needs.")
@click.option("--to-namespace", metavar="NAME", default="", help="Also what restore --to-namespace NAME needs.")
@click.option("--bind", is_flag=True, help="Also what restore --bind and clone --bind need.")
@click.option("--bind-to", "subject", metavar="user/NAME|group/NAME|sa/NAME", default="", help="Add the bindings.")
@output_option
@shared_options
def rbac(
    commands: tuple[str, ...], full: bool, in_place: bool, to_namespace: str, bind: bool, subject: str
) -> None:
    """Print the least Role and ClusterRole that commands need, and what is lost without the ClusterRole.

    Commands: check, verify, provision, snapshot, clone, restore, list, describe, wait, delete, prune, thaw, cleanup,
    feature-gates; none means all of these. And setup-snapshots, setup-nfs, setup-class, which are next to a
    cluster-admin's and must be named. Changes nothing. With -o yaml the answer is a List that kubectl applies.

    \b
    Examples:
      kubectl rwx rbac verify
      kubectl rwx rbac restore --in-place
      kubectl rwx rbac snapshot list --bind-to sa/backup -o yaml | kubectl apply -f -
    """
    from kubectl_rwx.readiness.roles import RoleRequest, make_roles

    request = RoleRequest(commands=commands, full=full, subject=subject, bind=bind, in_place=in_place,
                          to_namespace=to_namespace)
    session = current_session()
    session.show(make_roles(request, namespace=session.connect().namespace))
