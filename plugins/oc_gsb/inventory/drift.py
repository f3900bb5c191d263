"""What keeps a sidecar from doing its work, or is no longer as it should be. Pure, on objects already read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from oc_gsb.inventory.sidecar_states import SidecarState, readable_record, state_of
from oc_gsb.scc import SIDECAR_CAPABILITIES, missing_for_sidecar
from oc_gsb.sidecar.asked import no_longer_as_asked
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.keepers import find_keepers
from oc_gsb.sidecar.mounting import plan_mounts
from oc_gsb.sidecar.template import MARK, remove_sidecar
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of, part_of
from plugin_core.names import FORCE_GENERIC_BACKUP, POD_SCC, SIDECAR_CONTAINER
from plugin_core.workloads.pods import WorkloadPods, is_ready
from plugin_core.workloads.templates import pod_spec_of, replicas_of


@dataclass(frozen=True)
class Expected:
    """image: Kasten's sidecar image, "" when not known. sccs: by name; None where SCCs cannot be judged.

    oldest_backup: seconds; 0 for no limit.
    """

    image: str = ""
    sccs: Mapping[str, Manifest] | None = None
    oldest_backup: float = 0.0


@dataclass(frozen=True)
class Finding:
    """check: image, capabilities, scc, annotation, claims, options, record, pods or backup. fix: the next command."""

    check: str
    words: str
    fix: str = ""

    def as_item(self) -> dict[str, Any]:
        return {"check": self.check, "message": self.words, "fix": self.fix or None}


def find_drift(
    workload: Manifest, pods: WorkloadPods, expected: Expected, *, last_backup: str | None
) -> tuple[Finding, ...]:
    """Every deviation; () when the sidecar is as Kasten needs it. last_backup: None for never; "" for not known."""
    target = f"{str(workload['kind']).lower()}/{name_of(workload)} -n {namespace_of(workload)}"
    state = state_of(workload)
    return tuple((
        *_record(state, target), *_template(workload, expected, target, state),
        *_pods(workload, pods, expected, target), *_backup(expected, last_backup),
    ))


def _record(state: SidecarState, target: str) -> Iterator[Finding]:
    if state is SidecarState.NONE:
        yield Finding("sidecar", "it is marked for generic backup, but has no sidecar", f"oc gsb inject {target}")
    elif state in (SidecarState.HELD, SidecarState.REMOVING):
        verb = "inject" if state is SidecarState.HELD else "uninject"
        yield Finding("record", f"an interrupted {verb} left it at 0 replicas", f"oc gsb {verb} {target}")
    elif state is SidecarState.DAMAGED:
        yield Finding("record", "its record cannot be relied on, or its sidecar was taken out by hand",
                      f"oc gsb uninject {target}")


def _template(workload: Manifest, expected: Expected, target: str, state: SidecarState) -> Iterator[Finding]:
    sidecar = sidecar_of(pod_spec_of(workload))
    if sidecar is None:
        return
    image = str(sidecar.get("image", ""))
    if expected.image and image != expected.image:
        fix = _foreign(workload, target) if state is SidecarState.FOREIGN else f"oc gsb upgrade {target}"
        yield Finding("image", f"{image}, expected {expected.image}", fix)
    asked = part_of(sidecar, "securityContext", "capabilities", "add") or []
    lacks = [name for name in SIDECAR_CAPABILITIES if name not in asked]
    if lacks:
        yield Finding("capabilities", f"it does not ask for {', '.join(lacks)}", _again(workload, target, state))
    mark = annotations_of(workload).get(FORCE_GENERIC_BACKUP)
    if mark != MARK:
        yield Finding("annotation", f"{FORCE_GENERIC_BACKUP} is {mark or 'not set'}, not {MARK}: Kasten passes it over",
                      f"kubectl annotate --overwrite {target} {FORCE_GENERIC_BACKUP}={MARK}")
    mounted = {str(mount.get("name")) for mount in sidecar.get("volumeMounts") or []}
    missing = [one.volume for one in plan_mounts(_plain(workload)).mounts if one.volume not in mounted]
    if missing:
        yield Finding("claims", f"volume {', '.join(missing)} is not mounted in the sidecar",
                      _again(workload, target, state))
    record = readable_record(workload)
    if record is None:
        return
    for words in no_longer_as_asked(workload, record):
        yield Finding("options", words, _again(workload, target, state))
    if record.previous_image:
        yield Finding("record", f"an interrupted upgrade from {record.previous_image} was never proven",
                      f"oc gsb upgrade {target}")


def _plain(workload: Manifest) -> Manifest:
    """Without the sidecar, whoever put it there, so that only the application's own mounts count."""
    record = readable_record(workload)
    if record is not None:
        return remove_sidecar(workload, record).workload
    spec = pod_spec_of(workload)
    containers = [one for one in spec.get("containers") or [] if one.get("name") != SIDECAR_CONTAINER]
    template = {**workload["spec"]["template"], "spec": {**spec, "containers": containers}}
    return {**workload, "spec": {**workload["spec"], "template": template}}


def _again(workload: Manifest, target: str, state: SidecarState) -> str:
    if state is SidecarState.FOREIGN:
        return _foreign(workload, target)
    return f"oc gsb uninject {target}, then oc gsb inject {target}"


def _foreign(workload: Manifest, target: str) -> str:
    """What mends a sidecar without a record: where it is kept by somebody else, or by taking it over."""
    keepers = find_keepers(workload)
    if keepers:
        return f"where {keepers[0].name} takes it from, by: oc gsb render {target} --only patch"
    return f"oc gsb inject {target}, which takes it over"


def _pods(workload: Manifest, pods: WorkloadPods, expected: Expected, target: str) -> Iterator[Finding]:
    wanted = replicas_of(workload)
    if not wanted or sidecar_of(pod_spec_of(workload)) is None:
        return
    ready = sum(is_ready(pod) for pod in pods.newest)
    if ready < wanted:
        yield Finding("pods", f"{ready} of {wanted} pods of its newest template are ready", f"oc gsb verify {target}")
    if expected.sccs is None:
        return
    for name in sorted({annotations_of(pod).get(POD_SCC, "") for pod in pods.newest} - {""}):
        scc = expected.sccs.get(name)
        if scc is None:
            yield Finding("scc", f"SCC {name} of its pods exists no more: no new pod would start", "oc gsb scc plan "
                          + target)
        elif missing_for_sidecar(scc):
            yield Finding("scc", f"SCC {name} of its pods does not allow {', '.join(missing_for_sidecar(scc))}",
                          f"oc gsb scc plan {target}")


def _backup(expected: Expected, last: str | None) -> Iterator[Finding]:
    if not expected.oldest_backup or last == "":
        return
    if last is None:
        yield Finding("backup", "its namespace was never backed up")
    elif seconds_since(last) > expected.oldest_backup:
        yield Finding("backup", f"its namespace was last backed up {format_duration(int(seconds_since(last)))} ago")
