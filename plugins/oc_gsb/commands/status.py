"""oc gsb status"""

from __future__ import annotations

import click

from plugin_core.cli.options import Duration, output_option, selector_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command(short_help="Which sidecars have drifted; exit code 3 for CI.")
@selector_option
@click.option("--image", metavar="IMAGE", default="", help="The image to expect; default: k10-config's.")
@click.option("--max-backup-age", type=Duration(), default="0", metavar="DURATION",
              help="Count a namespace without a complete backup for so long as drift; default: no limit.")
@click.option("--k10-namespace", metavar="NAME", default="kasten-io", show_default=True, help="Kasten's namespace.")
@output_option
@shared_options
def status(selector: str, image: str, max_backup_age: float, k10_namespace: str) -> None:
    """Say which sidecars have drifted from what Kasten needs: image, capabilities, SCC, annotation, claims, backup.

    Reads templates and pods only; verify measures inside the pods. Exit code 0 when all is well, 3 when not, for CI.

    \b
    Examples:
      oc gsb status
      oc gsb status -A --max-backup-age 26h
    """
    from oc_gsb.inventory.status import StatusRequest
    from oc_gsb.inventory.status import status as look_over

    session = current_session()
    request = StatusRequest(session.all_namespaces, selector, image, max_backup_age, k10_namespace)
    cluster = session.connect(all_namespaces=True)
    with session.progress() as progress:
        answer = look_over(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
