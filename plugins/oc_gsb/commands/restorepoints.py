"""oc gsb restorepoints"""

from __future__ import annotations

import click

from oc_gsb.commands.kasten_options import k10_namespace_option
from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command()
@click.option("--sizes", is_flag=True, help="Ask for the size of every restore point, not of the newest 20 only.")
@k10_namespace_option
@output_option
@shared_options
def restorepoints(sizes: bool, k10_namespace: str) -> None:
    """List the restore points of the namespace (or -A): local or exported, age, policy, size.

    What is left of a deleted namespace is listed too.

    \b
    Examples:
      oc gsb restorepoints -n shop
      oc gsb restorepoints -A -o wide
    """
    from oc_gsb.kasten.point_listing import list_points

    session = current_session()
    cluster = session.connect(all_namespaces=True)
    namespace = "" if session.all_namespaces else cluster.namespace
    session.show(list_points(cluster, namespace=namespace, sizes=sizes, k10_namespace=k10_namespace))
