"""oc gsb policy"""

from __future__ import annotations

import click

from oc_gsb.commands.kasten_options import k10_namespace_option
from oc_gsb.commands.policy_create import create
from oc_gsb.commands.policy_runs import cancel, run
from plugin_core.cli.options import dry_run_option, output_option, shared_options, yes_option
from plugin_core.cli.sessions import current_session


@click.group()
def policy() -> None:
    """On-demand Kasten policies that back a namespace up through its sidecars, and export it."""


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


for command in (create, run, cancel):
    policy.add_command(command)
