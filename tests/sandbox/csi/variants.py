"""The drivers the sandbox offers, as data: what each can do and how it misbehaves from the start.

Nothing else in this package asks for a variant by name; a new one is a new line here.
"""

from dataclasses import dataclass, field
from typing import Literal

from sandbox.csi.faults import ALWAYS, Faults

MEBIBYTE = 1024**2

SnapshotSize = Literal["capacity", "data", "archive"]
"""What ``size_bytes`` of a snapshot means: the source's capacity, the bytes in its files, or the packed archive."""


@dataclass(frozen=True)
class Variant:
    """One kind of storage behind one driver name."""

    name: str
    many_nodes: bool = True
    """ReadWriteMany and ReadOnlyMany are offered; else MULTI_NODE modes and a second node are refused."""
    snapshots: bool = True
    clones: bool = True
    groups: bool = False
    expands: bool = False
    """Volumes grow while they are in use."""
    keeps_capacity: bool = False
    """A volume must not be smaller than what it is made from, nor than ``minimum_bytes``."""
    minimum_bytes: int = 0
    snapshot_size: SnapshotSize = "data"
    faults: Faults = field(default_factory=Faults)
    """Built-in misbehaviour; class parameters are laid over it."""


_ALL = (
    Variant("shared", groups=True, expands=True),
    Variant("block", many_nodes=False, clones=False, snapshot_size="capacity"),
    Variant("nosnap", snapshots=False, clones=False),
    # As csi-driver-nfs does: a tar of the live directory, stamped when it is finished, and its packed size reported.
    Variant("fuzzy", snapshot_size="archive", faults=Faults(snapshots_live=True, clones_live=True)),
    Variant("slow", faults=Faults(delay=20.0)),
    Variant("failing", faults=Faults(failures=ALWAYS)),
    # The same storage as shared: only its StorageClass differs (WaitForFirstConsumer).
    Variant("late", groups=True),
    Variant("sized", keeps_capacity=True, minimum_bytes=MEBIBYTE, snapshot_size="capacity"),
)
VARIANTS = {variant.name: variant for variant in _ALL}
