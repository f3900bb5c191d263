"""The two feature gates that snapshots and clones once hung on: when they came, were on, were locked, and went.

Versions: kubernetes/website content/en/docs/reference/command-line-tools-reference/feature-gates-removed.md, whose "To"
of a GA gate is the release that removed it (kubernetes/kubernetes pkg/features/kube_features.go of 1.21 still has
VolumeSnapshotDataSource, locked, and no longer has VolumePVCDataSource).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

Version = tuple[int, int]


class Stage(str, Enum):
    """absent: the server is older than the gate. locked: on, cannot be turned off. removed: on for good, no gate."""

    ABSENT = "absent"
    ALPHA = "alpha"
    BETA = "beta"
    LOCKED = "locked"
    REMOVED = "removed"


@dataclass(frozen=True)
class Gate:
    """From which version each stage holds. purpose: what is refused while it is off."""

    name: str
    alpha: Version
    beta: Version
    locked: Version
    removed: Version
    purpose: str

    def stage(self, version: Version) -> Stage:
        """The stage in a server of that version."""
        for stage, since in (
            (Stage.REMOVED, self.removed), (Stage.LOCKED, self.locked), (Stage.BETA, self.beta),
            (Stage.ALPHA, self.alpha),
        ):
            if version >= since:
                return stage
        return Stage.ABSENT

    def default(self, version: Version) -> bool:
        """Whether it is on when nobody sets it."""
        return self.stage(version) in (Stage.BETA, Stage.LOCKED, Stage.REMOVED)

    def words(self, version: Version) -> str:
        """What the server's version alone says."""
        return {
            Stage.ABSENT: f"this server is older than the gate ({_text(self.alpha)})",
            Stage.ALPHA: f"alpha: off unless enabled, until {_text(self.beta)}",
            Stage.BETA: f"beta since {_text(self.beta)}: on unless disabled",
            Stage.LOCKED: f"GA since {_text(self.locked)}: locked on",
            Stage.REMOVED: f"always on: the gate was removed in {_text(self.removed)}",
        }[self.stage(version)]


SNAPSHOT_GATE = Gate(
    name="VolumeSnapshotDataSource", alpha=(1, 12), beta=(1, 17), locked=(1, 20), removed=(1, 22),
    purpose="restoring: claims whose dataSource is a VolumeSnapshot",
)
CLONE_GATE = Gate(
    name="VolumePVCDataSource", alpha=(1, 15), beta=(1, 16), locked=(1, 18), removed=(1, 21),
    purpose="cloning: claims whose dataSource is another claim",
)
GATES = (SNAPSHOT_GATE, CLONE_GATE)


def parse_version(text: str) -> Version | None:
    """(1, 16) of "v1.16.4-gke.1"; None when it is no Kubernetes version."""
    match = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(match.group(1)), int(match.group(2))) if match else None


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
