"""Misbehaviour that a StorageClass or VolumeSnapshotClass switches on through its parameters.

A volume keeps the parameters it was made with. A snapshot has its volume's faults with its own class's laid over them;
filling a volume from a snapshot or a volume goes by the source's faults with the new volume's class's laid over them. A
new fault is a field here with its parameter name, and one use where it bites.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import grpc

from sandbox.csi.refusals import Refusal

ALWAYS = 2**31
_RESERVED = "csi.storage.k8s.io/"


def drop_reserved(parameters: Mapping[str, str]) -> dict[str, str]:
    """A class's parameters without those that the sidecars add about the claim or snapshot."""
    return {name: text for name, text in parameters.items() if not name.startswith(_RESERVED)}


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false is expected")
    return text.lower() == "true"


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 3600:
        raise ValueError("seconds from 0 to 3600 are expected")
    return value


def _count(text: str) -> int:
    return ALWAYS if text == "always" else max(0, int(text))


def _parameter(name: str, read: Callable[[str], Any], default: Any) -> Any:
    return field(default=default, metadata={"parameter": name, "read": read})


@dataclass(frozen=True)
class Faults:
    """What goes wrong. All at their defaults: an honest driver."""

    lose_mtime: bool = _parameter("loseMtime", _flag, False)
    """Restored and cloned files are stamped with the time of the copy."""
    lose_ownership: bool = _parameter("loseOwnership", _flag, False)
    """Restored and cloned files belong to root."""
    empty_restore: bool = _parameter("emptyRestore", _flag, False)
    """A volume made from a source is reported as such, and is empty."""
    share_restore: bool = _parameter("shareRestore", _flag, False)
    """A volume made from a source is the source volume's own directory: a write to one is a write to both."""
    refuse_second_node: bool = _parameter("refuseSecondNode", _flag, False)
    """MULTI_NODE modes are accepted, and publishing on a second node fails all the same."""
    keep_size: bool = _parameter("keepSize", _flag, False)
    """Growing a volume is answered with success, and with the size it had before."""
    fail_expansion: bool = _parameter("failExpansion", _flag, False)
    grow_on_node: bool = _parameter("growOnNode", _flag, False)
    """A node that has the volume mounted must do its part, too, before a volume has grown."""
    fail_node_expansion: bool = _parameter("failNodeExpansion", _flag, False)
    """That part fails; of use with ``growOnNode``."""
    fail_publish: bool = _parameter("failPublish", _flag, False)
    delay: float = _parameter("delay", _seconds, 0.0)
    """Seconds until a snapshot that was cut becomes ready to use."""
    failures: int = _parameter("failures", _count, 0)
    """How many tries of taking a snapshot fail before one works; ``always`` for all of them."""
    snapshots_live: bool = _parameter("snapshotsLive", _flag, False)
    """Snapshots are read file by file while writers go on."""
    clones_live: bool = _parameter("clonesLive", _flag, False)
    """Clones are read file by file while writers go on."""
    copy_seconds: float = _parameter("copySeconds", _seconds, 2.0)
    """How long a live copy is stretched to take, so that writers really get between its files."""

    def overlaid(self, parameters: Mapping[str, str]) -> "Faults":
        """These faults with those of a class's parameters over them.

        An unknown parameter is refused: a misspelt fault would otherwise make a test pass for the wrong reason.
        """
        known = {item.metadata["parameter"]: item for item in fields(self)}
        changes = {}
        for name, text in drop_reserved(parameters).items():
            if name not in known:
                names = ", ".join(sorted(known))
                raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, f"unknown parameter {name!r}; there are: {names}")
            try:
                changes[known[name].name] = known[name].metadata["read"](text)
            except ValueError as error:
                raise Refusal(
                    grpc.StatusCode.INVALID_ARGUMENT, f"parameter {name}={text!r}: {error}"
                ) from error
        return replace(self, **changes)
