"""oc gsb images"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command(short_help="The images to mirror.")
@click.option("--k10-namespace", metavar="NAME", default="kasten-io", show_default=True, help="Kasten's namespace.")
@output_option
@shared_options
def images(k10_namespace: str) -> None:
    """List the images to mirror for a cluster without internet access.

    \b
    Examples:
      oc gsb images -o name
    """
    from oc_gsb.inventory.images import list_images

    session = current_session()
    session.show(list_images(session.connect(), k10_namespace=k10_namespace))
