"""The flags that inject, render, uninject and upgrade share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from plugin_core.model.kinds import DEPLOYMENT, DEPLOYMENT_CONFIG, STATEFUL_SET

F = TypeVar("F", bound=Callable[..., Any])

KINDS = (DEPLOYMENT, STATEFUL_SET, DEPLOYMENT_CONFIG)

_SIDECAR = (
    click.option("--image", metavar="IMAGE", default="",
                 help="Sidecar image; default: the one Kasten's k10-config names."),
    click.option("--cpu", metavar="QUANTITY", default="100m", show_default=True, help="The sidecar's CPU request."),
    click.option("--memory", metavar="QUANTITY", default="256Mi", show_default=True,
                 help="The sidecar's memory request."),
    click.option("--cpu-limit", metavar="QUANTITY", default="", help="Its CPU limit; default: none."),
    click.option("--memory-limit", metavar="QUANTITY", default="",
                 help="Its memory limit; default: none. Big volumes need more than 1Gi."),
    click.option("--env", metavar="NAME=VALUE", multiple=True, help="An environment variable of the sidecar."),
    click.option("--pull-secret", "pull_secrets", metavar="NAME", multiple=True,
                 help="A Secret of the namespace to pull the image with; added to the pod's own."),
    click.option("--cache-size", metavar="QUANTITY", default="3000Mi", show_default=True,
                 help="Limit of kopia's cache; a pod that exceeds it is evicted."),
    click.option("--ca-configmap", metavar="NAME", default="",
                 help="ConfigMap of the namespace with a private CA under custom-ca-bundle.pem."),
    click.option("--k10-namespace", metavar="NAME", default="kasten-io", show_default=True, help="Kasten's namespace."),
)


def sidecar_options(command: F) -> F:
    """What the sidecar is like; named as the fields of InjectRequest."""
    for option in reversed(_SIDECAR):
        command = option(command)
    return command


parallel_option = click.option(
    "--parallel", type=int, default=5, show_default=True, metavar="N", help="Workloads at a time, 16 at most."
)
image_check_option = click.option(
    "--image-check/--no-image-check", "try_image", default=True, show_default=True,
    help="Pull the image in a pod of its own first."
)
