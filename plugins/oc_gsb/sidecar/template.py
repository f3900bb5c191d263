"""The edit of a workload, and its exact inverse. Pure: the argument is never changed."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

from oc_gsb.sidecar.containers import KOPIA_VOLUMES, SidecarOptions, kopia_volumes, sidecar_container
from oc_gsb.sidecar.mounting import plan_mounts
from oc_gsb.sidecar.record import Record, read_record, record_text
from plugin_core.model.manifests import Manifest, annotations_of
from plugin_core.names import FORCE_GENERIC_BACKUP, INJECTION_RECORD, REQUIRED_SCC, SIDECAR_CONTAINER
from plugin_core.workloads.templates import replicas_of, template_of

MARK = "true"
"""The value Kasten looks for in FORCE_GENERIC_BACKUP."""


@dataclass(frozen=True)
class Removal:
    """workload: without the sidecar. exact: its template is what it was before the injection.

    kept: what others changed since and was therefore left as it is, in words.
    """

    workload: Manifest
    exact: bool
    kept: tuple[str, ...] = ()


def add_sidecar(
    workload: Manifest, *, options: SidecarOptions, scc: str = "", pin: bool = False, run: str = ""
) -> Manifest:
    """The workload with sidecar, volumes, mounts, annotation and record; equal to it when it has a record already.

    scc: what its pods are to be admitted by, for the record. pin: its template requires one SCC and must require this
    one instead. run: for the record. The workload must have no problems by plan_mounts and no sidecar of anyone else's.
    """
    result = copy.deepcopy(workload)
    if read_record(workload) is not None:
        return result
    before = template_of(workload)
    annotations = annotations_of(workload)
    record = Record(
        template=copy.deepcopy(before), volumes=tuple(KOPIA_VOLUMES),
        had_annotations="annotations" in workload.get("metadata", {}),
        backup_annotation=annotations.get(FORCE_GENERIC_BACKUP),
        required_scc=annotations_of(before).get(REQUIRED_SCC), scc=scc, pinned=pin, run=run,
    )
    template = result["spec"]["template"]
    spec = template["spec"]
    spec["containers"] = [*spec["containers"], sidecar_container(options, plan_mounts(workload).mounts)]
    spec["volumes"] = [*(spec.get("volumes") or []), *kopia_volumes()]
    if pin:
        template["metadata"]["annotations"][REQUIRED_SCC] = scc
    _annotate(result, {FORCE_GENERIC_BACKUP: MARK, INJECTION_RECORD: record_text(record)})
    return result


def remove_sidecar(workload: Manifest, record: Record) -> Removal:
    """The workload as it was before the injection, except for what others changed since: that is kept and named."""
    result = copy.deepcopy(workload)
    kept: list[str] = []
    template = _without_additions(template_of(workload), record)
    exact = template == record.template
    if not exact:
        kept.append("its pod template was changed by others since the injection; their changes were kept")
    result["spec"]["template"] = copy.deepcopy(record.template) if exact else template
    annotations = result["metadata"]["annotations"]
    if annotations.get(FORCE_GENERIC_BACKUP) == MARK:
        del annotations[FORCE_GENERIC_BACKUP]
        if record.backup_annotation is not None:
            annotations[FORCE_GENERIC_BACKUP] = record.backup_annotation
    elif annotations.get(FORCE_GENERIC_BACKUP) != record.backup_annotation:
        kept.append(f"the annotation {FORCE_GENERIC_BACKUP} was changed by others since; it was kept")
    annotations.pop(INJECTION_RECORD, None)
    if not annotations and not record.had_annotations:
        del result["metadata"]["annotations"]
    return Removal(workload=result, exact=exact, kept=tuple(kept))


def hold_at_zero(workload: Manifest, record: Record) -> Manifest:
    """The workload at zero replicas, the count to return to kept in its record; a held one keeps its count."""
    replicas = replicas_of(workload) or record.replicas or 0
    result = _with_record(workload, replace(record, replicas=replicas))
    result["spec"]["replicas"] = 0
    return result


def hold_removal(workload: Manifest, record: Record) -> Manifest:
    """Without the sidecar and at zero replicas; the record stays until release, marked as being undone."""
    bare = remove_sidecar(workload, record).workload
    return hold_at_zero(bare, replace(record, removing=True))


def release(workload: Manifest) -> Manifest:
    """The workload back at the replicas its record keeps; one that was being undone loses its record with it."""
    record = read_record(workload)
    if record is None or record.replicas is None:
        return copy.deepcopy(workload)
    result = _with_record(workload, replace(record, replicas=None))
    # someone who scaled it meanwhile meant it
    if result["spec"].get("replicas") == 0:
        result["spec"]["replicas"] = record.replicas
    return _forget(result, record) if record.removing else result


def _forget(workload: Manifest, record: Record) -> Manifest:
    annotations = workload["metadata"]["annotations"]
    annotations.pop(INJECTION_RECORD, None)
    if not annotations and not record.had_annotations:
        del workload["metadata"]["annotations"]
    return workload


def _with_record(workload: Manifest, record: Record) -> Manifest:
    result = copy.deepcopy(workload)
    _annotate(result, {INJECTION_RECORD: record_text(record)})
    return result


def _annotate(workload: Manifest, values: dict[str, str]) -> None:
    metadata = workload.setdefault("metadata", {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **values}


def _without_additions(template: Manifest, record: Record) -> Manifest:
    result = copy.deepcopy(template)
    spec, original = result.get("spec") or {}, record.template.get("spec") or {}
    spec["containers"] = [one for one in spec.get("containers") or [] if one.get("name") != SIDECAR_CONTAINER]
    volumes = [one for one in spec.get("volumes") or [] if one.get("name") not in record.volumes]
    if volumes or original.get("volumes"):
        spec["volumes"] = volumes
    elif "volumes" in original:
        spec["volumes"] = original["volumes"]
    else:
        spec.pop("volumes", None)
    if record.pinned and annotations_of(result).get(REQUIRED_SCC) == record.scc and record.required_scc is not None:
        result["metadata"]["annotations"][REQUIRED_SCC] = record.required_scc
    return result
