"""What the commands of oc gsb scc share: whom a grant is for, which workloads it is about, and how one is run"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from oc_gsb.commands.sidecar_options import KINDS
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets

if TYPE_CHECKING:
    from oc_gsb.sidecar.selection import Selection

F = TypeVar("F", bound=Callable[..., Any])

targets_argument = click.argument("targets", nargs=-1, metavar="[deploy|sts|dc/NAME]...")
scc_option = click.option("--scc", "name", metavar="NAME", default="", help="The SCC, when no workload is named.")

_REACH = (
    click.option("--service-account", "accounts", multiple=True, metavar="NAME",
                 help="For this service account instead of the workload's own; may be given again."),
    click.option("--with-default", is_flag=True,
                 help="For the service account default too: Kasten's helper pods name none of their own."),
    click.option("--group", is_flag=True, help="For all service accounts of the namespace, present and future."),
    click.option("--cluster-wide", "everywhere", is_flag=True,
                 help="With --group: in every namespace, as oc adm policy add-scc-to-group does."),
)


def reach_options(command: F) -> F:
    """Whom the SCC is for; the fields of access.requests.Reach."""
    for option in reversed(_REACH):
        command = option(command)
    return command


def selection_of(
    targets: tuple[str, ...], selector: str, everything: bool, *, otherwise: bool = False
) -> Selection | None:
    """None when the command's object is named in another way and no workload is."""
    from oc_gsb.sidecar.selection import Selection

    if otherwise and not (targets or selector or everything):
        return None
    return Selection(parse_targets(targets, allowed=KINDS), selector, everything)


def carry_out(operation: Callable[..., Any], request: object) -> None:
    """Connects, runs the operation, shows its report and raises its failure."""
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = operation(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
