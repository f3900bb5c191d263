"""Taking back what `setup` installed, found by its labels, in the order that loses nothing.

Deleting a CRD deletes every object of its kind, and with VolumeSnapshots the snapshots in the storage: that is refused
while there are any, unless their exact number was named. What is not ours stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kubectl_rwx.installation.ownership import is_ours, manager_of
from kubectl_rwx.installation.snapshots import Installation
from kubectl_rwx.installation.steps import Change, Step
from kubectl_rwx.protection.rights import Right, require_rights
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    GROUP_SNAPSHOT_GROUP,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    VOLUME_GROUP_SNAPSHOT,
    VOLUME_GROUP_SNAPSHOT_CLASS,
    VOLUME_GROUP_SNAPSHOT_CONTENT,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of, uid_of
from plugin_core.model.progress import Progress

SNAPSHOT_PARTS = (CUSTOM_RESOURCE_DEFINITION, DEPLOYMENT, ROLE_BINDING, ROLE, CLUSTER_ROLE_BINDING, CLUSTER_ROLE,
                  SERVICE_ACCOUNT)
"""In the order of removal: the controller must live until the last snapshot has lost its finalizer."""

HOLDERS = (VOLUME_SNAPSHOT, VOLUME_SNAPSHOT_CONTENT, VOLUME_GROUP_SNAPSHOT, VOLUME_GROUP_SNAPSHOT_CONTENT)
_CLASSES = (VOLUME_SNAPSHOT_CLASS, VOLUME_GROUP_SNAPSHOT_CLASS)

Consent = Callable[[str], None]


@dataclass(frozen=True)
class RemovalRequest:
    """losing: how many snapshots the user said may be lost; 0 for none."""

    losing: int = 0
    timeout: float = 300.0


def remove_snapshots_setup(
    cluster: Cluster, request: RemovalRequest, progress: Progress, *, consent: Consent
) -> Installation:
    """Removes CRDs and controller of ours. Raises NotReady while snapshots exist, UsageError without consent."""
    deadline = Deadline.after(request.timeout)
    bounded = cluster.within(deadline)
    progress.phase("looking at what was installed")
    found = find_own(bounded, "snapshots", SNAPSHOT_PARTS)
    definitions = [step for step in found if step.kind == CUSTOM_RESOURCE_DEFINITION]
    if not found:
        return Installation("snapshots")
    require_removal_rights(bounded, found)
    losses = _losses(bounded, definitions)
    _refuse_losses(losses, request)
    consent(_question(bounded, found, definitions, losses))
    remove(cluster, found, deadline=deadline, progress=progress, what="setup snapshots")
    return Installation("snapshots", steps=found)


def find_own(cluster: Cluster, part: str, kinds: Sequence[Kind]) -> list[Step]:
    """What `setup` installed of these kinds, in their order; what somebody took over meanwhile is left alone."""
    labels = f"{names.MANAGED_BY_LABEL}={names.RWX},{names.SETUP}={part}"
    found = []
    for kind in kinds:
        try:
            items = cluster.list_all(kind, labels=labels).items
        except errors.NotFound:
            continue
        for item in items:
            item = {"apiVersion": kind.api_version, "kind": kind.name, **item}
            manager = manager_of(item)
            if is_ours(item) and not manager:
                found.append(Step(item, Change.DELETED))
            elif manager:
                found.append(Step(item, Change.LEFT, f"managed by {manager} by now"))
    return found


def require_removal_rights(cluster: Cluster, steps: Sequence[Step]) -> None:
    """Raises Forbidden naming every right that is missing, before anything is deleted."""
    wanted: dict[str, list[Right]] = {}
    for step in steps:
        rights = wanted.setdefault(namespace_of(step.manifest), [])
        right = Right("delete", step.kind)
        if step.change is Change.DELETED and right not in rights:
            rights.append(right)
    for namespace, rights in wanted.items():
        require_rights(cluster, rights, namespace=namespace or cluster.namespace)


def remove(
    cluster: Cluster, steps: Sequence[Step], *, deadline: Deadline, progress: Progress, what: str
) -> None:
    """Deletes in order, each kind gone before the next one goes. Raises TimedOut with what holds an object.

    Only the very objects that were looked at are deleted. A Ctrl-C says what remains.
    """
    going = [step for step in steps if step.change is Change.DELETED]
    gone = 0
    try:
        for kind in dict.fromkeys(step.kind for step in going):
            some = [step for step in going if step.kind == kind]
            progress.phase(f"removing {kind.plural}", total=len(some))
            for step in some:
                _delete(cluster.within(deadline), step)
                progress.note(f"{step.name} deleted{cluster.dry_run.suffix}")
            if not cluster.dry_run.on:
                _await_gone(cluster, kind, some, deadline=deadline)
            gone += len(some)
    except KeyboardInterrupt:
        raise errors.Interrupted(
            f"interrupted: {gone} of {len(going)} objects are gone", hint=f"kubectl rwx {what} --uninstall goes on"
        ) from None


def _delete(cluster: Cluster, step: Step) -> None:
    try:
        cluster.delete(step.kind, name_of(step.manifest), namespace=namespace_of(step.manifest) or None,
                       uid=uid_of(step.manifest))
    except errors.NotFound:
        return


def _await_gone(cluster: Cluster, kind: Kind, steps: Sequence[Step], *, deadline: Deadline) -> None:
    by_namespace: dict[str, list[Step]] = {}
    for step in steps:
        by_namespace.setdefault(namespace_of(step.manifest), []).append(step)
    for namespace, some in by_namespace.items():
        uids = {name_of(step.manifest): uid_of(step.manifest) for step in some}

        def judge(seen: Manifest | None) -> Readiness:
            gone = seen is None or uid_of(seen) != uids[name_of(seen)]
            return Readiness(Phase.READY if gone else Phase.WAITING)

        outcomes = wait_for(cluster, kind, list(uids), namespace=namespace, judge=judge, deadline=deadline)
        for name, outcome in outcomes.items():
            if outcome.phase is Phase.WAITING:
                held = ", ".join(part_of(outcome.manifest or {}, "metadata", "finalizers") or ["none"])
                raise errors.TimedOut(
                    f"{kind.name.lower()}/{name} is not gone after {format_duration(deadline.seconds)} (--timeout); "
                    f"finalizers: {held}", hint=f"kubectl get {kind.plural} {name} -o yaml says what it waits for",
                )


def _served(cluster: Cluster, definitions: Sequence[Step], kinds: Sequence[Kind]) -> list[Kind]:
    """Those kinds whose definition is to go, in the version that is served."""
    going = {name_of(step.manifest) for step in definitions if step.change is Change.DELETED}
    versions = {group: cluster.versions_of(group) for group in {kind.group for kind in kinds}}
    return [Kind(kind.name, kind.plural, kind.group, versions[kind.group][0] if kind.group == GROUP_SNAPSHOT_GROUP
                 else kind.version, kind.namespaced)
            for kind in kinds if kind.resource in going and versions[kind.group]]


def _losses(cluster: Cluster, definitions: Sequence[Step]) -> dict[str, int]:
    """How many objects of which kind would go with their definitions."""
    counts = {kind.plural: len(cluster.list_all(kind).items) for kind in _served(cluster, definitions, HOLDERS)}
    return {plural: count for plural, count in counts.items() if count}


def _refuse_losses(losses: dict[str, int], request: RemovalRequest) -> None:
    total = sum(losses.values())
    if total == request.losing:
        return
    told = ", ".join(f"{count} {plural}" for plural, count in losses.items()) or "none"
    if not total:
        raise errors.UsageError(f"--lose-snapshots {request.losing}: there is nothing to lose", hint="leave it out")
    raise errors.NotReady(
        f"there are {told}: deleting their definitions deletes them all, and with them the snapshots in the storage",
        hint="delete those that may go (kubectl rwx delete, kubectl rwx prune), or, to lose every one of them: "
             f"--lose-snapshots {total}",
    )


def _question(
    cluster: Cluster, found: Sequence[Step], definitions: Sequence[Step], losses: dict[str, int]
) -> str:
    classes = [f"{kind.name.lower()}/{name_of(item)}" for kind in _served(cluster, definitions, _CLASSES)
               for item in cluster.list_all(kind).items]
    told = ", ".join(step.name for step in found if step.change is Change.DELETED)
    also = f"; with the definitions go {', '.join(classes)}" if classes else ""
    lost = f"; {sum(losses.values())} snapshots are lost for ever" if losses else ""
    return f"remove {told}{also}{lost}"
