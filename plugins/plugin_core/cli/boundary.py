"""The one error boundary: runs a command, turns what it raises into a sentence on stderr and an exit code."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback

import click

from plugin_core.cli.interrupts import stop_once
from plugin_core.errors import ExitCode, PluginError, ServerAway
from plugin_core.kube.contacts import interrupted_for


def run(group: click.Group, *, name: str) -> int:
    """Runs the executable `name` on sys.argv and returns its exit code.

    Ctrl-C and SIGTERM raise KeyboardInterrupt once (plugin_core/cli/interrupts.py).
    """
    stop_once()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a name the terminal's encoding lacks must not end the command
            stream.reconfigure(errors="backslashreplace")
    debug, stdout = "--debug" in sys.argv, sys.stdout
    if {"-v", "--verbose", "--debug"} & set(sys.argv):
        logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
        logging.getLogger("plugin_core").setLevel(logging.INFO)
    try:
        result = group.main(prog_name=name, standalone_mode=False)
        return int(result) if isinstance(result, int) else ExitCode.DONE
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except PluginError as error:
        _show_trace(debug)
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  try: {error.hint}", err=True)
        # a server that is not waited for any longer since somebody wanted an end is no timeout
        ended = isinstance(error, ServerAway) and interrupted_for() is not None
        return ExitCode.INTERRUPTED if ended else error.exit_code
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except SystemExit as stop:
        # click exits by itself after completing a word, and, with another stdout in place, when a pipe's reader left
        return int(stop.code or 0) if sys.stdout is stdout else _reader_left()
    except Exception as error:
        _show_trace(debug)
        click.echo(f"error: this should not have happened: {type(error).__name__}: {error}", err=True)
        click.echo("  try: the same command with --debug shows where; please report it", err=True)
        return ExitCode.FAILED


def _reader_left() -> int:
    """`| head -1` has what it wanted. Python would complain at its own end about what is still in the buffer."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return ExitCode.DONE


def _show_trace(debug: bool) -> None:
    if debug:
        traceback.print_exc()
