"""kubectl rwx feature-gates: may claims have snapshots and claims as their source, and if not, how to allow it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.readiness.chain_lints import explain_versions
from kubectl_rwx.readiness.gate_evidence import GateObservations, observe_gates
from kubectl_rwx.readiness.gate_history import GATES, Gate, Stage, Version, parse_version
from kubectl_rwx.readiness.gate_recipes import OPENSHIFT, TOOLS, write_recipe
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import SNAPSHOT_GROUP
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Column, Item, Report, Section, column

RELATED = {
    "AnyVolumeDataSource": "claims whose dataSourceRef is any object (volume populators)",
    "CrossNamespaceVolumeDataSource": "claims whose dataSourceRef lies in another namespace",
}
"""Shown where the metric names them: what of the same field a server has beyond the two gates."""


_ALL_OF = {Stage.ALPHA: "AllAlpha", Stage.BETA: "AllBeta"}
"""Gates that stand for every gate of a stage that is not set by name."""


@dataclass(frozen=True)
class GateRequest:
    """recipe: "" means the one that fits, when one is needed."""

    recipe: str = ""


def look_at_gates(cluster: Cluster, request: GateRequest, progress: Progress) -> Answer:
    """The failure is NotReady when a gate is off, or the server is too old to have it."""
    progress.phase("looking at server version, metrics, API server arguments and FeatureGate")
    seen = observe_gates(cluster, snapshot_group=SNAPSHOT_GROUP)
    version = parse_version(seen.server)
    if version is None:
        raise errors.PluginError(
            f'the server calls its version "{seen.server}", which is no Kubernetes version', hint="kubectl version"
        )
    items = [_gate_item(gate, version, seen) for gate in GATES]
    items += [_related_item(name, seen) for name in RELATED if seen.of(name)]
    off = [str(item["name"]) for item in items if item["required"] and not item["enabled"]]
    settable = [gate.name for gate in GATES if gate.name in off and gate.stage(version) in (Stage.ALPHA, Stage.BETA)]
    report = Report(
        kind="FeatureGates", items=tuple(items), columns=_COLUMNS, name=lambda item: str(item["name"]),
        facts={
            "server": seen.server, "enabled": not off, "read": list(seen.read),
            "unseen": [{"request": refusal.request, "words": refusal.words} for refusal in seen.unseen],
        },
        notes=_notes(seen, version, settable, request),
        sections=(
            Section(key="snapshotVersions", title="SNAPSHOT API", items=tuple(_versions(seen)),
                    columns=_VERSION_COLUMNS),
            Section(key="recipes", title="TO ENABLE", items=tuple(_recipes(settable, request, seen)),
                    lines=lambda item: (f"{item['tool']}:", *item["lines"])),
        ),
    )
    return Answer(report=report, failure=_failure(off, settable, version))


def _gate_item(gate: Gate, version: Version, seen: GateObservations) -> Item:
    """A gate that can be set is what the evidence says, else its default; one that cannot is what the version says."""
    stage, found = gate.stage(version), seen.of(gate.name)
    if not found and stage in _ALL_OF:
        found = seen.of(_ALL_OF[stage])
    enabled = gate.default(version)
    if stage in (Stage.ALPHA, Stage.BETA) and found:
        strongest = found[0].source.split()[0]
        enabled = all(item.enabled for item in found if item.source.split()[0] == strongest)
    return {
        "name": gate.name, "stage": stage.value, "enabled": enabled, "required": True, "purpose": gate.purpose,
        "version": gate.words(version),
        "evidence": [{"enabled": item.enabled, "source": item.source} for item in found],
    }


def _related_item(name: str, seen: GateObservations) -> Item:
    found = seen.of(name)
    return {
        "name": name, "stage": None, "enabled": found[0].enabled, "required": False, "purpose": RELATED[name],
        "version": None,
        "evidence": [{"enabled": item.enabled, "source": item.source} for item in found],
    }


def _versions(seen: GateObservations) -> list[Item]:
    return [
        {"version": version, "preferred": number == 0,
         "explanation": (explain_versions((version,)) or ("what this plugin writes" if version == "v1" else "",))[0]}
        for number, version in enumerate(seen.snapshot_versions)
    ]


def _recipes(settable: Sequence[str], request: GateRequest, seen: GateObservations) -> list[Item]:
    if not settable:
        return []
    tools = (request.recipe,) if request.recipe else ((OPENSHIFT,) if seen.openshift else TOOLS)
    return [{"tool": tool, "lines": list(write_recipe(tool, settable))} for tool in tools]


def _notes(
    seen: GateObservations, version: Version, settable: Sequence[str], request: GateRequest
) -> tuple[str, ...]:
    notes = [f"may not be read: {refusal.request} ({refusal.words})" for refusal in seen.unseen]
    if not seen.read and any(gate.stage(version) in (Stage.ALPHA, Stage.BETA) for gate in GATES):
        notes.append("no evidence could be read: what is shown is the default of this version")
    if not seen.snapshot_versions:
        notes.append(f"{SNAPSHOT_GROUP} is not served: the gates alone make no snapshots; see: kubectl rwx check")
    if request.recipe and not settable:
        notes.append(
            f"no recipe for {request.recipe}: nothing is to be enabled on {seen.server}, and a kube-apiserver that is "
            "given a gate it does not know refuses to start"
        )
    return tuple(notes)


def _failure(off: Sequence[str], settable: Sequence[str], version: Version) -> errors.PluginError | None:
    if not off:
        return None
    told = f"{', '.join(off)} {'is' if len(off) == 1 else 'are'} off"
    if settable:
        return errors.NotReady(
            f"{told}: a claim's dataSource is dropped without a word",
            hint="follow the recipe above, or upgrade Kubernetes",
        )
    return errors.NotReady(
        f"{told}: Kubernetes {version[0]}.{version[1]} is too old", hint="upgrade Kubernetes to 1.20 or newer"
    )


def _evidence(item: Item) -> str:
    told = [f"{'on' if entry['enabled'] else 'off'}: {entry['source']}" for entry in item["evidence"]]
    return "; ".join([*([item["version"]] if item["version"] else []), *told])


_COLUMNS = (
    column("GATE", "name"), column("ENABLED", "enabled"), column("STAGE", "stage"), column("FOR", "purpose"),
    Column("EVIDENCE", _evidence),
)
_VERSION_COLUMNS = (column("VERSION", "version"), column("PREFERRED", "preferred"), column("MEANING", "explanation"))
