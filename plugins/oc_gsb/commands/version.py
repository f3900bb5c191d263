"""oc gsb version"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import click


@click.command("version")
def version_command() -> None:
    """Print the version of this plugin; no cluster is asked."""
    try:
        number = version("kubectl-rwx")
    except PackageNotFoundError:
        number = "unknown"
    click.echo(f"oc-gsb {number}")
