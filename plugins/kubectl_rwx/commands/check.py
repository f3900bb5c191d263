"""kubectl rwx check"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("classes", nargs=-1, metavar="[CLASS]...")
@output_option
@shared_options
def check(classes: tuple[str, ...]) -> None:
    """Can storage here be shared (ReadWriteMany) and snapshotted, and how sure is that?

    Looks at the whole chain, from snapshot API to StorageClass, and changes nothing. What a class can do is proven (by
    verify), observed (on volumes and snapshots that exist), known (of its driver; not proven), or unknown. Exit code 0
    when a class can do both at one of the first three levels, else 3. Names limit look and exit code to those classes.

    \b
    Examples:
      kubectl rwx check
      kubectl rwx check shared -o json
      kubectl rwx check ocs-storagecluster-cephfs nfs-csi
    """
    from kubectl_rwx.readiness.checks import CheckRequest, check_storage

    session = current_session()
    cluster = session.connect(all_namespaces=True)
    with session.progress() as progress:
        answer = check_storage(cluster, CheckRequest(classes=classes), progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
