"""oc gsb backup"""

from __future__ import annotations

import click

from oc_gsb.commands.kasten_options import expires_option, force_option, k10_namespace_option, no_wait_option
from oc_gsb.commands.sidecar_options import KINDS
from plugin_core.cli.options import dry_run_option, output_option, shared_options, timeout_option
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets


@click.command()
@click.argument("targets", nargs=-1, metavar="[deploy|sts|dc/NAME]...")
@click.option("--profile", metavar="NAME", default="", help="Location profile; default: the only one that fits.")
@click.option("--export-profile", metavar="NAME", default="", help="Location profile of the export; default: the same.")
@click.option("--no-export", is_flag=True, help="A local restore point only.")
@click.option("--policy", "policy_name", metavar="NAME", default="",
              help="Policy to make and run; default: NAMESPACE-gsb.")
@expires_option
@force_option
@no_wait_option
@k10_namespace_option
@timeout_option("1h", "the whole backup")
@dry_run_option
@output_option
@shared_options
def backup(
    targets: tuple[str, ...], profile: str, export_profile: str, no_export: bool, policy_name: str, expires: float,
    force: bool, no_wait: bool, k10_namespace: str, timeout: float,
) -> None:
    """Back up the namespace of -n with Kasten: make sure of its policy, check, run, follow.

    Kasten backs up whole namespaces. Name workloads to insist that these have a sidecar that works.

    \b
    Examples:
      oc gsb backup -n shop --expires 30d
      oc gsb backup deploy/web sts/db --profile s3 -n shop
    """
    from oc_gsb.kasten.policies import PolicyRequest
    from oc_gsb.kasten.runs import RunRequest, back_up

    session = current_session()
    cluster = session.connect()
    wanted = PolicyRequest(namespace=cluster.namespace, name=policy_name, profile=profile, export=not no_export,
                           export_profile=export_profile, k10_namespace=k10_namespace)
    request = RunRequest(
        policy=wanted.policy, targets=parse_targets(targets, allowed=KINDS), expires=expires, force=force,
        wait=not no_wait, timeout=timeout, k10_namespace=k10_namespace)
    with session.progress() as progress:
        answer = back_up(cluster, wanted, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
