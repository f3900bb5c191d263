"""What `snapshot` is asked to do, checked without a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubectl_rwx.protection.quiesce_requests import QuiesceRequest
from kubectl_rwx.protection.set_names import LONGEST, is_dns_label
from plugin_core import errors
from plugin_core.model.refs import Target

AUTO, ALWAYS, NEVER = "auto", "always", "never"


@dataclass(frozen=True)
class SnapshotRequest:
    """What the user asked for. Exactly one of named targets, selector and everything says of what.

    workloads: every claim their pods mount. snapshot_class "": by the volume's driver. name "": generated. timeout:
    seconds for everything, waiting included. group: auto, always or never.
    """

    claims: tuple[str, ...] = ()
    selector: str = ""
    everything: bool = False
    snapshot_class: str = ""
    name: str = ""
    timeout: float = 600.0
    wait: bool = True
    workloads: tuple[Target, ...] = ()
    quiesce: QuiesceRequest = field(default_factory=QuiesceRequest)
    group: str = AUTO

    def __post_init__(self) -> None:
        ways = [bool(self.claims or self.workloads), bool(self.selector), self.everything]
        if sum(ways) != 1:
            what = "say what to snapshot" if not any(ways) else "named targets, --selector and --all exclude each other"
            raise errors.UsageError(
                what, hint="name claims (pvc/NAME…) or workloads (deploy/NAME…), or -l LABELS, or --all"
            )
        if self.name and not is_dns_label(self.name):
            raise errors.UsageError(
                f'--name "{self.name}" cannot be the name of a set',
                hint=f"use at most {LONGEST} lower-case letters, digits and dashes, a letter or digit at both ends",
            )
        if self.timeout <= 0:
            raise errors.UsageError("--timeout must be longer than 0", hint="not to wait at all: --no-wait")
