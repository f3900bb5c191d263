"""kubectl rwx setup snapshots"""

from __future__ import annotations

from typing import Any

import click

from kubectl_rwx.commands.setup_options import check_mode, setup_options
from plugin_core.cli.consent import make_consent
from plugin_core.cli.pods import helper_options
from plugin_core.cli.sessions import current_session
from plugin_core.errors import UsageError


@click.command()
@click.option("--manifests", metavar="DIR", default="", help="Upstream's files, instead of fetching the release.")
@click.option("--source", metavar="URL", default="https://github.com/kubernetes-csi/external-snapshotter",
              show_default=True, help="Repository to fetch the release from, or a mirror of it; its checksum is known.")
@click.option("--registry", metavar="HOST[/PATH]", default="", help="Where images are mirrored to.")
@click.option("--controller-image", metavar="IMAGE", default="", help="Image of the snapshot-controller.")
@click.option("--no-group-snapshots", is_flag=True, help="Leave the CRDs of group snapshots out.")
@click.option("--upgrade", is_flag=True, help="Replace what is older, unless somebody manages it.")
@click.option("--verify-class", metavar="NAME", default="", help="Class for the proof; default: check's best one.")
@click.option("--lose-snapshots", metavar="NUMBER", type=click.IntRange(min=1), default=None,
              help="With --uninstall: this many snapshots may be lost.")
@setup_options("10m")
def snapshots(
    manifests: str, source: str, registry: str, controller_image: str, no_group_snapshots: bool, upgrade: bool,
    verify_class: str, lose_snapshots: int | None, **rest: Any
) -> None:
    """Install the snapshot API (CRDs) and the snapshot-controller of upstream's release 8.6.0, where they are missing.

    What is there and newer, or managed by a platform, an operator, helm or GitOps, is left alone, and said by whom.
    --uninstall refuses to remove the CRDs while there are snapshots: deleting a CRD deletes them all.

    \b
    Examples:
      kubectl rwx setup snapshots --dry-run=server
      kubectl rwx setup snapshots
      kubectl rwx setup snapshots --manifests ./external-snapshotter --registry registry.example.com/mirror
      kubectl rwx setup snapshots --render > snapshots.yaml
    """
    from kubectl_rwx.commands.setup_runs import Answering
    from kubectl_rwx.installation.releases import Source, load_release
    from kubectl_rwx.installation.removals import RemovalRequest, remove_snapshots_setup
    from kubectl_rwx.installation.snapshots import SnapshotsRequest, set_up_snapshots
    from plugin_core.model.durations import Deadline

    check_mode(rest)
    if lose_snapshots is not None and not rest["uninstall"]:
        raise UsageError("--lose-snapshots goes with --uninstall")
    session, timeout = current_session(), rest["timeout"]
    where = Source(manifests=manifests, repository=source, registry=registry, image=controller_image,
                   groups=not no_group_snapshots)
    with Answering(session, rest) as answering:
        if rest["render"]:
            release = load_release(where, deadline=Deadline.after(timeout))
            answering.rendered([*release.definitions, *release.controller])
            return
        cluster = session.connect()
        if rest["uninstall"]:
            answering.removed(remove_snapshots_setup(
                cluster, RemovalRequest(losing=lose_snapshots or 0, timeout=timeout), answering.progress,
                consent=make_consent(yes=rest["yes"] or session.dry_run.on),
            ))
            return
        request = SnapshotsRequest(where, upgrade=upgrade, wait=not rest["no_wait"], timeout=timeout)
        installation = set_up_snapshots(cluster, request, answering.progress)
        answering.installed(cluster, installation, storage_class=verify_class, pods=helper_options(rest))
