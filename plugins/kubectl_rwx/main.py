"""The executable kubectl-rwx: lists its commands and starts the one asked for."""

from __future__ import annotations

import sys

import click

from kubectl_rwx.commands.check import check
from kubectl_rwx.commands.cleanup import cleanup
from kubectl_rwx.commands.clone import clone
from kubectl_rwx.commands.delete import delete
from kubectl_rwx.commands.describe import describe
from kubectl_rwx.commands.diagnose import diagnose
from kubectl_rwx.commands.feature_gates import feature_gates
from kubectl_rwx.commands.images import images
from kubectl_rwx.commands.list import list_command
from kubectl_rwx.commands.provision import provision
from kubectl_rwx.commands.prune import prune
from kubectl_rwx.commands.rbac import rbac
from kubectl_rwx.commands.restore import restore
from kubectl_rwx.commands.setup import setup
from kubectl_rwx.commands.snapshot import snapshot
from kubectl_rwx.commands.thaw import thaw
from kubectl_rwx.commands.verify import verify
from kubectl_rwx.commands.wait import wait
from plugin_core.cli.boundary import run
from plugin_core.cli.completion import COMMAND
from plugin_core.cli.completion_scripts import completion_command
from plugin_core.cli.options import shared_options
from plugin_core.cli.versions import version_command
from plugin_core.names import RWX


@click.group(name=RWX, context_settings={"help_option_names": ["-h", "--help"]})
@shared_options
def root() -> None:
    """Snapshot, restore and prove shared (ReadWriteMany) storage."""


for command in (
    check, verify, feature_gates, setup, provision, snapshot, restore, clone, list_command, describe, diagnose, wait,
    delete, prune, cleanup, thaw, images, rbac, completion_command,
    version_command,
):
    root.add_command(command)


def main() -> None:
    """The console script; the exit code is an ExitCode."""
    if sys.argv[1:2] == [COMMAND]:
        _complete(sys.argv[2:])
    else:
        sys.exit(run(root, name=RWX))


def complete() -> None:
    """The console script that kubectl's own completion runs."""
    _complete(sys.argv[1:])


def _complete(words: list[str]) -> None:
    from kubectl_rwx.completions import SOURCES
    from plugin_core.cli.completion import answer

    answer(root, words, name=RWX, sources=SOURCES)
