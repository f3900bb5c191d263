"""kubectl rwx restore"""

from __future__ import annotations

import click

from plugin_core.cli.consent import make_consent
from plugin_core.cli.options import Size, dry_run_option, output_option, shared_options, timeout_option, yes_option
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="SET|vs/NAME...")
@click.option("--to", metavar="NAME", default="", help="Name of the new claim; default: the source's with --suffix.")
@click.option("--suffix", metavar="TEXT", default="-restored", show_default=True, help="Ends the new claims' names.")
@click.option("--to-namespace", metavar="NAME", default="", help="Restore there; needs rights on snapshot contents.")
@click.option("--in-place", is_flag=True, help="Replace the source claims: workloads stopped, put back if it fails.")
@click.option("--rollback", is_flag=True, help="With --in-place: go back from an unfinished one instead of on.")
@click.option("--size", type=Size(), metavar="SIZE", default=None, help="At least this large; default: as the source.")
@click.option("--storage-class", metavar="NAME", default="", help="StorageClass; default: the source's.")
@click.option("--access-mode", "access_modes", metavar="RWX|RWO|ROX|RWOP", multiple=True,
              help="Access mode, may be repeated; default: the source's.")
@click.option("--volume-mode", type=click.Choice(["Filesystem", "Block"]), default=None, help="Default: the source's.")
@click.option("--bind", is_flag=True, help="Where a class waits for a first consumer: run one until it is Bound.")
@click.option("--image", metavar="IMAGE", default="", help="Image of the pod that --bind runs; default: pause.")
@timeout_option("10m", "everything, until all claims are Bound")
@click.option("--no-wait", is_flag=True, help="Return when the claims are created, not when they are Bound.")
@yes_option
@dry_run_option
@output_option
@shared_options
def restore(
    targets: tuple[str, ...], to: str, suffix: str, to_namespace: str, in_place: bool, rollback: bool,
    size: int | None, storage_class: str, access_modes: tuple[str, ...], volume_mode: str | None, bind: bool,
    image: str, timeout: float, no_wait: bool, yes: bool,
) -> None:
    """Restore a snapshot, or every snapshot of a set, to new claims and wait until they are Bound.

    Size, StorageClass, access modes and volumeMode are those of the source unless you say otherwise. The sources and
    existing claims are left alone, except with --in-place (asks first, or --yes): docs/restore-in-place.md.

    \b
    Examples:
      kubectl rwx restore vs/nightly-data --to data-check --access-mode RWO
      kubectl rwx restore nightly --to-namespace staging --suffix ""
      kubectl rwx restore nightly --in-place --yes
    """
    from kubectl_rwx.protection.restore_plans import Wishes
    from kubectl_rwx.protection.restore_requests import RestoreRequest
    from kubectl_rwx.protection.restore_ways import restore_as_asked
    from kubectl_rwx.protection.snapshot_selection import choose
    from plugin_core.storage.claims import parse_access_modes

    chosen = choose(targets)
    request = RestoreRequest(
        snapshots=chosen.snapshots, set_name=chosen.set_name, timeout=timeout, wait=not no_wait,
        wishes=Wishes(to=to, suffix=suffix, size=size or 0, storage_class=storage_class,
                      access_modes=parse_access_modes(access_modes), volume_mode=volume_mode or ""),
        to_namespace=to_namespace, in_place=in_place, rollback=rollback, bind=bind, image=image,
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = restore_as_asked(cluster, request, progress, consent=make_consent(yes=yes))
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
