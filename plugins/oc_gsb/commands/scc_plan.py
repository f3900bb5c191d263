"""oc gsb scc plan"""

from __future__ import annotations

from typing import Any

import click

from oc_gsb.commands.scc_options import carry_out, reach_options, selection_of, targets_argument
from plugin_core.cli.options import all_option, output_option, selector_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command(short_help="Which SCC pods have, and get with the sidecar.")
@targets_argument
@click.option("-f", "--filename", type=click.File("rb"), metavar="FILE", help="A pod or workload as YAML; - for stdin.")
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

    selection = selection_of(targets, selector, everything, otherwise=bool(filename))
    cluster = current_session().connect()
    manifests = parse_workloads(filename.read(), source=filename.name, namespace=cluster.namespace) if filename else []
    carry_out(plan_access, PlanRequest(selection=selection, manifests=tuple(manifests), reach=Reach(**reach)))
