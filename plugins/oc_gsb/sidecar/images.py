"""The edits that give a sidecar another image and nothing else: the record stays, so the way back is exact.

The old image is in the record from the patch that replaces it until the new one is proven, so that a run that dies in
between is no loss of it.
"""

from __future__ import annotations

import copy
from dataclasses import replace

from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.record import read_record, record_text
from plugin_core.errors import NotReady
from plugin_core.model.manifests import Manifest
from plugin_core.names import INJECTION_RECORD
from plugin_core.workloads.templates import pod_spec_of


def image_of(workload: Manifest) -> str:
    """The sidecar's image; "" without a sidecar."""
    return str((sidecar_of(pod_spec_of(workload)) or {}).get("image", ""))


def with_image(workload: Manifest, image: str) -> Manifest:
    """A new object that differs in the sidecar's image only. Raises NotReady when it has no sidecar any more."""
    result = copy.deepcopy(workload)
    sidecar = sidecar_of(pod_spec_of(result))
    if sidecar is None:
        raise NotReady("its sidecar was taken out meanwhile")
    sidecar["image"] = image
    return result


def begin_upgrade(workload: Manifest, image: str) -> Manifest:
    """With the new image, and the one to return to in its record. One that is there already, unproven, stays."""
    before, record = image_of(workload), read_record(workload)
    result = with_image(workload, image)
    if record is None or before == image or record.previous_image:
        return result
    return _remember(result, before)


def end_upgrade(workload: Manifest) -> Manifest:
    """The new image is proven: nothing is to be returned to. The template stays as it is, so no pod is replaced."""
    return _remember(copy.deepcopy(workload), "")


def undo_upgrade(workload: Manifest, image: str) -> Manifest:
    """Back to `image`, with nothing to return to any more."""
    return _remember(with_image(workload, image), "")


def _remember(workload: Manifest, image: str) -> Manifest:
    record = read_record(workload)
    if record is not None and record.previous_image != image:
        workload["metadata"]["annotations"][INJECTION_RECORD] = record_text(replace(record, previous_image=image))
    return workload
