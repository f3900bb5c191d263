"""kubectl rwx verify"""

from __future__ import annotations

from typing import Any

import click

from plugin_core.cli.options import Duration, Size, dry_run_option, output_option, shared_options, timeout_option
from plugin_core.cli.pods import helper_options, helper_pod_options
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("storage_class", metavar="CLASS")
@click.option("--access-mode", metavar="RWX|RWO", default="RWX", show_default=True, help="What the claim asks for.")
@click.option("--size", type=Size(), default="1Gi", show_default=True, metavar="SIZE", help="Size of the claim.")
@click.option("--snapshot-class", metavar="NAME", default="", help="VolumeSnapshotClass; default: the driver's.")
@click.option("--no-clone", is_flag=True, help="Do not try a clone.")
@click.option("--expand", is_flag=True, help="Also grow the claim in use, where the class offers it.")
@click.option("--accept-warnings", is_flag=True, help="Lost times, owners or modes, or a single node, are no failure.")
@click.option("--keep", is_flag=True, help="Remove nothing afterwards.")
@click.option("--keep-on-failure", is_flag=True, help="Remove nothing when the class is not proven.")
@click.option("--no-record", is_flag=True, help="Write no result on the StorageClass.")
@click.option("--patience", type=Duration(), default="45s", show_default=True, metavar="DURATION",
              help="An error of the driver that lasts so long is its answer.")
@helper_pod_options
@timeout_option("10m", "everything but the cleanup")
@dry_run_option
@output_option
@shared_options
def verify(
    storage_class: str, access_mode: str, size: int, snapshot_class: str, no_clone: bool, no_record: bool, **rest: Any
) -> None:
    """Prove on real pods that a StorageClass can be shared, snapshotted, restored and cloned.

    Makes a claim and writes from a pod on one node, reads on another, snapshots, changes the source, restores, clones,
    and compares content, owners, modes, times, links and empty directories. Removes all of it and records the result on
    the StorageClass, where `kubectl rwx check` finds it. Exit code 3 when the class is not proven.

    \b
    Examples:
      kubectl rwx verify shared --expand
      kubectl rwx verify block --access-mode RWO
      kubectl rwx verify shared --image registry.example.com/busybox:1.36.1 --keep-on-failure
      kubectl rwx verify shared --dry-run=server
    """
    from kubectl_rwx.readiness.verification.proofs import verify as prove
    from kubectl_rwx.readiness.verification.requests import VerifyRequest
    from plugin_core.storage.claims import parse_access_modes

    mode, = parse_access_modes([access_mode])
    request = VerifyRequest(
        storage_class=storage_class, access_mode=mode, size=size, snapshot_class=snapshot_class, clone=not no_clone,
        record=not no_record, keep=rest["keep"], keep_on_failure=rest["keep_on_failure"],
        accept_warnings=rest["accept_warnings"], patience=rest["patience"], timeout=rest["timeout"],
        pods=helper_options(rest), expand=rest["expand"],
    )
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = prove(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
