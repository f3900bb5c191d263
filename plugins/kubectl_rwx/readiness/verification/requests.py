"""What `verify` is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from plugin_core import errors
from plugin_core.model.quantities import MEBIBYTE, format_quantity
from plugin_core.workloads.helper_pods import HelperOptions

RWX, RWO = "ReadWriteMany", "ReadWriteOnce"
LEAST = 16 * MEBIBYTE
"""Bytes; the test data are 2 MiB, and a filesystem wants some for itself."""


@dataclass(frozen=True)
class VerifyRequest:
    """storage_class: the class on trial. snapshot_class: "" takes the driver's own.

    size: bytes. patience: seconds for which an error of the driver may last before it counts as its answer.
    """

    storage_class: str
    access_mode: str = RWX
    size: int = 1024 * MEBIBYTE
    snapshot_class: str = ""
    timeout: float = 600.0
    patience: float = 45.0
    clone: bool = True
    expand: bool = False
    keep: bool = False
    keep_on_failure: bool = False
    accept_warnings: bool = False
    record: bool = True
    pods: HelperOptions = field(default_factory=HelperOptions)

    def __post_init__(self) -> None:
        if self.access_mode not in (RWX, RWO):
            raise errors.UsageError(f'"{self.access_mode}" is not an access mode that can be verified',
                                    hint="--access-mode RWX or RWO")
        if self.size < LEAST:
            raise errors.UsageError(f"--size {format_quantity(self.size)} is too small to try anything with",
                                    hint=f"at least {format_quantity(LEAST)}")
        if self.timeout <= 0 or self.patience <= 0:
            raise errors.UsageError("--timeout and --patience must be longer than 0")

    @property
    def shared(self) -> bool:
        return self.access_mode == RWX
