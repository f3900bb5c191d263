"""kubectl rwx restore"""

from __future__ import annotations

import click

from plugin_core.cli.options import Size, dry_run_option, output_option, shared_options, timeout_option
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets
from plugin_core.model.kinds import VOLUME_SNAPSHOT


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="SET|vs/NAME...")
@click.option("--to", metavar="NAME", default="", help="Name of the new claim; default: the source's with --suffix.")
@click.option("--suffix", metavar="TEXT", default="-restored", show_default=True, help="Ends the new claims' names.")
@click.option("--size", type=Size(), metavar="SIZE", default=None, help="At least this large; default: as the source.")
@click.option("--storage-class", metavar="NAME", default="", help="StorageClass; default: the source's.")
@click.option("--access-mode", "access_modes", metavar="RWX|RWO|ROX|RWOP", multiple=True,
              help="Access mode, may be repeated; default: the source's.")
@timeout_option("10m", "everything, until all claims are Bound")
@click.option("--no-wait", is_flag=True, help="Return when the claims are created, not when they are Bound.")
@dry_run_option
@output_option
@shared_options
def restore(
    targets: tuple[str, ...], to: str, suffix: str, size: int | None, storage_class: str, access_modes: tuple[str, ...],
    timeout: float, no_wait: bool,
) -> None:
    """Restore a snapshot, or every snapshot of a set, to new claims and wait until they are Bound.

    Size, StorageClass, access modes and volumeMode are those of the source unless you say otherwise. The sources and
    existing claims are left alone. Claims that wait for their first consumer are done when they are created.

    \b
    Examples:
      kubectl rwx restore vs/nightly-data
      kubectl rwx restore vs/nightly-data --to data-check --access-mode RWO
      kubectl rwx restore nightly --suffix -before
    """
    from kubectl_rwx.protection.restore_plans import Wishes
    from kubectl_rwx.protection.restore_requests import RestoreRequest, access_modes_of
    from kubectl_rwx.protection.restores import restore as restore_snapshots

    named = len(targets) > 1 or "/" in targets[0]
    request = RestoreRequest(
        snapshots=tuple(target.name for target in parse_targets(targets, allowed=[VOLUME_SNAPSHOT])) if named else (),
        set_name="" if named else targets[0],
        wishes=Wishes(
            to=to, suffix=suffix, size=size or 0, storage_class=storage_class,
            access_modes=access_modes_of(access_modes),
        ),
        timeout=timeout, wait=not no_wait,
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = restore_snapshots(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
