"""A small executable that fails in every way there is; run by the tests as a process of its own."""

from __future__ import annotations

import sys
import threading

import click

from plugin_core import errors
from plugin_core.cli.boundary import run
from plugin_core.cli.options import dry_run_option, output_option, shared_options
from plugin_core.cli.sessions import current_session
from plugin_core.model.reports import Report, column


@click.group()
@shared_options
def root() -> None:
    """Fails."""


@root.command()
@click.argument("kind")
@shared_options
def fail(kind: str) -> None:
    raise getattr(errors, kind)("it is so", hint="do this")


@root.command()
@shared_options
def crash() -> None:
    raise RuntimeError("boom")


@root.command()
@shared_options
def hint_less() -> None:
    raise errors.NotReady("no hint")


@root.command()
@shared_options
def code() -> int:
    return errors.ExitCode.PARTLY_DONE


@root.command()
@shared_options
def ask() -> None:
    click.confirm("really?", abort=True)


@root.command()
@shared_options
@output_option
@dry_run_option
def rows() -> None:
    """Many rows: a reader may leave before the end."""
    items = tuple({"name": f"row-{number}-\u00fc"} for number in range(20_000))
    current_session().show(Report("Rows", items, (column("NAME", "name"),), name=lambda item: item["name"]))


@root.command()
@shared_options
def wait() -> None:
    """Says that it is up, then waits; once interrupted, cleans up for a second."""
    try:
        click.echo("up")
        sys.stdout.flush()
        threading.Event().wait(30)
    except KeyboardInterrupt:
        click.echo("cleaning up", err=True)
        threading.Event().wait(0.5)
        click.echo("clean", err=True)
        raise


if __name__ == "__main__":
    sys.exit(run(root, name="program"))
