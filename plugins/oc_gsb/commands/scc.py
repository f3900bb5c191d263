"""oc gsb scc plan, create, grant, revoke, delete"""

from __future__ import annotations

import click

from oc_gsb.commands.scc_copies import create, delete
from oc_gsb.commands.scc_grants import grant, revoke
from oc_gsb.commands.scc_plan import plan


@click.group(short_help="The SCC copy, step by step.")
def scc() -> None:
    """The SCC copy for the sidecar, step by step; inject does all of it by itself."""


for command in (plan, create, grant, revoke, delete):
    scc.add_command(command)
