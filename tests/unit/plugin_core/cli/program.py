"""A small executable that fails in every way there is; run by the tests as a process of its own."""

from __future__ import annotations

import io
import queue
import sys
import threading
import time

import click
import urllib3

from plugin_core import errors
from plugin_core.cli.boundary import run
from plugin_core.cli.options import dry_run_option, output_option, shared_options
from plugin_core.cli.sessions import current_session
from plugin_core.kube.contacts import note_interrupt
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


@root.command()
@shared_options
def churn() -> None:
    """Drops file objects with finalizers in Python, and takes a queue's lock, again and again."""
    pool = queue.LifoQueue()
    try:
        click.echo("up")
        sys.stdout.flush()
        end = time.monotonic() + 15
        while time.monotonic() < end:
            urllib3.HTTPResponse(body=io.BytesIO(b"x"), preload_content=False)
            pool.put(1)
            pool.get(block=False)
    except KeyboardInterrupt:
        click.echo(f"the queue is {'locked for ever' if pool.mutex.locked() else 'free'}")
        raise


@root.command()
@shared_options
def away() -> None:
    """Is interrupted, and ends because the server is away all the same."""
    note_interrupt()
    raise errors.ServerAway("not waited for any longer", hint="do this")


if __name__ == "__main__":
    sys.exit(run(root, name="program"))
