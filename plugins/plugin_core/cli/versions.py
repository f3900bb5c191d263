"""The command `version`, the same for both executables: they are released together."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import click


@click.command("version")
@click.pass_context
def version_command(context: click.Context) -> None:
    """Print the version of this plugin; no cluster is asked."""
    try:
        number = version("kubectl-rwx")
    except PackageNotFoundError:
        number = "unknown"
    click.echo(f"{context.find_root().info_name} {number}")
