"""The flags that the commands of `setup` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from plugin_core.cli.options import dry_run_option, output_option, shared_options, timeout_option, yes_option
from plugin_core.cli.pods import helper_pod_options
from plugin_core.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

_FLAGS = (
    click.option("--render", is_flag=True, help="Print everything as YAML for kubectl apply, and change nothing."),
    click.option("--uninstall", is_flag=True, help="Remove what setup installed, and only that."),
    click.option("--no-wait", is_flag=True, help="Return when all is applied; implies --no-verify."),
    click.option("--no-verify", is_flag=True, help="Do not end with a proof on real pods."),
)


def setup_options(timeout: str) -> Callable[[F], F]:
    """--render, --uninstall, --no-wait, --no-verify, and those of every command that changes something."""

    def decorate(command: F) -> F:
        options = (*_FLAGS, helper_pod_options, timeout_option(timeout, "everything but the proof"), yes_option,
                   dry_run_option, output_option, shared_options)
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def check_mode(values: Mapping[str, Any]) -> None:
    """Raises UsageError for flags that contradict each other."""
    if values["render"] and values["uninstall"]:
        raise UsageError("either --render or --uninstall, not both")
