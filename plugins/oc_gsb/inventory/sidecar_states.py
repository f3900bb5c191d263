"""What a pod template says about its sidecar, in one word."""

from __future__ import annotations

from enum import Enum

from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.record import Record, has_record, read_record
from plugin_core import errors
from plugin_core.model.manifests import Manifest
from plugin_core.workloads.templates import pod_spec_of


class SidecarState(str, Enum):
    """injected: by oc-gsb, with its record. foreign: by another tool, so without one. held, removing: an injection or
    a removal was interrupted while the workload is at 0 replicas. damaged: a record without its sidecar, or unreadable.
    """

    NONE = "none"
    INJECTED = "injected"
    FOREIGN = "foreign"
    HELD = "held"
    REMOVING = "removing"
    DAMAGED = "damaged"


def state_of(workload: Manifest) -> SidecarState:
    """The state by template and record alone; pods may lag behind."""
    present = sidecar_of(pod_spec_of(workload)) is not None
    if not has_record(workload):
        return SidecarState.FOREIGN if present else SidecarState.NONE
    record = readable_record(workload)
    if record is None:
        return SidecarState.DAMAGED
    if record.removing:
        return SidecarState.REMOVING
    if record.replicas is not None:
        return SidecarState.HELD
    return SidecarState.INJECTED if present else SidecarState.DAMAGED


def readable_record(workload: Manifest) -> Record | None:
    """The record; None when there is none that can be relied on."""
    try:
        return read_record(workload)
    except errors.NotReady:
        return None
