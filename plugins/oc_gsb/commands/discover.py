"""oc gsb discover"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, selector_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command(short_help="Workloads with claims, and how to back them up.")
@selector_option
@click.option("--k10-namespace", metavar="NAME", default="kasten-io", show_default=True, help="Kasten's namespace.")
@output_option
@shared_options
def discover(selector: str, k10_namespace: str) -> None:
    """Show every workload with claims, and how Kasten should back each claim up.

    csi-snapshot where the storage has snapshots; shareable-volume for ReadWriteMany without; gsb, the sidecar, for the
    rest; unsupported for what none of them can do, with the reason. Nothing is changed.

    \b
    Examples:
      oc gsb discover
      oc gsb discover -A -o wide
      oc gsb discover -o name -l tier=db
    """
    from oc_gsb.inventory.discovery import DiscoverRequest
    from oc_gsb.inventory.discovery import discover as look_over

    session = current_session()
    request = DiscoverRequest(session.all_namespaces, selector, k10_namespace)
    cluster = session.connect(all_namespaces=True)
    with session.progress() as progress:
        report = look_over(cluster, request, progress=progress)
    session.show(report)
