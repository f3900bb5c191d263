"""One run of one command: the flags given anywhere on the line, the connection made from them, and where answers go."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from typing import Any

import click

from plugin_core.errors import PluginError, UsageError
from plugin_core.kube.cluster import Cluster, DryRun
from plugin_core.kube.connection import ConnectionOptions, connect
from plugin_core.model.reports import Report
from plugin_core.render.progress import Lines, make_progress

_KEY = "plugin_core.session"


@dataclass
class Session:
    """settings: values of shared flags by name, from before or after the subcommand; the later one wins."""

    plugin: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def dry_run(self) -> DryRun:
        return DryRun(self.settings.get("dry_run", "none"))

    @property
    def all_namespaces(self) -> bool:
        return bool(self.settings.get("all_namespaces"))

    def connect(self, *, all_namespaces: bool = False) -> Cluster:
        """The connection the flags ask for. all_namespaces: whether this command can work with -A."""
        if self.all_namespaces and not all_namespaces:
            raise UsageError("--all-namespaces does not fit this command", hint="name one namespace with -n")
        namespace = str(self.settings.get("namespace") or "")
        if namespace and not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", namespace):
            raise UsageError(
                f'"{namespace}" is not a name a namespace can have', hint="it is lower-case letters, digits and -"
            )
        return connect(self.options(), dry_run=self.dry_run, field_manager=self.plugin)

    def options(self) -> ConnectionOptions:
        """The connection flags that were given."""
        chosen = {name: self.settings[name] for name in ConnectionOptions.__dataclass_fields__ if name in self.settings}
        return ConnectionOptions(**chosen)

    def progress(self) -> Lines:
        """Where an operation tells what it does; use it in a with statement around the operation."""
        return make_progress(quiet=bool(self.settings.get("quiet")))

    def show(self, report: Report) -> None:
        """Writes the answer to stdout, and what is not the answer to stderr."""
        from plugin_core.render.reports import render

        output = self.settings.get("output", "table")
        _write_out(render(report, output=output, api_version=f"{self.plugin}/v1"))
        if not report.items and output in ("table", "wide") and report.empty:
            click.echo(report.empty, err=True)
        for note in report.notes:
            click.echo(note, err=True)


def _write_out(text: str) -> None:
    """A full disk or a closed stdout is no mistake of ours. A reader that left is for the boundary to judge."""
    try:
        if not sys.stdout:
            raise OSError("it is closed")
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # Python would complain at its own end about what is still in the buffer
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise PluginError(
            f"the answer cannot be written to stdout: {error.strerror or error}; what the command did stays done",
            hint="look at what is so now with a stdout that can be written to, before you repeat it",
        ) from error


def current_session() -> Session:
    """The session of the command that is running."""
    return session_of(click.get_current_context())


def keep_setting(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """A click callback: remembers a shared flag's value when it was given, wherever it stood."""
    if value not in (None, (), False) and parameter.name:
        session_of(context).settings[parameter.name] = value
    return value


def session_of(context: click.Context) -> Session:
    """The session of the command line that this context is part of."""
    root = context.find_root()
    if _KEY not in root.meta:
        root.meta[_KEY] = Session(plugin=str(root.info_name))
    session: Session = root.meta[_KEY]
    return session
