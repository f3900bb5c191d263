"""The executable oc-gsb: lists its commands and starts the one asked for."""

from __future__ import annotations

import sys

import click

from oc_gsb.commands.backup import backup
from oc_gsb.commands.cleanup import cleanup
from oc_gsb.commands.discover import discover
from oc_gsb.commands.images import images
from oc_gsb.commands.inject import inject
from oc_gsb.commands.policy import policy
from oc_gsb.commands.rbac import rbac
from oc_gsb.commands.render import render
from oc_gsb.commands.restore import restore
from oc_gsb.commands.restorepoints import restorepoints
from oc_gsb.commands.scc import scc
from oc_gsb.commands.status import status
from oc_gsb.commands.token import token
from oc_gsb.commands.uninject import uninject
from oc_gsb.commands.upgrade import upgrade
from oc_gsb.commands.verify import verify
from plugin_core.cli.boundary import run
from plugin_core.cli.completion import COMMAND
from plugin_core.cli.completion_scripts import completion_command
from plugin_core.cli.options import shared_options
from plugin_core.cli.versions import version_command
from plugin_core.names import GSB


@click.group(name=GSB, context_settings={"help_option_names": ["-h", "--help"]})
@shared_options
def root() -> None:
    """Kasten's Generic Storage Backup made safe: SCC, sidecar, proof."""


for command in (
    discover, status, inject, verify, upgrade, uninject, render, scc, token, policy, backup, restorepoints,
    restore, cleanup, rbac, images, completion_command,
    version_command,
):
    root.add_command(command)


def main() -> None:
    """The console script; the exit code is an ExitCode."""
    if sys.argv[1:2] == [COMMAND]:
        _complete(sys.argv[2:])
    else:
        sys.exit(run(root, name=GSB))


def complete() -> None:
    """The console script that kubectl's own completion runs."""
    _complete(sys.argv[1:])


def _complete(words: list[str]) -> None:
    from oc_gsb.completions import SOURCES
    from plugin_core.cli.completion import answer

    answer(root, words, name=GSB, sources=SOURCES)
