"""The edit of a workload, and its exact inverse. Pure: the argument is never changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

from oc_gsb.sidecar.adoption import MARK, is_foreign, leftovers, without_foreign
from oc_gsb.sidecar.containers import (
    SidecarOptions,
    completed,
    own_volumes,
    sidecar_container,
    sidecar_of,
    sidecar_volumes,
)
from oc_gsb.sidecar.mounting import plan_mounts
from oc_gsb.sidecar.record import Record, options_text, read_record, record_text
from plugin_core.model.manifests import Manifest, annotations_of
from plugin_core.names import FORCE_GENERIC_BACKUP, INJECTION_RECORD, REQUIRED_SCC, SIDECAR_CONTAINER
from plugin_core.workloads.templates import pod_spec_of, replicas_of, template_of

__all__ = ["MARK", "Removal", "add_sidecar", "hold_at_zero", "hold_removal", "release", "remove_sidecar"]


@dataclass(frozen=True)
class Removal:
    """workload: without the sidecar. exact: its template is what it was before the injection.

    kept: what others changed since and was therefore left as it is, in words.
    """

    workload: Manifest
    exact: bool
    kept: tuple[str, ...] = ()


def add_sidecar(
    workload: Manifest, *, options: SidecarOptions, scc: str = "", pin: bool = False, run: str = "",
    user: int | None = None,
) -> Manifest:
    """The workload with sidecar, volumes, mounts, annotation and record; equal to it when it has a record already.

    Another tool's sidecar is kept and completed; the record then holds the template without it. scc: what its pods are
    to be admitted by, for the record. pin: its template requires one SCC and must require this one instead. run: for
    the record. user: whom the sidecar runs as; None for whom admission or its image says. The workload must have no
    problems by plan_mounts.
    """
    if read_record(workload) is not None:
        return copy.deepcopy(workload)
    foreign = is_foreign(workload)
    plain = without_foreign(workload) if foreign or leftovers(workload) else workload
    before, annotations = template_of(plain), annotations_of(plain)
    record = Record(
        template=copy.deepcopy(before),
        volumes=own_volumes(options),
        had_annotations="annotations" in plain.get("metadata", {}),
        backup_annotation=annotations.get(FORCE_GENERIC_BACKUP),
        required_scc=annotations_of(before).get(REQUIRED_SCC), scc=scc, pinned=pin, run=run,
        pull_secrets=_missing_secrets(before, options), options=options_text(options), adopted=foreign,
    )
    result = copy.deepcopy(workload)
    _put_in(pod_spec_of(result), plain, options, foreign=foreign, pull_secrets=record.pull_secrets)
    if user is not None:
        sidecar = sidecar_of(pod_spec_of(result))
        assert sidecar is not None
        sidecar["securityContext"].setdefault("runAsUser", user)
    if pin:
        result["spec"]["template"]["metadata"]["annotations"][REQUIRED_SCC] = scc
    _annotate(result, {FORCE_GENERIC_BACKUP: MARK, INJECTION_RECORD: record_text(record)})
    return result


def _put_in(
    spec: Manifest, plain: Manifest, options: SidecarOptions, *, foreign: bool, pull_secrets: tuple[str, ...]
) -> None:
    mounts = plan_mounts(plain).mounts
    if foreign:
        there = sidecar_of(spec)
        assert there is not None
        there.update(completed(there, options, mounts))
    else:
        spec["containers"] = [*spec["containers"], sidecar_container(options, mounts)]
    volumes = spec.get("volumes") or []
    names = {volume.get("name") for volume in volumes}
    spec["volumes"] = [*volumes, *(one for one in sidecar_volumes(options) if one["name"] not in names)]
    if pull_secrets:
        spec["imagePullSecrets"] = [*(spec.get("imagePullSecrets") or []), *({"name": one} for one in pull_secrets)]


def _missing_secrets(template: Manifest, options: SidecarOptions) -> tuple[str, ...]:
    there = {one.get("name") for one in (template.get("spec") or {}).get("imagePullSecrets") or []}
    return tuple(dict.fromkeys(one for one in options.pull_secrets if one not in there))


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
    _take_out(spec, original, "initContainers", lambda one: one.get("name") == SIDECAR_CONTAINER)
    # one of the application's own stays, though a sidecar of an earlier version may have mounted it as its own
    own = {one.get("name") for one in original.get("volumes") or []}
    _take_out(spec, original, "volumes", lambda one: one.get("name") in record.volumes and one.get("name") not in own)
    _take_out(spec, original, "imagePullSecrets", lambda one: one.get("name") in record.pull_secrets)
    if record.pinned and annotations_of(result).get(REQUIRED_SCC) == record.scc and record.required_scc is not None:
        result["metadata"]["annotations"][REQUIRED_SCC] = record.required_scc
    return result


def _take_out(spec: Manifest, original: Manifest, key: str, ours: Callable[[Manifest], bool]) -> None:
    """Our items of a list; a list that is empty then is absent again where it was absent."""
    if key not in spec:
        return
    left = [one for one in spec[key] or [] if not ours(one)]
    if left or original.get(key):
        spec[key] = left
    elif key in original:
        spec[key] = original[key]
    else:
        del spec[key]
