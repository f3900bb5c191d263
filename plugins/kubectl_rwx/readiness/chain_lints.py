"""Findings about the links every snapshot needs: the API with its CRDs, and the snapshot-controller."""

from __future__ import annotations

import json
from collections.abc import Iterator

from kubectl_rwx.diagnosis.leases import Life
from kubectl_rwx.diagnosis.snapshot_controllers import Controller
from kubectl_rwx.readiness.findings import Finding, Severity
from kubectl_rwx.readiness.observations import SNAPSHOT_KINDS, Observations
from plugin_core.model.kinds import SNAPSHOT_GROUP
from plugin_core.model.manifests import part_of

OLD_VERSIONS = {
    "v1alpha1": "the first snapshot API (external-snapshotter 1.x, Kubernetes 1.12 to 1.16); nothing reads it since "
                "2.0, and its objects cannot be converted",
    "v1beta1": "the API of external-snapshotter 2.x to 5.x (Kubernetes 1.17 to 1.19); no longer served since 6.0",
}
"""external-snapshotter CHANGELOG-2.0, CHANGELOG-4.1 and CHANGELOG-6.0."""

SETUP = "kubectl rwx setup snapshots"
UPGRADE = f"{SETUP} --upgrade"
"""Without the flag, setup leaves what is there and works."""


def lint_chain(seen: Observations, controller: Controller) -> Iterator[Finding]:
    """In the order of the chain."""
    yield from _lint_api(seen)
    yield from _lint_definitions(seen, controller)
    yield from _lint_controller(seen, controller)
    for refusal in seen.unseen:
        yield Finding(
            Severity.NOTE, "unseen", refusal.request, refusal.words,
            "what depends on it is judged without it, or not at all",
            f"kubectl auth can-i {refusal.request} --all-namespaces",
        )


def explain_versions(versions: tuple[str, ...]) -> tuple[str, ...]:
    """A sentence for each old version among those served."""
    return tuple(f"{version} is {OLD_VERSIONS[version]}" for version in versions if version in OLD_VERSIONS)


def _lint_api(seen: Observations) -> Iterator[Finding]:
    served = tuple(seen.snapshot_versions)
    if not served:
        yield Finding(
            Severity.FAIL, "snapshot-api-absent", SNAPSHOT_GROUP, "the API is not served: its CRDs are not installed",
            "without it no snapshot can even be asked for", SETUP,
        )
    elif not seen.api_served:
        yield Finding(
            Severity.FAIL, "snapshot-api-old", SNAPSHOT_GROUP,
            f"served in {', '.join(served)} only, not in v1: {'; '.join(explain_versions(served))}",
            "snapshots are written as v1 only; upgrade CRDs and controller together", UPGRADE,
        )
    elif explain_versions(served):
        yield Finding(
            Severity.NOTE, "snapshot-api-old-too", SNAPSHOT_GROUP, "; ".join(explain_versions(served)),
            "v1 is served beside it, and only v1 is used here",
        )


def _lint_definitions(seen: Observations, controller: Controller) -> Iterator[Finding]:
    if not seen.definitions:
        return
    absent = [kind.resource for kind in SNAPSHOT_KINDS if kind.resource not in seen.definitions]
    if absent:
        yield Finding(
            Severity.FAIL, "crd-missing", f"customresourcedefinition/{absent[0]}",
            f"not installed: {', '.join(absent)}",
            "the snapshot-controller waits for all three and gives up", SETUP,
        )
    for name, definition in seen.definitions.items():
        stored = part_of(definition, "status", "storedVersions") or []
        old = [version for version in stored if version in OLD_VERSIONS]
        if old:
            yield Finding(
                Severity.WARN, "crd-stored-version", f"customresourcedefinition/{name}",
                f"objects may still be stored as {', '.join(old)}",
                "CRDs of a newer release are refused while an old version is listed in status.storedVersions; the "
                "command has all objects stored anew (none has the annotation it takes away), and unlists it",
                f"kubectl annotate {name} --all -A stored-anew- && "
                f"kubectl patch customresourcedefinition {name} "
                """--subresource=status --type=merge -p '{"status":{"storedVersions":["v1"]}}'""",
            )
    major = int(controller.version.partition(".")[0] or 0)
    if major >= 8 and "volumesnapshots." + SNAPSHOT_GROUP in seen.definitions:
        schema = json.dumps(seen.definitions["volumesnapshots." + SNAPSHOT_GROUP].get("spec", {}))
        if "x-kubernetes-validations" not in schema:
            yield Finding(
                Severity.WARN, "crd-older-than-controller",
                f"customresourcedefinition/volumesnapshots.{SNAPSHOT_GROUP}",
                "its schema has no validation rules, so it is older than 8.0; the snapshot-controller is "
                f"{controller.version}",
                "since 8.0 those rules replace the validation webhook: without both, invalid snapshots hang",
                UPGRADE,
            )


def _lint_controller(seen: Observations, controller: Controller) -> Iterator[Finding]:
    if controller.life is Life.STOPPED:
        yield Finding(
            Severity.FAIL, "controller-stopped", "snapshot-controller", controller.observed,
            "nobody answers a VolumeSnapshot: it stays unready for ever, without an event",
            f"kubectl -n {controller.where.replace('/', ' get deployment ')}" if controller.where else SETUP,
        )
    elif controller.life is Life.UNSEEN and seen.api_served:
        yield Finding(
            Severity.NOTE if controller.worked else Severity.WARN, "controller-unseen", "snapshot-controller",
            controller.observed,
            "managed clusters may run it out of sight; if there is none, VolumeSnapshots stay unready for ever",
            "kubectl rwx verify CLASS",
        )
    names = {part_of(item, "metadata", "namespace") for item in seen.controllers or ()}
    if len(names) > 1:
        yield Finding(
            Severity.WARN, "controller-twice", "snapshot-controller",
            f"installed in {', '.join(sorted(map(str, names)))}",
            "one cluster needs one; two of different versions work against each other",
            "kubectl get deployments -A | grep snapshot-controller",
        )
    numbers = [int(part) for part in controller.version.split(".")[:2] if part]
    if len(numbers) == 2 and numbers < [8, 6]:
        yield Finding(
            Severity.NOTE, "controller-old", "snapshot-controller", f"version {controller.version}",
            "8.6 mended deletions that hang while a claim is restored, and deletions during creation "
            "(external-snapshotter 1394 and 1392)", UPGRADE,
        )
