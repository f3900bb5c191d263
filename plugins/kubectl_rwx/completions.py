"""What the parameters of kubectl rwx take, for completion."""

from __future__ import annotations

from kubectl_rwx.protection.quiesce_requests import WORKLOADS
from kubectl_rwx.readiness.needs import NEEDS
from plugin_core.cli.completion import file_names
from plugin_core.cli.completion_names import SHARED, names_of, targets_of, words
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS, VOLUME_SNAPSHOT

_SNAPSHOTS = targets_of(VOLUME_SNAPSHOT, sets=True)

SOURCES = {
    **SHARED,
    "snapshot targets": targets_of(PERSISTENT_VOLUME_CLAIM, *WORKLOADS),
    "clone source": targets_of(PERSISTENT_VOLUME_CLAIM), "prune targets": targets_of(PERSISTENT_VOLUME_CLAIM),
    "thaw targets": targets_of(*WORKLOADS),
    "restore targets": _SNAPSHOTS, "delete targets": _SNAPSHOTS, "describe targets": _SNAPSHOTS,
    "wait targets": targets_of(VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM, sets=True),
    "diagnose targets": targets_of(VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM), "driver_namespace": SHARED["namespace"],
    **dict.fromkeys(("chart", "executable", "files"), file_names),
    "check classes": names_of(STORAGE_CLASS), "access_modes": words("RWX", "RWO", "ROX", "RWOP"),
    "access_mode": words("RWX", "RWO"), "rbac commands": words(*NEEDS),
}
