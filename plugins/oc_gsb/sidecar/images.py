"""The edit that gives a sidecar another image and nothing else: the record stays, so the way back is exact."""

from __future__ import annotations

import copy

from oc_gsb.sidecar.containers import sidecar_of
from plugin_core.errors import NotReady
from plugin_core.model.manifests import Manifest
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
