"""oc gsb policy run, oc gsb policy cancel"""

from __future__ import annotations

import click

from oc_gsb.commands.kasten_options import expires_option, force_option, k10_namespace_option, no_wait_option
from plugin_core.cli.options import dry_run_option, output_option, shared_options, timeout_option
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("name", metavar="NAME")
@expires_option
@force_option
@no_wait_option
@k10_namespace_option
@timeout_option("1h", "the whole run")
@dry_run_option
@output_option
@shared_options
def run(name: str, expires: float, force: bool, no_wait: bool, k10_namespace: str, timeout: float) -> None:
    """Run a policy now and follow its backup, its export, and the pods that move the data, to the end.

    First every injected workload is measured and the token looked for. A run that is under way is followed, no second
    one is started.

    \b
    Examples:
      oc gsb policy run shop-gsb --expires 30d
    """
    from oc_gsb.kasten.runs import RunRequest, run_policy

    session = current_session()
    cluster = session.connect()
    request = RunRequest(policy=name, expires=expires, force=force, wait=not no_wait, timeout=timeout,
                         k10_namespace=k10_namespace)
    with session.progress() as progress:
        answer = run_policy(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure


@click.command()
@click.argument("name", metavar="POLICY|RUNACTION")
@no_wait_option
@k10_namespace_option
@timeout_option("10m", "the run to stop")
@dry_run_option
@output_option
@shared_options
def cancel(name: str, no_wait: bool, k10_namespace: str, timeout: float) -> None:
    """Cancel the running run of a policy, or a run action, and wait until it has stopped."""
    from oc_gsb.kasten.runs import RunRequest, cancel_run

    session = current_session()
    cluster = session.connect()
    request = RunRequest(policy=name, wait=not no_wait, timeout=timeout, k10_namespace=k10_namespace)
    with session.progress() as progress:
        answer = cancel_run(cluster, name, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
