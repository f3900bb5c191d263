"""oc gsb scc create, delete"""

from __future__ import annotations

import click

from oc_gsb.commands.scc_options import carry_out, selection_of, targets_argument
from plugin_core.cli.options import (
    all_option,
    dry_run_option,
    output_option,
    selector_option,
    shared_options,
)


@click.command(short_help="Make the SCC copy; nobody may use it yet.")
@targets_argument
@selector_option
@all_option
@click.option("--base", "bases", multiple=True, metavar="SCC", help="Copy this SCC; may be given again.")
@dry_run_option
@output_option
@shared_options
def create(targets: tuple[str, ...], selector: str, everything: bool, bases: tuple[str, ...]) -> None:
    """Make the SCC copy that allows CHOWN, DAC_OVERRIDE and FOWNER; nobody may use it until it is granted.

    \b
    Examples:
      oc gsb scc create deploy/web
      oc gsb scc create --base restricted-v2 --dry-run=server
    """
    from oc_gsb.access.copies import create as create_copies
    from oc_gsb.access.requests import CopyRequest

    request = CopyRequest(selection_of(targets, selector, everything, otherwise=bool(bases)), bases)
    carry_out(create_copies, request)


@click.command(short_help="Delete copies that nobody uses.")
@click.argument("names", nargs=-1, metavar="SCC...")
@dry_run_option
@output_option
@shared_options
def delete(names: tuple[str, ...]) -> None:
    """Delete SCC copies that nobody uses any more; says who does otherwise.

    \b
    Examples:
      oc gsb scc delete restricted-v2-gsb
    """
    from oc_gsb.access.copies import delete as delete_copies
    from oc_gsb.access.requests import DeleteRequest

    carry_out(delete_copies, DeleteRequest(tuple(name.removeprefix("scc/") for name in names)))
