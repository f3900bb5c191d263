"""kubectl rwx clone"""

from __future__ import annotations

import click

from plugin_core.cli.options import Size, dry_run_option, output_option, shared_options, timeout_option
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM


@click.command()
@click.argument("source", metavar="pvc/SRC")
@click.argument("name", metavar="NEW")
@click.option("--size", type=Size(), metavar="SIZE", default=None, help="At least this large; default: as the source.")
@click.option("--storage-class", metavar="NAME", default="", help="Must be the source's own; said why otherwise.")
@click.option("--access-mode", "access_modes", metavar="RWX|RWO|ROX|RWOP", multiple=True,
              help="Access mode, may be repeated; default: the source's.")
@click.option("--to-namespace", metavar="NAME", default="", help="Refused, with the way that works.")
@click.option("--bind", is_flag=True, help="Where the class waits for a first consumer: run one until it is Bound.")
@click.option("--image", metavar="IMAGE", default="", help="Image of the pod that --bind runs; default: pause.")
@timeout_option("10m", "everything, until the clone is Bound")
@click.option("--no-wait", is_flag=True, help="Return when the clone is created, not when it is Bound.")
@dry_run_option
@output_option
@shared_options
def clone(
    source: str, name: str, size: int | None, storage_class: str, access_modes: tuple[str, ...], to_namespace: str,
    bind: bool, image: str, timeout: float, no_wait: bool,
) -> None:
    """Clone a claim into a new one of the same namespace and class, and wait until it is Bound.

    The driver copies the source as it is while you look; nothing is quiesced. To another class or namespace, snapshot
    and restore instead.

    \b
    Examples:
      kubectl rwx clone pvc/data data-copy
      kubectl rwx clone pvc/data data-copy --size 20Gi
    """
    from kubectl_rwx.protection.clones import CloneRequest
    from kubectl_rwx.protection.clones import clone as clone_claim
    from plugin_core.storage.claims import parse_access_modes

    target, = parse_targets([source], allowed=[PERSISTENT_VOLUME_CLAIM])
    request = CloneRequest(
        source=target.name, name=name.removeprefix("pvc/"), size=size or 0, storage_class=storage_class,
        access_modes=parse_access_modes(access_modes), to_namespace=to_namespace, timeout=timeout, wait=not no_wait,
        bind=bind, image=image,
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = clone_claim(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
