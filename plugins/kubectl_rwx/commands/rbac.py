"""kubectl rwx rbac"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("commands", nargs=-1, metavar="[COMMAND]...")
@click.option("--full", is_flag=True, help="Also rights without which a command works and says what it cannot see.")
@click.option("--bind-to", "subject", metavar="user/NAME|group/NAME|sa/NAME", default="", help="Add the bindings.")
@output_option
@shared_options
def rbac(commands: tuple[str, ...], full: bool, subject: str) -> None:
    """Print the least Role and ClusterRole that commands need: check, verify, provision, snapshot, clone, list.

    Changes nothing. With -o yaml the answer is a List that kubectl applies.

    \b
    Examples:
      kubectl rwx rbac verify
      kubectl rwx rbac snapshot list --bind-to sa/backup -o yaml | kubectl apply -f -
    """
    from kubectl_rwx.readiness.roles import RoleRequest, make_roles

    request = RoleRequest(commands=commands, full=full, subject=subject)
    session = current_session()
    session.show(make_roles(request, namespace=session.connect().namespace))
