"""`setup snapshots`: the CRDs of the snapshot API and the snapshot-controller, only what is missing.

One controller serves a cluster, and two work against each other; so nothing is installed beside one that lives, be it
out of sight, nor where somebody manages the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubectl_rwx.diagnosis.leases import Life
from kubectl_rwx.diagnosis.snapshot_controllers import controller_image, judge_controller, version_of
from kubectl_rwx.installation.comparisons import is_older
from kubectl_rwx.installation.images import CONTROLLER, SNAPSHOTTER_VERSION
from kubectl_rwx.installation.ownership import is_ours, manager_of
from kubectl_rwx.installation.releases import Release, Source, load_release
from kubectl_rwx.installation.rollouts import await_definitions, await_rollouts
from kubectl_rwx.installation.steps import (
    Change,
    Step,
    apply_steps,
    leave,
    plan_step,
    rehearse,
    require_rights_for,
)
from kubectl_rwx.readiness.observations import Observations, observe
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import SNAPSHOT_GROUP, VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.model.progress import Progress

AGAIN = "the same command goes on where this one stopped; kubectl rwx setup snapshots --uninstall takes it back"


@dataclass(frozen=True)
class SnapshotsRequest:
    """upgrade: replace what is older, unless somebody manages it."""

    source: Source
    upgrade: bool = False
    wait: bool = True
    timeout: float = 600.0


@dataclass
class Installation:
    """What was planned and done. version, origin: of what was installed. notes: sentences for the user."""

    part: str
    version: str = ""
    origin: str = ""
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(step.writes for step in self.steps)


def set_up_snapshots(cluster: Cluster, request: SnapshotsRequest, progress: Progress) -> Installation:
    """Raises NotReady when what is there and may not be touched does not work, TimedOut when it does not come up."""
    deadline = Deadline.after(request.timeout)
    bounded = cluster.within(deadline)
    progress.phase("reading upstream's manifests")
    release = load_release(request.source, deadline=deadline)
    progress.phase("looking at what is there")
    seen = observe(bounded)
    installation = Installation("snapshots", release.version, release.origin)
    if request.source.manifests and not request.source.image and is_older(release.version, SNAPSHOTTER_VERSION):
        installation.notes.append(
            f"{release.origin} names the snapshot-controller {release.version} (the source tree of a release names the "
            f"one before it); for {SNAPSHOTTER_VERSION}: --controller-image {CONTROLLER}")
    definitions = [plan_step(bounded, item, upgrade=request.upgrade) for item in release.definitions]
    _require_v1(definitions)
    controller = _plan_controller(bounded, release, seen, definitions, request, installation)
    installation.steps = [*definitions, *controller]
    require_rights_for(bounded, installation.steps)
    rehearse(bounded, installation.steps)
    done: list[Step] = []
    try:
        apply_steps(bounded, definitions, progress, done=done)
        if request.wait and not cluster.dry_run.on:
            await_definitions(cluster, [step.manifest for step in definitions], deadline=deadline, progress=progress)
        apply_steps(bounded, controller, progress, done=done)
        if request.wait and not cluster.dry_run.on:
            own = [step.manifest for step in controller if step.manifest["kind"] == "Deployment"
                   and step.change is not Change.LEFT]
            await_rollouts(cluster, own, deadline=deadline, progress=progress, again=AGAIN)
    except KeyboardInterrupt:
        total = sum(step.writes for step in installation.steps)
        raise errors.Interrupted(
            f"interrupted: {len(done)} of {total} objects are in place", hint=AGAIN) from None
    _judge_the_untouched(installation, seen)
    return installation


def _require_v1(definitions: Sequence[Step]) -> None:
    """Raises NotReady for definitions that stay and do not serve v1: the controller would wait for it and give up."""
    for step in definitions:
        if step.change not in (Change.LEFT, Change.OLDER) or part_of(step.manifest, "spec", "group") != SNAPSHOT_GROUP:
            continue
        served = [str(one.get("name")) for one in part_of(step.manifest, "spec", "versions") or [] if one.get("served")]
        if VOLUME_SNAPSHOT.version not in served:
            managed = step.reason.startswith("managed by")
            raise errors.NotReady(
                f"{step.name} serves {', '.join(served) or 'nothing'}, not v1, and is left alone: {step.reason}",
                hint="upgrade it where it is managed" if managed else "the same command with --upgrade replaces it",
            )


def _plan_controller(
    cluster: Cluster, release: Release, seen: Observations, definitions: Sequence[Step], request: SnapshotsRequest,
    installation: Installation,
) -> list[Step]:
    """All of its objects, or none: half a controller helps nobody."""
    there = list(seen.controllers or ())
    # a Deployment of our own that is not ready is mended by applying it again
    foreign = [item for item in there if not is_ours(item)]
    wanted = list(release.controller)
    if foreign:
        return _about_foreign(cluster, foreign[0], release, request, installation)
    if not there:
        reason = _why_not_beside(seen, definitions)
        if reason:
            return [leave(Step(release.deployment, Change.LEFT), reason)]
    elif is_older(version_of(controller_image(there[0])), release.version) and not request.upgrade:
        version = version_of(controller_image(there[0]))
        installation.notes.append(f"the snapshot-controller is {version}; the same command with --upgrade makes it "
                                  f"{release.version}")
    return [plan_step(cluster, item, upgrade=request.upgrade) for item in wanted]


def _about_foreign(
    cluster: Cluster, deployment: Manifest, release: Release, request: SnapshotsRequest, installation: Installation
) -> list[Step]:
    where, version = f"{namespace_of(deployment)}/{name_of(deployment)}", version_of(controller_image(deployment))
    shown = f"{where} is {version or 'of an unknown version'}"
    manager = manager_of(deployment)
    if manager:
        return [Step(deployment, Change.LEFT, f"{shown}, managed by {manager}")]
    if not is_older(version, release.version):
        return [Step(deployment, Change.LEFT, f"{shown}, not older than {release.version}; not installed by setup")]
    same_place = (namespace_of(deployment), name_of(deployment)) == (
        namespace_of(release.deployment), name_of(release.deployment))
    if not same_place:
        return [Step(deployment, Change.OLDER, f"{shown}; {release.version} is to be had the way it was installed")]
    if request.upgrade:
        return [plan_step(cluster, item, upgrade=True) for item in release.controller]
    installation.notes.append(f"the snapshot-controller is {version}; the same command with --upgrade makes it "
                              f"{release.version}")
    return [Step(deployment, Change.OLDER, f"{shown}; --upgrade replaces it with {release.version}")]


def _why_not_beside(seen: Observations, definitions: Sequence[Step]) -> str:
    """Why no controller is installed although none is to be seen; "" when it is."""
    managed = next((step for step in definitions if step.reason.startswith("managed by")), None)
    if managed:
        return (f"the CRDs are {managed.reason}, who brings the controller, too; a second one would work against it")
    if seen.controllers is None or seen.leases is None:
        return "Deployments or leases may not be listed, so a controller that is there would not be seen"
    controller = judge_controller(seen)
    if controller.life is Life.RUNNING:
        return f"one works out of sight ({controller.observed}); a second one would work against it"
    return ""


def _judge_the_untouched(installation: Installation, seen: Observations) -> None:
    """Raises NotReady for a controller of somebody else's that does not run: it is not ours to mend."""
    for step in installation.steps:
        if step.manifest["kind"] != "Deployment" or step.change not in (Change.LEFT, Change.OLDER):
            continue
        if step.manifest.get("status") is not None and not part_of(step.manifest, "status", "readyReplicas"):
            where = f"{namespace_of(step.manifest)}/{name_of(step.manifest)}"
            raise errors.NotReady(
                f"the snapshot-controller {where} is there and not ready, and is left alone: {step.reason}",
                hint=f"kubectl -n {namespace_of(step.manifest)} describe deployment {name_of(step.manifest)}",
            )
