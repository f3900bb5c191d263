"""What becomes of each object: planned by looking, rehearsed on the server, then applied in order.

Every write is a server-side apply of exactly what is wanted, so it may be sent twice and a second run goes on where the
first one stopped. What somebody else manages is never written.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from kubectl_rwx.installation.comparisons import holds, is_older, same
from kubectl_rwx.installation.ownership import is_ours, manager_of, writers_of
from kubectl_rwx.protection.rights import Right, require_rights
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster, DryRun
from plugin_core.model.kinds import Kind, find_kind
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of
from plugin_core.model.progress import Progress


class Change(str, Enum):
    """left alone: somebody else's, or newer. older: works, and would be replaced with --upgrade."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    LEFT = "left alone"
    OLDER = "older"
    DELETED = "deleted"


WRITES = (Change.CREATED, Change.CONFIGURED)


@dataclass(frozen=True)
class Step:
    """manifest: what is applied; for a deletion, what is deleted. reason: why, in observed words; "" when plain."""

    manifest: Manifest
    change: Change
    reason: str = ""

    @property
    def kind(self) -> Kind:
        return kind_of(self.manifest)

    @property
    def name(self) -> str:
        return f"{self.manifest['kind'].lower()}/{name_of(self.manifest)}"

    @property
    def writes(self) -> bool:
        return self.change in WRITES


def kind_of(manifest: Manifest) -> Kind:
    """Raises UsageError for a kind that setup does not install."""
    kind = find_kind(str(manifest["apiVersion"]), str(manifest["kind"]))
    if kind is None:
        raise errors.UsageError(f"setup does not install {manifest['apiVersion']} {manifest['kind']}")
    return kind


def read(cluster: Cluster, manifest: Manifest) -> Manifest | None:
    """The object of that kind and name as it is now; None when it is not there."""
    try:
        return cluster.get(kind_of(manifest), name_of(manifest), namespace=namespace_of(manifest) or None)
    except errors.NotFound:
        return None


def plan_step(cluster: Cluster, wanted: Manifest, *, upgrade: bool = False) -> Step:
    """What to do about one object, by who made the one that is there and of which release it is.

    upgrade: also replace older ones, and ones of nobody's that differ; those do not become ours.
    """
    there = read(cluster, wanted)
    if there is None:
        return Step(wanted, Change.CREATED)
    manager = manager_of(there)
    if manager:
        return Step(there, Change.LEFT, f"managed by {manager}")
    version = annotations_of(wanted).get(names.SETUP_VERSION, "")
    if not is_ours(there):
        plain = unmarked(wanted)
        if holds(there, plain):
            return Step(there, Change.UNCHANGED, "as wanted; not installed by setup")
        if upgrade:
            return Step(plain, Change.CONFIGURED, f"written by {writers_of(there)}")
        return Step(there, Change.LEFT, f"written by {writers_of(there)}, and not as in {version or 'what is wanted'}; "
                                        "--upgrade replaces it")
    installed = annotations_of(there).get(names.SETUP_VERSION, "")
    if is_older(version, installed):
        return Step(there, Change.LEFT, f"newer: of {installed}; this is {version}")
    if is_older(installed, version) and not upgrade:
        return Step(there, Change.OLDER, f"of {installed}; --upgrade replaces it with {version}")
    reason = f"was of {installed}" if is_older(installed, version) else ""
    return _compared(cluster, there, wanted, reason=reason)


def _compared(cluster: Cluster, there: Manifest, wanted: Manifest, *, reason: str) -> Step:
    """Unchanged when the server would change nothing: it is asked with a dry run, which no other means can replace."""
    if cluster.dry_run is DryRun.CLIENT:
        alike = holds(there, wanted)
    else:
        alike = same(there, cluster.rehearsing().apply(wanted))
    return Step(there, Change.UNCHANGED) if alike else Step(wanted, Change.CONFIGURED, reason)


def unmarked(manifest: Manifest) -> Manifest:
    """Without the labels that make it ours."""
    item = copy.deepcopy(manifest)
    for key in (names.MANAGED_BY_LABEL, names.SETUP):
        item["metadata"].get("labels", {}).pop(key, None)
    item["metadata"].get("annotations", {}).pop(names.SETUP_VERSION, None)
    return item


def leave(step: Step, reason: str) -> Step:
    """The same object, not written after all."""
    return replace(step, change=Change.LEFT, reason=reason)


def rights_for(steps: Iterable[Step]) -> dict[str, list[Right]]:
    """What writing them takes, by namespace ("" for cluster-scoped kinds)."""
    rights: dict[str, list[Right]] = {}
    for step in steps:
        if step.writes:
            wanted = [Right(verb, step.kind) for verb in ("get", "create", "patch")]
            known = rights.setdefault(namespace_of(step.manifest), [])
            known += [right for right in wanted if right not in known]
    return rights


def require_rights_for(cluster: Cluster, steps: Sequence[Step]) -> None:
    """Raises Forbidden naming every right that is missing, before anything is written."""
    for namespace, rights in rights_for(steps).items():
        require_rights(cluster, rights, namespace=namespace or cluster.namespace)


def rehearse(cluster: Cluster, steps: Iterable[Step]) -> None:
    """Lets the server judge each write under a dry run: admission, escalation of rights, fields that cannot change.

    Raises its refusal; nothing was written then. A namespace that is not there is named with how to make it.
    """
    for step in steps:
        if step.writes:
            try:
                cluster.rehearsing().apply(step.manifest)
            except errors.Invalid as error:
                if "storedVersions" in error.message:
                    error.hint = "objects may still be stored in an old version: kubectl rwx check shows the way out"
                raise
            except errors.NotFound as error:
                namespace = namespace_of(step.manifest)
                raise errors.NotFound(
                    f"{step.name}: {error.message}", status=404,
                    hint=f"kubectl create namespace {namespace}" if namespace else "",
                ) from error


def apply_steps(cluster: Cluster, steps: Sequence[Step], progress: Progress, *, done: list[Step]) -> None:
    """Applies those that write, in order; done receives each as soon as the server has it."""
    for step in steps:
        if step.writes:
            cluster.apply(step.manifest)
            done.append(step)
            progress.note(f"{step.name} {step.change.value}{cluster.dry_run.suffix}")
