"""oc gsb policy"""

from __future__ import annotations

import click

from oc_gsb.commands.policy_runs import cancel, run
from oc_gsb.commands.token import k10_namespace_option
from plugin_core.cli.options import dry_run_option, output_option, shared_options, timeout_option, yes_option
from plugin_core.cli.sessions import current_session


@click.group()
def policy() -> None:
    """On-demand Kasten policies that back a namespace up through its sidecars, and export it."""


@policy.command()
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


@policy.command()
@click.argument("name", default="", metavar="[NAME]")
@k10_namespace_option
@output_option
@shared_options
def status(name: str, k10_namespace: str) -> None:
    """Show on-demand policies of the namespace (or -A), their validation and their last run; NAME: its runs too."""
    from oc_gsb.kasten.policy_listing import policy_status

    session = current_session()
    cluster = session.connect(all_namespaces=True)
    namespace = "" if session.all_namespaces else cluster.namespace
    session.show(policy_status(cluster, name=name, namespace=namespace, k10_namespace=k10_namespace))


@policy.command()
@click.argument("name", metavar="NAME")
@yes_option
@k10_namespace_option
@dry_run_option
@output_option
@shared_options
def delete(name: str, yes: bool, k10_namespace: str) -> None:
    """Delete a policy. Its restore points stay."""
    from oc_gsb.kasten.policy_listing import delete_policy

    session = current_session()
    cluster = session.connect()
    if not yes and not cluster.dry_run.on:
        click.confirm(f"Delete policy {name} in {k10_namespace}?", abort=True, err=True)
    session.show(delete_policy(cluster, name=name, k10_namespace=k10_namespace))


policy.add_command(run)
policy.add_command(cancel)
