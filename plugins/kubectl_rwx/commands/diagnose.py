"""kubectl rwx diagnose"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, selector_option, shared_options
from plugin_core.cli.sessions import current_session


@click.command()
@click.argument("targets", nargs=-1, metavar="[SET|vs/NAME|pvc/NAME]...")
@selector_option
@click.option("--all", "everything", is_flag=True, help="Everything that is stuck; in all namespaces with -A.")
@output_option
@shared_options
def diagnose(targets: tuple[str, ...], selector: str, everything: bool) -> None:
    """Why is it not ready? Name the first broken link behind snapshots and claims, and what mends it.

    Walks from the snapshot API to controller, class, driver, sidecar, claim, content, errors and events. Every line is
    an observation with its source; what is only inferred says so, what may not be read is not called fine. Changes
    nothing. Exit code 0 when all are ready, 3 when one is not.

    \b
    Examples:
      kubectl rwx diagnose vs/nightly
      kubectl rwx diagnose pvc/data-restored vs/a -o json
      kubectl rwx diagnose --all -A
    """
    from kubectl_rwx.readiness.diagnoses import diagnose as look
    from kubectl_rwx.readiness.diagnoses import diagnosis_request

    session = current_session()
    request = diagnosis_request(
        targets, selector=selector, everything=everything, all_namespaces=session.all_namespaces
    )
    cluster = session.connect(all_namespaces=True)
    with session.progress() as progress:
        answer = look(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
