"""oc gsb restore"""

from __future__ import annotations

import sys

import click

from oc_gsb.commands.kasten_options import k10_namespace_option
from plugin_core.cli.options import dry_run_option, output_option, shared_options, timeout_option, yes_option
from plugin_core.cli.sessions import current_session
from plugin_core.errors import UsageError


@click.command()
@click.argument("point", default="", metavar="[RESTOREPOINT|CONTENT]")
@click.option("--to", metavar="NAMESPACE", default="",
              help="Restore to this namespace; default: the application's own.")
@click.option("--grant-default", is_flag=True, help="Let the service account default use the SCC too, for helper pods.")
@yes_option
@k10_namespace_option
@timeout_option("1h", "the whole restore")
@dry_run_option
@output_option
@shared_options
def restore(point: str, to: str, grant_default: bool, yes: bool, k10_namespace: str, timeout: float) -> None:
    """Restore the namespace of -n with Kasten, even after its deletion; default: its newest exported restore point.

    Before Kasten starts, the namespace is created with its old uid range, and the SCC copy and the right to use it are
    put in place, as the restored pods ask for the sidecar's capabilities. Afterwards the workloads are awaited and
    their sidecars measured. What is in the namespace is overwritten, so it is asked about unless --yes is given.

    \b
    Examples:
      oc gsb restore -n shop
      oc gsb restore rp-shop-a1b2 --to shop-copy -n shop
    """
    from oc_gsb.kasten.restore_plans import RestoreRequest, plan_restore
    from oc_gsb.kasten.restores import restore as carry_out

    session = current_session()
    cluster = session.connect()
    request = RestoreRequest(namespace=cluster.namespace, point=point, to=to, grant_default=grant_default,
                             timeout=timeout, k10_namespace=k10_namespace)
    plan = plan_restore(cluster, request)
    if plan.overwritten and not yes and not cluster.dry_run.on:
        what = f"In namespace {plan.target}, {', '.join(plan.overwritten)} and their data are overwritten"
        if not sys.stdin.isatty():
            raise UsageError(f"{what[0].lower()}{what[1:]}", hint="say --yes when that is wanted")
        click.confirm(f"{what} with restore point {plan.point.name}. Go on?", abort=True, err=True)
    with session.progress() as progress:
        answer = carry_out(cluster, plan, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
