"""oc gsb scc create, grant, revoke, delete"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from oc_gsb.commands.inject import KINDS
from oc_gsb.commands.scc_plan import reach_options
from plugin_core.cli.options import (
    all_option,
    dry_run_option,
    output_option,
    selector_option,
    shared_options,
    timeout_option,
)
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from oc_gsb.sidecar.selection import Selection

_TARGETS = click.argument("targets", nargs=-1, metavar="[deploy|sts|dc/NAME]...")
_SCC = click.option("--scc", "name", metavar="NAME", default="", help="The SCC, when no workload is named.")


@click.command()
@_TARGETS
@selector_option
@all_option
@click.option("--base", "bases", multiple=True, metavar="SCC", help="Copy this SCC; may be given again.")
@dry_run_option
@output_option
@shared_options
def create(targets: tuple[str, ...], selector: str, everything: bool, bases: tuple[str, ...]) -> None:
    """Make the SCC copy that allows CHOWN, DAC_OVERRIDE and FOWNER; nobody may use it until it is granted.

    \b
    Examples:
      oc gsb scc create deploy/web
      oc gsb scc create --base restricted-v2 --dry-run=server
    """
    from oc_gsb.access.copies import create as create_copies
    from oc_gsb.access.requests import CopyRequest

    request = CopyRequest(_selection(targets, selector, everything, otherwise=bool(bases)), bases)
    _carry_out(create_copies, request)


@click.command()
@_TARGETS
@selector_option
@all_option
@_SCC
@reach_options
@click.option("--force", is_flag=True, help="Grant it although other pods would change at their next restart.")
@timeout_option("2m", "OpenShift raising the Pod Security label")
@dry_run_option
@output_option
@shared_options
def grant(targets: tuple[str, ...], selector: str, everything: bool, name: str, force: bool, timeout: float,
          **reach: Any) -> None:
    """Let the workload's service account use the SCC copy, in its namespace only.

    \b
    Examples:
      oc gsb scc grant deploy/web
      oc gsb scc grant --scc restricted-v2-gsb --service-account web
      oc gsb scc grant deploy/web --group
    """
    from oc_gsb.access.granting import grant as grant_access
    from oc_gsb.access.requests import GrantRequest, Reach

    selection = _selection(targets, selector, everything, otherwise=bool(name))
    _carry_out(grant_access, GrantRequest(selection, name, Reach(**reach), force, timeout))


@click.command()
@_TARGETS
@selector_option
@all_option
@_SCC
@reach_options
@dry_run_option
@output_option
@shared_options
def revoke(targets: tuple[str, ...], selector: str, everything: bool, name: str, **reach: Any) -> None:
    """Take the SCC copy from the workload's service account; refused while a pod needs it.

    Finds RoleBindings and ClusterRoleBindings, also those that oc adm policy made.

    \b
    Examples:
      oc gsb scc revoke deploy/web
      oc gsb scc revoke --scc restricted-v2-gsb --group
    """
    from oc_gsb.access.requests import GrantRequest, Reach
    from oc_gsb.access.revoking import revoke as revoke_access

    selection = _selection(targets, selector, everything, otherwise=bool(name))
    _carry_out(revoke_access, GrantRequest(selection, name, Reach(**reach)))


@click.command()
@click.argument("names", nargs=-1, metavar="SCC...")
@dry_run_option
@output_option
@shared_options
def delete(names: tuple[str, ...]) -> None:
    """Delete SCC copies that nobody uses any more; says who does otherwise.

    \b
    Examples:
      oc gsb scc delete restricted-v2-gsb
    """
    from oc_gsb.access.copies import delete as delete_copies
    from oc_gsb.access.requests import DeleteRequest

    _carry_out(delete_copies, DeleteRequest(tuple(name.removeprefix("scc/") for name in names)))


def _selection(targets: tuple[str, ...], selector: str, everything: bool, *, otherwise: bool) -> Selection | None:
    from oc_gsb.sidecar.selection import Selection

    if otherwise and not (targets or selector or everything):
        return None
    return Selection(parse_targets(targets, allowed=KINDS), selector, everything)


def _carry_out(operation: Callable[..., Any], request: object) -> None:
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = operation(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
