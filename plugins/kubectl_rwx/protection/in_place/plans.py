"""What an in-place restore will do, and every reason not to begin: all is read, nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubectl_rwx.protection.answers import Problem, sum_up
from kubectl_rwx.protection.claim_selection import describe_claim, read_named
from kubectl_rwx.protection.in_place.journals import Journal, Replacement, Step
from kubectl_rwx.protection.in_place.users import find_workloads
from kubectl_rwx.protection.restore_plans import (
    Restoration,
    Wishes,
    explain_unready,
    plan_restore,
    read_surroundings,
)
from kubectl_rwx.protection.set_names import member_name
from kubectl_rwx.protection.snapshot_plans import Sight, plan_snapshots
from kubectl_rwx.protection.snapshot_reports import describe_snapshot
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.kinds import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import (
    Manifest,
    annotations_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    part_of,
    uid_of,
)
from plugin_core.model.progress import Progress
from plugin_core.model.quantities import format_quantity
from plugin_core.storage.claims import judge_binding, size_at
from plugin_core.storage.snapshots import QUIESCED, claim_of

_OTHERS = ("pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/")
"""Prefixes of annotations that controllers write about the binding of one very claim."""

_REQUEST = ("spec", "resources", "requests", "storage")


def plan_in_place(
    cluster: Cluster, snapshots: Sequence[Manifest], wishes: Wishes, *, run: str, progress: Progress
) -> Journal:
    """The journal as it will be first written. Raises one error for all that is in the way: in place it is all or none,
    because one workload must not see claims of two moments.
    """
    problems = explain_unready(cluster, snapshots)
    around = read_surroundings(cluster, snapshots, may_read_contents=True, may_read_classes=True)
    plain = Wishes(size=wishes.size, storage_class=wishes.storage_class, access_modes=wishes.access_modes,
                   volume_mode=wishes.volume_mode)
    plan = plan_restore(snapshots, around, plain, run=run)
    problems += plan.problems
    claims = read_named(
        cluster, PERSISTENT_VOLUME_CLAIM, [claim_of(item) for item in snapshots if claim_of(item)],
        namespace=cluster.namespace,
    )
    volumes = read_named(
        cluster, PERSISTENT_VOLUME, [str(part_of(one, "spec", "volumeName") or "-") for one in claims.values()]
    )
    problems += _unfit(snapshots, claims, volumes)
    _give_up_if(problems)
    for caution in dict.fromkeys(one.caution for one in plan.restorations if one.caution):
        progress.warn(caution)
    journal = Journal(run=run, step=Step.STOP)
    safety = _safety_snapshots(cluster, list(claims.values()), journal)
    for one in plan.restorations:
        live = claims[claim_of(one.snapshot)]
        volume = volumes[str(part_of(live, "spec", "volumeName"))]
        journal.members.append(_replacement(one, live, volume, safety[name_of(live)], run=run))
    journal.workloads = find_workloads(cluster, journal.claims, progress=progress)
    return journal


def _give_up_if(problems: Sequence[Problem]) -> None:
    failure = sum_up(problems, done=0, undone="snapshots cannot be restored in place, so nothing was done")
    if failure:
        raise failure


def _unfit(
    snapshots: Sequence[Manifest], claims: Mapping[str, Manifest], volumes: Mapping[str, Manifest]
) -> list[Problem]:
    problems, seen = [], set()
    for snapshot in snapshots:
        name = claim_of(snapshot)
        if name not in claims:
            problems.append(Problem(describe_snapshot(name_of(snapshot)), errors.NotFound(
                f'its source claim "{name or "?"}" is gone: there is nothing to replace', status=404,
                hint=f"make it anew: kubectl rwx restore vs/{name_of(snapshot)} --to {name or 'NAME'}",
            )))
            continue
        state, volume = judge_binding(claims[name]), str(part_of(claims[name], "spec", "volumeName") or "")
        if state.phase is not Phase.READY:
            problems.append(Problem(describe_claim(name), errors.NotReady(
                f"it cannot be replaced: {state.reason or 'it is not Bound'}")))
        elif volume not in volumes or is_terminating(volumes[volume]):
            problems.append(Problem(describe_claim(name), errors.NotReady(
                f'its volume "{volume}" is gone or being deleted, so there would be no way back')))
        if name in seen:
            problems.append(Problem(describe_claim(name), errors.UsageError(
                "two of the snapshots are of this claim", hint="name the one to go back to")))
        seen.add(name)
    return problems


def _safety_snapshots(cluster: Cluster, claims: Sequence[Manifest], journal: Journal) -> dict[str, Manifest]:
    """A snapshot of each claim once its writers are gone, so quiesced. Raises when one cannot be taken."""
    plan = plan_snapshots(cluster, claims, wanted_class="", sight=Sight())
    _give_up_if(plan.problems)
    made = {}
    for member in plan.members:
        name = name_of(member.claim)
        manifest = member.manifest(
            name=member_name(journal.safety_set, name, alone=False), set_name=journal.safety_set, run=journal.run
        )
        manifest["metadata"]["annotations"][names.CONSISTENCY] = QUIESCED
        made[name] = manifest
    return made


def _replacement(one: Restoration, live: Manifest, volume: Manifest, safety: Manifest, *, run: str) -> Replacement:
    replacement = _kept_metadata(live)
    replacement["metadata"]["labels"] = {**labels_of(live), names.RUN_LABEL: run}
    replacement["metadata"]["annotations"].update(annotations_of(one.claim))
    size = max(size_at(one.claim, *_REQUEST), size_at(live, *_REQUEST))
    replacement["spec"] = {
        **one.claim["spec"], "resources": {"requests": {"storage": format_quantity(size)}},
        **{key: live["spec"][key] for key in ("volumeAttributesClassName",) if live["spec"].get(key)},
    }
    return Replacement(
        claim=name_of(live), claim_uid=uid_of(live), volume=name_of(volume), snapshot=name_of(one.snapshot),
        policy=str(part_of(volume, "spec", "persistentVolumeReclaimPolicy") or "Delete"),
        snapshot_uid=uid_of(one.snapshot), replacement=replacement, safety=safety, late=one.on_first_use,
        original={**_kept_metadata(live), "spec": dict(live["spec"])},
    )


def _kept_metadata(live: Manifest) -> Manifest:
    """Name, labels, owners and annotations, but not what controllers wrote about the old claim's binding."""
    metadata: Manifest = {
        "name": name_of(live), "namespace": namespace_of(live), "labels": dict(labels_of(live)),
        "annotations": {key: value for key, value in annotations_of(live).items() if not key.startswith(_OTHERS)},
    }
    owners = part_of(live, "metadata", "ownerReferences")
    if owners:
        metadata["ownerReferences"] = owners
    return {"apiVersion": PERSISTENT_VOLUME_CLAIM.api_version, "kind": PERSISTENT_VOLUME_CLAIM.name,
            "metadata": metadata}
