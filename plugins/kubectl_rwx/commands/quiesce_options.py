"""The flags that make writers stand still, for the commands that cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kubectl_rwx.protection.quiesce_requests import CONTINUE, CUT, FAIL, HOOK, NONE, READY, SCALE, QuiesceRequest
from plugin_core.cli.options import Duration

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--quiesce", "mode", type=click.Choice([NONE, HOOK, SCALE]), metavar="none|hook|scale", default=None,
                 help="Make all writers stand still for the cut: by a command in each pod (hook), or by scaling their "
                      "workloads to 0 and back (scale). Default: none, or hook with --freeze."),
    click.option("--freeze", metavar="CMD", default="",
                 help="Shell command that freezes; default: the pods' Velero annotations (pre.hook.backup.velero.io)."),
    click.option("--thaw", metavar="CMD", default="", help="Shell command that undoes --freeze."),
    click.option("--container", metavar="NAME", default="", help="Where; default: the one that mounts the claims."),
    click.option("--freeze-timeout", type=Duration(), metavar="DURATION", default="60s", show_default=True,
                 help="A timer in each pod thaws it after this time, whatever becomes of this command."),
    click.option("--hold-until", type=click.Choice([CUT, READY]), metavar="cut|ready", default=CUT, show_default=True,
                 help="When writers may go on."),
    click.option("--on-freeze-error", type=click.Choice([FAIL, CONTINUE]), metavar="fail|continue", default=FAIL,
                 show_default=True, help="What a failed freeze means; after continue the set is not quiesced."),
    click.option("--force", is_flag=True, help="Go on although some writers are unmanaged or not covered."),
)


def quiesce_options(command: F) -> F:
    """The command gets all of them as keyword arguments; quiesce_request makes a request of those."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def quiesce_request(flags: dict[str, Any]) -> QuiesceRequest:
    """--freeze alone means --quiesce=hook."""
    return QuiesceRequest(**{**flags, "mode": flags["mode"] or (HOOK if flags["freeze"] else NONE)})
