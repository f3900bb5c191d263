"""oc gsb cleanup"""

from __future__ import annotations

import click

from plugin_core.cli.options import Duration, dry_run_option, output_option, shared_options, yes_option
from plugin_core.cli.sessions import current_session


@click.command(short_help="What interrupted runs left; deleted with --yes.")
@click.option("--older-than", type=Duration(), default="10m", show_default=True, metavar="DURATION",
              help="Leave alone grants and SCC copies that are younger; a run may be about to use them.")
@yes_option
@dry_run_option
@output_option
@shared_options
def cleanup(older_than: float, yes: bool) -> None:
    """Find what interrupted runs left: unused grants, SCC copies and pods of ours, workloads half-way through a change.

    Shows it; deletes it with --yes. Workloads are not touched: the command that finishes each is named. Grants to a
    group were asked for and stay: oc gsb scc revoke --group. An SCC copy goes with the last grant of it; one that was
    never granted goes with -A only, as it may be another namespace's.

    \b
    Examples:
      oc gsb cleanup -A
      oc gsb cleanup --yes
    """
    from oc_gsb.access.leftovers import CleanupRequest, clean_up

    session = current_session()
    request = CleanupRequest(session.all_namespaces, yes, older_than)
    cluster = session.connect(all_namespaces=True)
    with session.progress() as progress:
        answer = clean_up(cluster, request, progress=progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
