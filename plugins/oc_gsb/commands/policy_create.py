"""oc gsb policy create"""

from __future__ import annotations

import click

from oc_gsb.commands.kasten_options import k10_namespace_option
from plugin_core.cli.options import dry_run_option, output_option, shared_options, timeout_option
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("name", default="", metavar="[NAME]")
@click.option("--profile", metavar="NAME", default="", help="Location profile; default: the only one that fits.")
@click.option("--export-profile", metavar="NAME", default="", help="Location profile of the export; default: the same.")
@click.option("--no-export", is_flag=True, help="Local restore points only.")
@click.option("--replace", is_flag=True, help="Overwrite a policy of this name that says something else.")
@k10_namespace_option
@timeout_option("2m", "Kasten's validation of the policy")
@dry_run_option
@output_option
@shared_options
def create(name: str, profile: str, export_profile: str, no_export: bool, replace: bool, k10_namespace: str,
           timeout: float) -> None:
    """Create an on-demand policy for the namespace of -n; its name is NAMESPACE-gsb unless given.

    \b
    Examples:
      oc gsb policy create -n shop
      oc gsb policy create nightly --profile s3 --export-profile s3-offsite -n shop
    """
    from oc_gsb.kasten.policies import PolicyRequest
    from oc_gsb.kasten.policy_listing import create_policy

    session = current_session()
    cluster = session.connect()
    request = PolicyRequest(
        namespace=cluster.namespace, name=name, profile=profile, export_profile=export_profile, export=not no_export,
        replace=replace, timeout=timeout, k10_namespace=k10_namespace)
    with session.progress() as progress:
        report = create_policy(cluster, request, progress)
    session.show(report)
