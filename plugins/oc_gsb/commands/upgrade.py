"""oc gsb upgrade"""

from __future__ import annotations

import click

from oc_gsb.commands.sidecar_options import KINDS, image_check_option, parallel_option
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


@click.command(short_help="Bring sidecars to Kasten's current image.")
@click.argument("targets", nargs=-1, metavar="[deploy|sts|dc/NAME]...")
@selector_option
@all_option
@click.option("--image", metavar="IMAGE", default="", help="The sidecar's new image; default: k10-config's.")
@click.option("--k10-namespace", metavar="NAME", default="kasten-io", show_default=True, help="Kasten's namespace.")
@parallel_option
@image_check_option
@timeout_option("10m", "each workload's rollout, after which it gets its old image back")
@dry_run_option
@output_option
@shared_options
def upgrade(
    targets: tuple[str, ...], selector: str, everything: bool, image: str, k10_namespace: str, parallel: int,
    try_image: bool, timeout: float,
) -> None:
    """Bring sidecars to the image of the installed Kasten; to be run after each upgrade of Kasten.

    One patch and one rollout a workload, several at a time; what fails gets its old image back, even when this run dies
    and a second one finds the failure. uninject stays exact afterwards. A second run changes nothing.

    \b
    Examples:
      oc gsb upgrade --all
      oc gsb upgrade deploy/web --image registry.local/kanister-tools:2 --dry-run=server
    """
    from oc_gsb.sidecar.requests import UpgradeRequest
    from oc_gsb.sidecar.selection import Selection
    from oc_gsb.sidecar.upgrade import upgrade as upgrade_sidecars

    request = UpgradeRequest(Selection(parse_targets(targets, allowed=KINDS), selector, everything), image, timeout,
                             k10_namespace, parallel, try_image)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = upgrade_sidecars(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
