"""oc gsb token set"""

from __future__ import annotations

import sys

import click

from oc_gsb.commands.kasten_options import k10_namespace_option
from plugin_core.cli.options import dry_run_option, output_option, shared_options, timeout_option
from plugin_core.cli.sessions import current_session
from plugin_core.errors import UsageError


@click.command("set")
@click.argument("surplus", nargs=-1, type=click.UNPROCESSED, metavar="")
@click.option("--token-file", metavar="FILE|-", required=True, help="File with the token; - for stdin.")
@click.option("--overridepubkey-file", metavar="FILE|-", default="", help="File with the key of an evaluation token.")
@click.option("--no-overridepubkey", is_flag=True, help="Remove the evaluation key.")
@click.option("--abort-running", is_flag=True, help="Restart Kasten although actions are running.")
@k10_namespace_option
@timeout_option("10m", "Kasten's restart")
@dry_run_option
@output_option
@shared_options
def set_token_command(
    surplus: tuple[str, ...], token_file: str, overridepubkey_file: str, no_overridepubkey: bool, abort_running: bool,
    k10_namespace: str, timeout: float,
) -> None:
    """Set the token in the operator's K10 object, wait for Kasten's restart and confirm that its executor has it.

    Every Kasten service restarts, so running actions are noticed first. For a Helm install nothing is changed and the
    helm command is shown. The token is read from a file or stdin and shown nowhere.

    \b
    Examples:
      oc gsb token set --token-file token.txt
      vault read -field=token kv/kasten | oc gsb token set --token-file -
    """
    from oc_gsb.kasten.secrets import Secret, read_secret
    from oc_gsb.kasten.token_setting import SetRequest, set_token

    if surplus:
        raise UsageError("the token is not given as an argument, where others could see it", hint="--token-file FILE|-")
    if "-" == token_file == overridepubkey_file or (overridepubkey_file and no_overridepubkey):
        raise UsageError("--token-file, --overridepubkey-file and --no-overridepubkey contradict each other")
    if token_file == "-" and sys.stdin.isatty():
        raise UsageError("stdin is the keyboard, which would show the token", hint="pipe it in, or --token-file FILE")
    key = read_secret(overridepubkey_file, flag="--overridepubkey-file") if overridepubkey_file else None
    request = SetRequest(
        token=read_secret(token_file, flag="--token-file"), token_file=token_file, abort_running=abort_running,
        key=Secret("") if no_overridepubkey else key, key_file=overridepubkey_file, timeout=timeout,
        k10_namespace=k10_namespace)
    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = set_token(cluster, request, progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
