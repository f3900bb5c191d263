"""kubectl rwx images"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command()
@click.option("--registry", metavar="HOST[/PATH]", default="", help="Where you mirror to: also show each image there.")
@output_option
@shared_options
def images(registry: str) -> None:
    """List the images that pods of ours run, for a registry behind an air gap.

    Asks no cluster. -o name prints the images alone, one a line.

    \b
    Examples:
      kubectl rwx images
      kubectl rwx images -o name | xargs -n1 docker pull
      kubectl rwx images --registry registry.example.com/mirror
    """
    from kubectl_rwx.readiness.images import list_images

    current_session().show(list_images(registry=registry))
