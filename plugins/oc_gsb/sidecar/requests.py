"""What inject, uninject, upgrade and verify are asked to do; each checks itself without a cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from oc_gsb.sidecar.containers import CACHE_LIMIT, SidecarOptions
from oc_gsb.sidecar.kasten import NAMESPACE
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.side_by_side import MOST, PARALLEL
from plugin_core import errors
from plugin_core.model.quantities import parse_amount, parse_quantity

_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class InjectRequest:
    """image: "" for the one Kasten's configuration names. timeout: seconds for each workload's rollout.

    env: NAME=VALUE words. parallel: workloads at a time. force: go on although somebody keeps a workload as it is.
    try_image: pull it in a pod of ours first.
    """

    selection: Selection
    image: str = ""
    cpu: str = "100m"
    memory: str = "256Mi"
    cpu_limit: str = ""
    memory_limit: str = ""
    timeout: float = 600.0
    k10_namespace: str = NAMESPACE
    env: tuple[str, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    cache_size: str = CACHE_LIMIT
    ca_configmap: str = ""
    parallel: int = PARALLEL
    force: bool = False
    try_image: bool = True

    def __post_init__(self) -> None:
        for field in ("cpu", "memory", "cpu_limit", "memory_limit", "cache_size"):
            value = getattr(self, field)
            try:
                if value and parse_quantity(value) <= 0:
                    raise ValueError(f'"{value}" is nothing')
            except ValueError as error:
                raise errors.UsageError(f"--{field.replace('_', '-')}: {error}") from error
        for limit, amount in (("memory_limit", "memory"), ("cpu_limit", "cpu")):
            most, least = getattr(self, limit), getattr(self, amount)
            if most and parse_amount(most) < parse_amount(least):
                raise errors.UsageError(f"--{limit.replace('_', '-')} {most} is less than --{amount} {least}")
        for flag, names in (("--pull-secret", self.pull_secrets), ("--ca-configmap", (self.ca_configmap,))):
            for name in names:
                if name and not _NAME.fullmatch(name):
                    raise errors.UsageError(f'{flag}: "{name}" is not a name an object can have')
        parse_env(self.env)
        check_parallel(self.parallel)

    def options(self, image: str) -> SidecarOptions:
        return SidecarOptions(
            image=image, cpu=self.cpu, memory=self.memory, cpu_limit=self.cpu_limit, memory_limit=self.memory_limit,
            env=parse_env(self.env), pull_secrets=tuple(dict.fromkeys(self.pull_secrets)), cache_size=self.cache_size,
            ca_configmap=self.ca_configmap, own_image=bool(self.image),
        )


@dataclass(frozen=True)
class UninjectRequest:
    """timeout: seconds for each workload's rollout. parallel: workloads at a time."""

    selection: Selection
    timeout: float = 600.0
    parallel: int = PARALLEL

    def __post_init__(self) -> None:
        check_parallel(self.parallel)


@dataclass(frozen=True)
class UpgradeRequest:
    """image: "" for the one Kasten's configuration names. timeout: seconds for each workload's rollout.

    parallel and try_image: as of InjectRequest.
    """

    selection: Selection
    image: str = ""
    timeout: float = 600.0
    k10_namespace: str = NAMESPACE
    parallel: int = PARALLEL
    try_image: bool = True

    def __post_init__(self) -> None:
        check_parallel(self.parallel)


@dataclass(frozen=True)
class VerifyRequest:
    """timeout: seconds for each command run in a sidecar. k10_namespace: where Kasten's version is looked up; "" when
    it is not asked for."""

    selection: Selection
    timeout: float = 30.0
    k10_namespace: str = ""


def parse_env(words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """NAME=VALUE words as pairs; a value may be empty. Raises UsageError."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not _VARIABLE.fullmatch(name):
            raise errors.UsageError(f'--env: "{word}" is not NAME=VALUE',
                                    hint="for example: --env HTTPS_PROXY=proxy:3128")
        if name in found:
            raise errors.UsageError(f"--env: {name} is given twice")
        found[name] = value
    return tuple(found.items())


def check_parallel(parallel: int) -> None:
    """Raises UsageError for what is no sensible number of workloads at a time."""
    if not 1 <= parallel <= MOST:
        raise errors.UsageError(f"--parallel {parallel} is not between 1 and {MOST}")
