"""The command `version`, the same for both executables: they are released together."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence

import click

from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import Session, current_session
from plugin_core.errors import PluginError
from plugin_core.model.reports import Report, column

_PATIENCE = 5.0
"""Seconds for the server, unless --request-timeout says otherwise: a version is asked for when something is wrong."""


@click.command("version")
@click.option("--client", is_flag=True, help="Only this executable; no cluster is asked.")
@output_option
@shared_options
def version_command(client: bool) -> None:
    """Print the version of this executable, of the server, and of what it works with there.

    Snapshot API and controller, Kasten and OpenShift. A server that is away is said, and is no failure (exit code 0).

    \b
    Examples (of kubectl rwx; oc gsb has the same):
      kubectl rwx version
      kubectl rwx version --client
      kubectl rwx version -o json
    """
    session = current_session()
    kind = "frozen executable" if getattr(sys, "frozen", False) else "Python package"
    system = f"{platform.system().lower()}/{platform.machine()}"
    own = {
        "component": session.plugin, "version": read_version(),
        "found": f"{kind}, {system}, Python {platform.python_version()}",
    }
    items = [own, *([] if client else _on_the_server(session))]
    session.show(Report(
        kind="VersionList", items=tuple(items), name=lambda item: f"{item['component']}/{item['version']}",
        columns=(column("COMPONENT", "component"), column("VERSION", "version"), column("FOUND", "found")),
    ))


def read_version() -> str:
    """This release's; "unknown" when it runs from bare sources."""
    # a module that takes its time, and is needed by this command alone
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("kubectl-rwx")
    except PackageNotFoundError:
        return "unknown"


def _on_the_server(session: Session) -> Sequence[dict[str, str]]:
    from plugin_core.model.durations import Deadline
    from plugin_core.workloads.components import find_components

    patience = session.settings.setdefault("request_timeout", _PATIENCE)
    try:
        cluster = session.connect().within(Deadline.after(patience))
    except PluginError as error:
        return [{"component": "Kubernetes", "version": "", "found": error.message}]
    return [{"component": found.name, "version": found.version, "found": found.found}
            for found in find_components(cluster)]
