"""Flags that the commands about Kasten itself share."""

from __future__ import annotations

import click

from plugin_core.cli.options import Duration

k10_namespace_option = click.option("--k10-namespace", metavar="NAME", default="kasten-io", show_default=True,
                                    help="Kasten's namespace.")
expires_option = click.option("--expires", type=Duration(), metavar="DURATION", default="0", show_default="never",
                              help="How long the restore points are kept; retention leaves those of runs by hand.")
force_option = click.option("--force", is_flag=True, help="Run although the checks say that it would fail.")
no_wait_option = click.option("--no-wait", is_flag=True, help="Return when Kasten has been asked.")
