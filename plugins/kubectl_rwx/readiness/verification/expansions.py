"""Growing the source claim while pods use it: proven, claimed and not done, or not offered."""

from __future__ import annotations

import time

from kubectl_rwx.diagnosis.events import Event, read_events
from kubectl_rwx.diagnosis.expansions import DONE, ERRORS, PENDING, RESIZING, conditions_of, last_word
from kubectl_rwx.protection.rights import Right, missing_rights
from kubectl_rwx.readiness.verification import scripts, steps
from kubectl_rwx.readiness.verification.comparisons import compare_content
from kubectl_rwx.readiness.verification.objects import SOURCE, WRITER
from kubectl_rwx.readiness.verification.scripts import read_tree
from kubectl_rwx.readiness.verification.stages import Stage
from kubectl_rwx.readiness.verification.steps import Step
from kubectl_rwx.readiness.verification.waits import DELETED, LOOK_EVERY, Patience
from plugin_core import errors
from plugin_core.kube.waiting import Outcome, Phase, Readiness, wait_for
from plugin_core.model.checks import Verdict
from plugin_core.model.durations import format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest
from plugin_core.model.quantities import format_quantity
from plugin_core.storage.claims import size_at

_RIGHT = Right("patch", PERSISTENT_VOLUME_CLAIM)
_ADVICE = "a full claim cannot be helped by growing it; ask the storage provider, or take allowVolumeExpansion back"


def expand(stage: Stage) -> None:
    """Doubles the claim, and compares what the claim says with what the pod's filesystem says.

    A filesystem whose size was never the claim's (one directory of a large export) says nothing either way.
    """
    with stage.ledger.step(steps.EXPAND) as step:
        if stage.plan.storage_class.get("allowVolumeExpansion") is not True:
            step.skip("its class does not offer it (allowVolumeExpansion)")
            return
        if missing_rights(stage.cluster, [_RIGHT], namespace=stage.objects.namespace):
            step.skip("you may not patch persistentvolumeclaims", "the Role for it: kubectl rwx rbac verify --full")
            return
        had = _capacity(stage.read_claim(SOURCE))
        wanted = 2 * had
        before, shown = _look(stage, step)
        stage.cluster.patch(
            PERSISTENT_VOLUME_CLAIM, stage.objects.name(SOURCE), namespace=stage.objects.namespace,
            patch={"spec": {"resources": {"requests": {"storage": format_quantity(wanted)}}}},
        )
        outcome = _wait(stage, had=had, wanted=wanted)
        if outcome.phase is Phase.WAITING:
            raise step.halt(outcome.phase, outcome.readiness.reason, timeout=format_duration(stage.deadline.seconds))
        if outcome.readiness.reason == DELETED:
            raise errors.NotFound(f"pvc/{stage.objects.name(SOURCE)} was deleted by someone else", status=404)
        if outcome.phase is Phase.FAILED:
            step.fail(f"claimed by its class, and not done: {outcome.readiness.reason}", _ADVICE)
            return
        after, shows = _look(stage, step)
        kept = compare_content(read_tree(before), read_tree(after))
        grown = f"from {format_quantity(had)} to {format_quantity(_capacity(outcome.manifest or {}))}"
        limited = had // 2 <= shown <= had + had // 10
        if kept.verdict is not Verdict.OK:
            step.fail(f"grown {grown}, and the data changed: {kept.observed}", kept.advice)
        elif limited and shows < shown + shown // 2:
            step.fail(f"the claim says {grown}, the pod's filesystem still has {format_quantity(shows)}", _ADVICE)
        else:
            seen = "the pod's filesystem too" if limited else "the pod's filesystem has no limit of its own to compare"
            step.ok(f"{grown} in use, data kept; {seen}")


def _capacity(claim: Manifest) -> int:
    return size_at(claim, "status", "capacity", "storage")


def _look(stage: Stage, step: Step) -> tuple[str, int]:
    """The source's listing, and the size of its filesystem in bytes."""
    listing = stage.execute(WRITER, scripts.LIST, step=step)
    return listing, int(stage.execute(WRITER, scripts.FILESYSTEM_SIZE, step=step).split()[-1]) * 1024


def _wait(stage: Stage, *, had: int, wanted: int) -> Outcome:
    """Ready, failed for as long as --patience, or waiting at the deadline."""
    name, patient, last = stage.objects.name(SOURCE), Patience(stage.objects.request.patience), time.monotonic()
    trouble, verdict = "", ""
    stage.progress.phase("waiting for the claim to grow", total=1)

    def judge(claim: Manifest | None) -> Readiness:
        if claim is None:
            return Readiness(Phase.FAILED, DELETED)
        conditions = conditions_of(claim)
        if _capacity(claim) >= wanted and PENDING not in conditions:
            return Readiness(Phase.READY)
        return Readiness(Phase.FAILED, verdict) if verdict else Readiness(Phase.WAITING, trouble or _state(conditions))

    def notify(outcomes: dict[str, Outcome]) -> None:
        nonlocal last, trouble, verdict
        claim = outcomes[name].manifest
        if time.monotonic() - last < LOOK_EVERY or claim is None:
            return
        last = time.monotonic()
        trouble = _trouble(stage, claim, had=had)
        verdict = patient.judge(name, trouble)
        stage.progress.update(done=0, waiting_for=trouble)

    return wait_for(
        stage.cluster, PERSISTENT_VOLUME_CLAIM, [name], namespace=stage.objects.namespace, judge=judge,
        deadline=stage.deadline, notify=notify,
    )[name]


def _trouble(stage: Stage, claim: Manifest, *, had: int) -> str:
    """Why it does not go on; "" while a resizer is at work without an error."""
    conditions = conditions_of(claim)
    for kind in ERRORS:
        if kind in conditions:
            return f"{kind}: {conditions[kind].get('message')}"
    stays, said = f"its capacity stays {format_quantity(had)}", _last_event(stage)
    if said and said.reason == DONE:
        return f"{stays}, and its resizer takes it for done ({said.reason}: {said.message})"
    if said:
        return f"{said.reason}: {said.message}"
    if RESIZING in conditions or PENDING in conditions:
        return ""
    return f"{stays}, and nothing is said of why: is a resizer of the driver running?"


def _last_event(stage: Stage) -> Event | None:
    """The latest that tells of the claim's growing; None: there is none, or it may not be read."""
    try:
        events = read_events(stage.cluster, PERSISTENT_VOLUME_CLAIM, namespace=stage.objects.namespace)
    except errors.Forbidden:
        return None
    return last_word(events.get(stage.objects.name(SOURCE), []))


def _state(conditions: dict[str, Manifest]) -> str:
    return ", ".join(conditions) or "not begun"
