"""A sidecar that another tool put in: the workload without it, and what that tool's own removal leaves behind.

k10tools k10genericbackup adds the container, three emptyDirs and the annotation; its uninject takes the container out
and leaves the emptyDirs (README of michaelcourcy/kasten-gvs-injector). Kasten's webhook adds the same. Neither records
what was there before. Pure: arguments are never changed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

from oc_gsb.sidecar.containers import KOPIA_VOLUMES, sidecar_of
from oc_gsb.sidecar.record import has_record
from plugin_core.model.manifests import Manifest, annotations_of
from plugin_core.names import FORCE_GENERIC_BACKUP, SIDECAR_CONTAINER
from plugin_core.workloads.templates import pod_spec_of

MARK = "true"
"""The value Kasten looks for in FORCE_GENERIC_BACKUP."""


def is_foreign(workload: Manifest) -> bool:
    """Whether it has a sidecar, and no record of ours."""
    return not has_record(workload) and sidecar_of(pod_spec_of(workload)) is not None


def leftovers(workload: Manifest) -> tuple[str, ...]:
    """The kopia emptyDirs that no container but the sidecar mounts; () when there are none."""
    spec = pod_spec_of(workload)
    used = {mount.get("name") for container in _all(spec) if container.get("name") != SIDECAR_CONTAINER
            for mount in container.get("volumeMounts") or []}
    return tuple(str(volume["name"]) for volume in spec.get("volumes") or []
                 if volume.get("name") in KOPIA_VOLUMES and "emptyDir" in volume and volume["name"] not in used)


def without_foreign(workload: Manifest) -> Manifest:
    """As it most likely was: no sidecar, none of its emptyDirs, and not marked for Kasten.

    A mark with another value than the tools set, or without a sidecar, is its owner's and stays.
    """
    result = copy.deepcopy(workload)
    spec, gone = pod_spec_of(result), leftovers(workload)
    for key in ("containers", "initContainers"):
        if key in spec:
            kept = [one for one in spec[key] if one.get("name") != SIDECAR_CONTAINER]
            if kept or key == "containers":
                spec[key] = kept
            else:
                del spec[key]
    if gone:
        spec["volumes"] = [one for one in spec["volumes"] if one.get("name") not in gone]
        if not spec["volumes"]:
            del spec["volumes"]
    if is_foreign(workload) and annotations_of(result).get(FORCE_GENERIC_BACKUP) == MARK:
        del result["metadata"]["annotations"][FORCE_GENERIC_BACKUP]
        if not result["metadata"]["annotations"]:
            del result["metadata"]["annotations"]
    return result


def _all(spec: Manifest) -> Iterator[Manifest]:
    for key in ("containers", "initContainers"):
        yield from spec.get(key) or []
