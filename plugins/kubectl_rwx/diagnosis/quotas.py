"""What a ResourceQuota keeps from coming to be: claims, snapshots, and the pods a claim waits for."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_rwx.diagnosis.links import Link, State, unseen
from kubectl_rwx.diagnosis.sights import Sight
from plugin_core.model.kinds import EVENT, REPLICA_SET, RESOURCE_QUOTA, STATEFUL_SET, Kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.model.quantities import parse_quantity
from plugin_core.workloads.claims import claim_volumes

NAME = "quota"
_REFUSED = "exceeded quota"
_MATTERS = "objects beyond a quota are refused at creation, so they never exist"


def judge_absent(sight: Sight, kind: Kind, name: str, *, namespace: str) -> list[Link]:
    """For an object that is not there: the refusal of its creation, else quotas that would refuse it now."""
    events, quotas = sight.all_of(EVENT), sight.all_of(RESOURCE_QUOTA)
    for event in reversed(sorted(events.items or (), key=lambda one: str(one.get("lastTimestamp") or ""))):
        words = " ".join(str(event.get("message", "")).split())
        if _REFUSED in words and f" {name} " in f" {words} " and namespace_of(event) == namespace:
            return [_exceeded(words, event, namespace)]
    if not quotas.seen:
        return [unseen(NAME, quotas.request, quotas.words)]
    own = [quota for quota in quotas.items or () if namespace_of(quota) == namespace]
    full = [told for quota in own for told in _exhausted(quota, kind)]
    return [Link(NAME, State.BROKEN, f"{full[0]}: another {kind.name} is refused", "resourcequotas status",
                 "quota-exhausted", _MATTERS, f"kubectl describe resourcequota -n {namespace}")] if full else []


def refused_pods(sight: Sight, claim: Manifest) -> Link | None:
    """Why a workload that would use the claim gets no pods; None when none was refused."""
    events = sight.all_of(EVENT)
    refusals = [one for one in events.items or () if one.get("reason") == "FailedCreate" and
                namespace_of(one) == namespace_of(claim)]
    for event in reversed(refusals):
        owner = part_of(event, "involvedObject") or {}
        kind = next((one for one in (REPLICA_SET, STATEFUL_SET) if one.name == owner.get("kind")), None)
        if kind is None:
            continue
        workload = next((one for one in sight.all_of(kind).items or () if name_of(one) == owner.get("name")
                         and namespace_of(one) == namespace_of(claim)), None)
        if workload and name_of(claim) in _claims_of(workload):
            words = " ".join(str(event.get("message", "")).split())
            if _REFUSED in words:
                return _exceeded(words, event, namespace_of(claim))
            return Link("first consumer", State.BROKEN, words, f"{_subject(event)} event FailedCreate",
                        "consumer-refused", "without a pod the volume is not made",
                        f"kubectl describe {_subject(event)} -n {namespace_of(claim)}")
    return None


def _claims_of(workload: Manifest) -> Iterator[str]:
    for volume in claim_volumes(workload):
        yield volume.claim
    for template in part_of(workload, "spec", "volumeClaimTemplates") or ():
        for ordinal in range(int(part_of(workload, "spec", "replicas") or 0)):
            yield f"{name_of(template)}-{name_of(workload)}-{ordinal}"


def _exceeded(words: str, event: Manifest, namespace: str) -> Link:
    return Link(NAME, State.BROKEN, words, f"{_subject(event)} event {event.get('reason')}", "quota-exceeded", _MATTERS,
                f"kubectl describe resourcequota -n {namespace}")


def _subject(event: Manifest) -> str:
    return f"{str(part_of(event, 'involvedObject', 'kind')).lower()}/{part_of(event, 'involvedObject', 'name')}"


def _exhausted(quota: Manifest, kind: Kind) -> Iterator[str]:
    """What of the quota counts this kind, or its storage, and is used up."""
    hard, used = part_of(quota, "status", "hard") or {}, part_of(quota, "status", "used") or {}
    for key, limit in hard.items():
        counts = key in (kind.plural, f"count/{kind.resource}") or key.endswith(f"/{kind.plural}")
        counts = counts or (kind.plural == "persistentvolumeclaims" and key.endswith("requests.storage"))
        if counts and parse_quantity(str(used.get(key, "0"))) >= parse_quantity(str(limit)):
            yield f"resourcequota/{name_of(quota)} has {used.get(key)} of {limit} {key}"
