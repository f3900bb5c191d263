"""oc gsb inject"""

from __future__ import annotations

import click

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
from plugin_core.model.kinds import DEPLOYMENT, DEPLOYMENT_CONFIG, STATEFUL_SET

KINDS = (DEPLOYMENT, STATEFUL_SET, DEPLOYMENT_CONFIG)


@click.command()
@click.argument("targets", nargs=-1, metavar="[deploy|sts|dc/NAME]...")
@selector_option
@all_option
@click.option("--image", metavar="IMAGE", default="", help="Sidecar image; default: the one Kasten's k10-config names.")
@click.option("--cpu", metavar="QUANTITY", default="100m", show_default=True, help="The sidecar's CPU request.")
@click.option("--memory", metavar="QUANTITY", default="256Mi", show_default=True, help="The sidecar's memory request.")
@click.option("--cpu-limit", metavar="QUANTITY", default="", help="Its CPU limit; default: none.")
@click.option("--memory-limit", metavar="QUANTITY", default="",
              help="Its memory limit; default: none. Big volumes need more than 1Gi.")
@click.option("--k10-namespace", metavar="NAME", default="kasten-io", show_default=True, help="Kasten's namespace.")
@timeout_option("10m", "each workload's rollout, after which it is rolled back")
@dry_run_option
@output_option
@shared_options
def inject(
    targets: tuple[str, ...], selector: str, everything: bool, image: str, cpu: str, memory: str, cpu_limit: str,
    memory_limit: str, k10_namespace: str, timeout: float,
) -> None:
    """Put Kasten's sidecar into workloads, so that their volumes can be backed up without snapshots.

    Checks everything first, makes the SCC copy and grants it to the workload's service account, changes the workload
    with one patch and waits for its pods. What fails is rolled back exactly. A second run changes nothing.

    \b
    Examples:
      oc gsb inject deploy/web
      oc gsb inject sts/db --memory 1Gi --timeout 20m
      oc gsb inject --all --dry-run=server
    """
    from oc_gsb.sidecar.inject import inject as inject_sidecars
    from oc_gsb.sidecar.requests import InjectRequest
    from oc_gsb.sidecar.selection import Selection

    request = InjectRequest(
        selection=Selection(parse_targets(targets, allowed=KINDS), selector, everything), image=image, cpu=cpu,
        memory=memory, cpu_limit=cpu_limit, memory_limit=memory_limit, timeout=timeout, k10_namespace=k10_namespace,
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = inject_sidecars(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
