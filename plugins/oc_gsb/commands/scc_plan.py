"""oc gsb scc plan, and the flags that say whom a grant is for"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from oc_gsb.commands.inject import KINDS
from plugin_core.cli.options import all_option, output_option, selector_option, shared_options
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets

F = TypeVar("F", bound=Callable[..., Any])

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


@click.command()
@click.argument("targets", nargs=-1, metavar="[deploy|sts|dc/NAME]...")
@click.option("-f", "--filename", type=click.File(), metavar="FILE", help="A pod or workload as YAML; - for stdin.")
@selector_option
@all_option
@reach_options
@output_option
@shared_options
def plan(targets: tuple[str, ...], filename: Any, selector: str, everything: bool, **reach: Any) -> None:
    """Say which SCC pods have, which they get with the sidecar and why, and whose pods would change.

    With -f nothing needs to exist yet. Nothing is changed; exit code 3 when there are problems.

    \b
    Examples:
      oc gsb scc plan deploy/web
      oc gsb scc plan -f web.yaml
      oc gsb scc plan deploy/web --group
    """
    from oc_gsb.access.manifest_files import parse_workloads
    from oc_gsb.access.plan_reports import plan as plan_access
    from oc_gsb.access.requests import PlanRequest, Reach
    from oc_gsb.sidecar.selection import Selection

    session = current_session()
    named = targets or selector or everything or not filename
    selection = Selection(parse_targets(targets, allowed=KINDS), selector, everything) if named else None
    whom = Reach(**reach)
    cluster = session.connect()
    manifests = parse_workloads(filename.read(), source=filename.name, namespace=cluster.namespace) if filename else []
    request = PlanRequest(selection=selection, manifests=tuple(manifests), reach=whom)
    with session.progress() as progress:
        answer = plan_access(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
