"""kubectl rwx provision"""

from __future__ import annotations

import click

from plugin_core.cli.options import Size, dry_run_option, output_option, shared_options, timeout_option
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--size", type=Size(), metavar="SIZE", required=True, help="How large, e.g. 100Gi.")
@click.option("--class", "storage_class", metavar="NAME", default="", help="StorageClass; default: check's best one.")
@click.option("--bind", is_flag=True, help="Where the class waits for a first consumer: run one until it is Bound.")
@click.option("--image", metavar="IMAGE", default="", help="Image of the pod that --bind runs; default: pause.")
@timeout_option("5m", "everything, until the claim is Bound")
@click.option("--no-wait", is_flag=True, help="Return when the claim is created, not when it is Bound.")
@dry_run_option
@output_option
@shared_options
def provision(
    name: str, size: int, storage_class: str, bind: bool, image: str, timeout: float, no_wait: bool
) -> None:
    """Create a shared (ReadWriteMany) claim for backups, on a class whose snapshots can protect it.

    Takes the class that `kubectl rwx check` is surest of, or the one named when it is usable; says how to mount the
    claim and how Kasten protects it. A second run finds the claim: unchanged.

    \b
    Examples:
      kubectl rwx provision backup --size 100Gi
      kubectl rwx provision backup --size 100Gi --class shared --dry-run=server
    """
    from kubectl_rwx.readiness.provisioning import ProvisionRequest
    from kubectl_rwx.readiness.provisioning import provision as provision_claim

    request = ProvisionRequest(
        name=name.removeprefix("pvc/"), size=size, storage_class=storage_class, bind=bind, image=image,
        timeout=timeout, wait=not no_wait,
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = provision_claim(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
