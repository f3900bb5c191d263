"""kubectl rwx setup: the group of its commands."""

from __future__ import annotations

import click

from kubectl_rwx.commands.setup_nfs import class_command, nfs
from kubectl_rwx.commands.setup_snapshots import snapshots
from plugin_core.cli.options import shared_options


@click.group()
@shared_options
def setup() -> None:
    """Install what shared storage with snapshots needs: the snapshot API, csi-driver-nfs, classes.

    Only what is missing is installed, and nothing that a platform, an operator or helm manages is touched. A second run
    changes nothing; --render prints it all as YAML instead; --uninstall removes what setup installed and nothing else.
    """


for command in (snapshots, nfs, class_command):
    setup.add_command(command)
