"""oc gsb scc grant, revoke"""

from __future__ import annotations

from typing import Any

import click

from oc_gsb.commands.scc_options import carry_out, reach_options, scc_option, selection_of, targets_argument
from plugin_core.cli.options import (
    all_option,
    dry_run_option,
    output_option,
    selector_option,
    shared_options,
    timeout_option,
)


@click.command(short_help="Let a service account use the copy.")
@targets_argument
@selector_option
@all_option
@scc_option
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

    selection = selection_of(targets, selector, everything, otherwise=bool(name))
    carry_out(grant_access, GrantRequest(selection, name, Reach(**reach), force, timeout))


@click.command(short_help="Take the copy from a service account.")
@targets_argument
@selector_option
@all_option
@scc_option
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

    selection = selection_of(targets, selector, everything, otherwise=bool(name))
    carry_out(revoke_access, GrantRequest(selection, name, Reach(**reach)))
