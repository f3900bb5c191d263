"""oc gsb scc plan, create, grant, revoke, delete"""

from __future__ import annotations

import click

from oc_gsb.commands.scc_changes import create, delete, grant, revoke
from oc_gsb.commands.scc_plan import plan


@click.group()
def scc() -> None:
    """The SCC copy for the sidecar, step by step; inject does all of it by itself."""


for command in (plan, create, grant, revoke, delete):
    scc.add_command(command)
