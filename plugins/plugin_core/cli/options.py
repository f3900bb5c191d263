"""The flags both plugins share, spelled as kubectl spells them. All may stand before or after the subcommand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from plugin_core.cli.sessions import keep_setting
from plugin_core.model.durations import parse_duration
from plugin_core.model.quantities import parse_quantity
from plugin_core.render.reports import FORMATS

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType[float]):
    """30s, 5m, 1h30m or seconds; the value is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return value if isinstance(value, float) else parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Size(click.ParamType[int]):
    """A storage size with its unit, such as 10Gi; the value is bytes. A bare number is refused: nobody means bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            if re.fullmatch(r"[0-9.]+", str(value).strip()):
                raise ValueError(f'"{value}" has no unit: write {value}Gi or {value}Mi')
            size = parse_quantity(value)
            if size <= 0:
                raise ValueError(f'"{value}" is no size: write one such as 10Gi')
            return size
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _shared(*spellings: str, **attributes: Any) -> Callable[[F], F]:
    return click.option(*spellings, expose_value=False, callback=keep_setting, **attributes)


_CONNECTION = (
    _shared("--kubeconfig", metavar="FILE", help="Kubeconfig file to use."),
    _shared("--context", metavar="NAME", help="Kubeconfig context to use."),
    _shared("--cluster", metavar="NAME", help="Kubeconfig cluster to use."),
    _shared("--user", metavar="NAME", help="Kubeconfig user to use."),
    _shared("-n", "--namespace", metavar="NAME", help="Namespace; default: the context's."),
    _shared("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces."),
    _shared("--as", "as_user", metavar="USER", help="Act as this user."),
    _shared("--as-group", "as_groups", metavar="GROUP", multiple=True, help="Act as a member of this group."),
    _shared("--request-timeout", type=Duration(), metavar="DURATION", help="Limit for one request to the server."),
    _shared("--insecure-skip-tls-verify", is_flag=True, help="Do not check the server's certificate."),
    _shared("-q", "--quiet", is_flag=True, help="No progress on stderr, only warnings and errors."),
    _shared("-v", "--verbose", is_flag=True, help="Show each request on stderr."),
    _shared("--debug", is_flag=True, help="Show the trace of an error."),
)


def shared_options(command: F) -> F:
    """kubectl's connection flags and the output noise flags; read back through the session."""
    for option in reversed(_CONNECTION):
        command = option(command)
    return command


output_option = _shared(
    "-o", "--output", type=click.Choice(FORMATS), metavar="|".join(FORMATS), help="Output format; default: table."
)
dry_run_option = _shared(
    "--dry-run", type=click.Choice(["none", "client", "server"]), metavar="client|server",
    help="Change nothing: client sends no write at all, server lets the API server check each write.",
)
selector_option = click.option("-l", "--selector", metavar="LABELS", default="", help="Label selector.")
all_option = click.option("--all", "everything", is_flag=True, help="All of the namespace.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def timeout_option(default: str, what: str) -> Callable[[F], F]:
    """--timeout with its default ("10m") and what it bounds."""
    return click.option(
        "--timeout", type=Duration(), default=default, show_default=True, metavar="DURATION", help=f"Limit for {what}."
    )
