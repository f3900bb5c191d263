"""The one error boundary: runs a command, turns what it raises into a sentence on stderr and an exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from types import FrameType
from typing import Any

import click

from plugin_core.errors import ExitCode, PluginError


def run(group: click.Group, *, name: str) -> int:
    """Runs the executable `name` on sys.argv and returns its exit code.

    Ctrl-C and SIGTERM raise KeyboardInterrupt once; later ones only say that stopping is under way.
    """
    _stop_once()
    debug = "--debug" in sys.argv
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
        return error.exit_code
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")
        return ExitCode.DONE
    except Exception as error:
        _show_trace(debug)
        click.echo(f"error: this should not have happened: {type(error).__name__}: {error}", err=True)
        click.echo("  try: the same command with --debug shows where; please report it", err=True)
        return ExitCode.FAILED


def _show_trace(debug: bool) -> None:
    if debug:
        traceback.print_exc()


def _stop_once() -> None:
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> Any:
        if stopping:
            os.write(2, b"already stopping: what remains is said at the end\n")
            return
        stopping.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
