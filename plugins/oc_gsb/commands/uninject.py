"""oc gsb uninject"""

from __future__ import annotations

import click

from oc_gsb.commands.sidecar_options import KINDS, parallel_option
from plugin_core.cli.options import (
    all_option,
    dry_run_option,
    output_option,
    selector_option,
    shared_options,
    timeout_option,
)
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets


@click.command()
@click.argument("targets", nargs=-1, metavar="[deploy|sts|dc/NAME]...")
@selector_option
@all_option
@parallel_option
@timeout_option("10m", "each workload's rollout")
@dry_run_option
@output_option
@shared_options
def uninject(targets: tuple[str, ...], selector: str, everything: bool, parallel: int, timeout: float) -> None:
    """Take the sidecar out again: the workload becomes exactly what it was before.

    What others changed in it since is kept and named. After the rollout the grant and the SCC copy are deleted too,
    unless something else needs them. A second run changes nothing. Named ones lose a sidecar of k10tools too, and all
    lose the volumes that k10tools leaves behind.

    \b
    Examples:
      oc gsb uninject deploy/web
      oc gsb uninject --all --dry-run=client
    """
    from oc_gsb.sidecar.requests import UninjectRequest
    from oc_gsb.sidecar.selection import Selection
    from oc_gsb.sidecar.uninject import uninject as take_sidecars_out

    request = UninjectRequest(
        Selection(parse_targets(targets, allowed=KINDS), selector, everything), timeout, parallel
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = take_sidecars_out(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
