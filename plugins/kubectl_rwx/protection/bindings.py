"""Waiting until claims are Bound, with the provisioner's own words as the reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from kubectl_rwx.diagnosis.events import own_events, read_events
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Progress
from plugin_core.storage.claims import judge_binding

LOOK_EVERY = 5.0
"""Seconds between two looks at the events of claims that are still Pending."""

FIRST_LOOK_AFTER = 1.0
"""Most claims are bound by then and need no look at all."""

FIRST_USE = "WaitForFirstConsumer"
"""The reason of the event that the volume controller records on a claim that no pod uses yet."""

FatalCheck = Callable[[dict[str, Outcome]], dict[str, str]]
"""Names of claims that can never be bound any more, each with the observed reason."""


def wait_until_bound(
    cluster: Cluster, names: Sequence[str], *, namespace: str, deadline: Deadline, progress: Progress, text: str,
    fatal: FatalCheck | None = None, first_use_will_do: bool = False,
) -> dict[str, Outcome]:
    """Where each claim stands when all are bound or failed, or the deadline has passed. text: the phase, in words.

    fatal is asked about claims that are still Pending whenever their events are looked at. first_use_will_do: a claim
    of which an event says that it waits for its first consumer counts as ready (for who may not read StorageClasses).
    """
    progress.phase(text, total=len(names))
    looked = time.monotonic() - LOOK_EVERY + FIRST_LOOK_AFTER
    reasons: dict[str, str] = {}
    broken: dict[str, str] = {}

    def judge(claim: Manifest | None) -> Readiness:
        readiness = judge_binding(claim)
        if readiness.phase is Phase.WAITING and claim is not None:
            name = claim["metadata"]["name"]
            if name in broken:
                return Readiness(Phase.FAILED, broken[name])
            words = reasons.get(name, readiness.reason)
            done = first_use_will_do and words.startswith(FIRST_USE)
            return Readiness(Phase.READY if done else Phase.WAITING, words)
        return readiness

    def notify(outcomes: dict[str, Outcome]) -> None:
        nonlocal looked
        pending = {name: outcome for name, outcome in outcomes.items() if outcome.phase is Phase.WAITING}
        if pending and time.monotonic() - looked >= LOOK_EVERY:
            looked = time.monotonic()
            reasons.update(latest_words(cluster, list(pending.values()), namespace=namespace))
            broken.update(fatal(pending) if fatal else {})
        progress.update(done=len(outcomes) - len(pending), waiting_for=first_reason(pending))

    return wait_for(
        cluster, PERSISTENT_VOLUME_CLAIM, names, namespace=namespace, judge=judge, deadline=deadline, notify=notify
    )


def latest_words(cluster: Cluster, outcomes: Sequence[Outcome], *, namespace: str) -> dict[str, str]:
    """What the latest warning of each claim says, else its latest event, by name; claims without events are left out.

    A warning tells more than the volume controller's "waiting for a volume to be created", repeated after it.
    """
    claims = [outcome.manifest for outcome in outcomes if outcome.manifest]
    only = claims[0]["metadata"]["name"] if len(claims) == 1 else ""
    try:
        events = read_events(cluster, PERSISTENT_VOLUME_CLAIM, namespace=namespace, name=only)
    except errors.PluginError:
        return {}
    words = {}
    for claim in claims:
        name = claim["metadata"]["name"]
        own = own_events(events.get(name, []), claim)
        if own:
            latest = ([event for event in own if event.warning] or own)[-1]
            words[name] = f"{latest.reason}: {latest.message}"
    return words


def first_reason(pending: dict[str, Outcome]) -> str:
    """The reason of one that is waited for, and how many others there are; "" for none."""
    if not pending:
        return ""
    name, outcome = next(iter(pending.items()))
    others = f" (and {len(pending) - 1} more)" if len(pending) > 1 else ""
    return f"{name}: {outcome.readiness.reason}{others}"
