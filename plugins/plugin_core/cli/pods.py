"""The flags of commands that run pods of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from plugin_core.workloads.helper_pods import (
    DEFAULT_IMAGE,
    IMAGE_VARIABLE,
    HelperOptions,
    parse_node_selector,
    parse_tolerations,
)

F = TypeVar("F", bound=Callable[..., Any])

_FLAGS = (
    click.option("--image", metavar="IMAGE", envvar=IMAGE_VARIABLE, default=DEFAULT_IMAGE, show_default=True,
                 show_envvar=True, help="Image of the pods; it needs sh and coreutils or busybox."),
    click.option("--image-pull-secret", "pull_secrets", metavar="NAME", multiple=True,
                 help="Secret to pull the image with; may be repeated."),
    click.option("--node-selector", metavar="KEY=VALUE", multiple=True, help="Nodes for the pods; may be repeated."),
    click.option("--toleration", "tolerations", metavar="KEY[=VALUE][:EFFECT]", multiple=True,
                 help="Taint that the pods tolerate; may be repeated."),
    click.option("--run-as-user", "user", type=click.IntRange(min=1), metavar="NUMBER", default=None,
                 help="User of the pods; default: an unprivileged one, on OpenShift the SCC's."),
)


def helper_pod_options(command: F) -> F:
    """--image and the others; their values come as image, pull_secrets, node_selector, tolerations, user."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


def helper_options(values: Mapping[str, Any]) -> HelperOptions:
    """From the values of helper_pod_options. Raises UsageError."""
    return HelperOptions(
        image=values["image"], pull_secrets=tuple(values["pull_secrets"]),
        node_selector=parse_node_selector(values["node_selector"]),
        tolerations=parse_tolerations(values["tolerations"]), user=values["user"] or 0,
    )
