"""oc gsb render"""

from __future__ import annotations

from typing import Any

import click

from oc_gsb.commands.sidecar_options import KINDS, sidecar_options
from plugin_core.cli.options import all_option, selector_option, shared_options
from plugin_core.cli.sessions import current_session
from plugin_core.cli.targets import parse_targets


@click.command(short_help="The injection as YAML for Git.")
@click.argument("targets", nargs=-1, metavar="[deploy|sts|dc/NAME]...")
@selector_option
@all_option
@click.option("--only", "part", type=click.Choice(["all", "patch", "access"]), default="all", show_default=True,
              help="The workload's patch, or SCC copy and rights, which an administrator applies.")
@sidecar_options
@shared_options
def render(targets: tuple[str, ...], selector: str, everything: bool, part: str, **flags: Any) -> None:
    """Print what inject would do as YAML for Git: SCC copy, role, binding and a patch. Nothing is changed.

    \b
    Examples:
      oc gsb render deploy/web --only patch > gsb-patch.yaml
      oc gsb render deploy/web --only access | oc apply -f -
      oc gsb render deploy/web | kubectl apply --server-side --field-manager=gsb -f -
    """
    from oc_gsb.sidecar.rendering import render as render_injection
    from oc_gsb.sidecar.requests import InjectRequest
    from oc_gsb.sidecar.selection import Selection
    from plugin_core.render.manifests import yaml_documents

    request = InjectRequest(Selection(parse_targets(targets, allowed=KINDS), selector, everything), **flags)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        rendering = render_injection(cluster, request, part=part, progress=progress)
        for warning in rendering.warnings:
            progress.warn(warning)
    click.echo(yaml_documents(rendering.documents), nl=False)
