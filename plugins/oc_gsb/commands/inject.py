"""oc gsb inject"""

from __future__ import annotations

from typing import Any

import click

from oc_gsb.commands.sidecar_options import KINDS, image_check_option, parallel_option, sidecar_options
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
@sidecar_options
@parallel_option
@image_check_option
@click.option("--force", is_flag=True, help="Go on although GitOps or an operator keeps the workload as it is.")
@timeout_option("10m", "each workload's rollout, after which it is rolled back")
@dry_run_option
@output_option
@shared_options
def inject(targets: tuple[str, ...], selector: str, everything: bool, **flags: Any) -> None:
    """Put Kasten's sidecar into workloads, so that their volumes can be backed up without snapshots.

    Checks everything first, makes the SCC copy and grants it to the workload's service account, changes each workload
    with one patch and waits for its pods, several workloads at a time. What fails is rolled back exactly. A second run
    changes nothing. A sidecar that k10tools put in is taken over.

    \b
    Examples:
      oc gsb inject deploy/web
      oc gsb inject sts/db --memory 1Gi --timeout 20m
      oc gsb inject --all --parallel 10
      oc gsb inject --all --dry-run=server
    """
    from oc_gsb.sidecar.inject import inject as inject_sidecars
    from oc_gsb.sidecar.requests import InjectRequest
    from oc_gsb.sidecar.selection import Selection

    request = InjectRequest(Selection(parse_targets(targets, allowed=KINDS), selector, everything), **flags)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = inject_sidecars(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
