"""oc gsb verify"""

from __future__ import annotations

import click

from oc_gsb.commands.kasten_options import k10_namespace_option
from oc_gsb.commands.sidecar_options import KINDS
from plugin_core.cli.options import all_option, output_option, selector_option, shared_options, timeout_option
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets


@click.command()
@click.argument("targets", nargs=-1, metavar="[deploy|sts|dc/NAME]...")
@selector_option
@all_option
@timeout_option("30s", "each command run in a sidecar")
@k10_namespace_option
@output_option
@shared_options
def verify(targets: tuple[str, ...], selector: str, everything: bool, timeout: float, k10_namespace: str) -> None:
    """Prove by measurement that the sidecar can do its work; exit code 3 when it cannot.

    Looks at the newest pods only: containers ready, SCC, capabilities as the kernel has them, kopia started directly
    and by a shell, every claim mounted, and a file of another user restored and read again by kopia in a folder of the
    sidecar's scratch volume, which is removed. Nothing else is changed; what could not be measured is "not proven".

    \b
    Examples:
      oc gsb verify deploy/web
      oc gsb verify --all -o json
    """
    from oc_gsb.sidecar.requests import VerifyRequest
    from oc_gsb.sidecar.selection import Selection
    from oc_gsb.sidecar.verify import verify as measure

    request = VerifyRequest(
        selection=Selection(parse_targets(targets, allowed=KINDS), selector, everything), timeout=timeout,
        k10_namespace=k10_namespace,
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = measure(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
