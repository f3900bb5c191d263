"""What inject, uninject and verify are asked to do; each checks itself without a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.kasten import NAMESPACE
from oc_gsb.sidecar.selection import Selection
from plugin_core import errors
from plugin_core.model.quantities import parse_quantity


@dataclass(frozen=True)
class InjectRequest:
    """image: "" for the one Kasten's configuration names. timeout: seconds for each workload's rollout."""

    selection: Selection
    image: str = ""
    cpu: str = "100m"
    memory: str = "256Mi"
    cpu_limit: str = ""
    memory_limit: str = ""
    timeout: float = 600.0
    k10_namespace: str = NAMESPACE

    def __post_init__(self) -> None:
        for field in ("cpu", "memory", "cpu_limit", "memory_limit"):
            value = getattr(self, field)
            try:
                if value:
                    parse_quantity(value)
            except ValueError as error:
                raise errors.UsageError(f"--{field.replace('_', '-')}: {error}") from error
        if self.memory_limit and parse_quantity(self.memory_limit) < parse_quantity(self.memory):
            raise errors.UsageError(f"--memory-limit {self.memory_limit} is less than --memory {self.memory}")

    def options(self, image: str) -> SidecarOptions:
        return SidecarOptions(image=image, cpu=self.cpu, memory=self.memory, cpu_limit=self.cpu_limit,
                              memory_limit=self.memory_limit)


@dataclass(frozen=True)
class UninjectRequest:
    """timeout: seconds for each workload's rollout."""

    selection: Selection
    timeout: float = 600.0


@dataclass(frozen=True)
class VerifyRequest:
    """timeout: seconds for each command run in a sidecar."""

    selection: Selection
    timeout: float = 30.0
