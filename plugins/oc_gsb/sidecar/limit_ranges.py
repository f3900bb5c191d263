"""What a namespace's LimitRanges make of the sidecar, and why they would refuse the pod. Pure.

Source: kubernetes plugin/pkg/admission/limitranger: defaults are filled in per container first, then min, max and
maxLimitRequestRatio are checked for each container and, with type Pod, for the sum of the main containers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.quantities import parse_amount

RESOURCES = ("cpu", "memory")
SMALL = "1Gi"
"""A memory limit below it gets kopia killed on big volumes."""


@dataclass(frozen=True)
class Verdict:
    """container: with the defaults filled in. problems: why its pod would be refused. warnings: worth knowing."""

    container: Manifest
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def judge_limits(sidecar: Manifest, others: Sequence[Manifest], ranges: Sequence[Manifest]) -> Verdict:
    """sidecar: as it would be asked for. others: the pod's other main containers. ranges: all of the namespace's."""
    filled = with_defaults(sidecar, ranges)
    problems, warnings = list(_order(filled, ranges)), []
    for limits in ranges:
        for item in part_of(limits, "spec", "limits") or []:
            where = f"LimitRange {name_of(limits)}"
            if item.get("type") == "Container":
                problems += _bounds(item, _amounts([filled]), where, "the sidecar")
            elif item.get("type") == "Pod":
                every = [filled, *(with_defaults(one, ranges) for one in others)]
                problems += _bounds(item, _amounts(every), where, "the pod with the sidecar")
    limit = part_of(filled, "resources", "limits", "memory")
    if limit and not part_of(sidecar, "resources", "limits", "memory") and parse_amount(limit) < parse_amount(SMALL):
        warnings.append(f"LimitRange {_source(ranges)} gives the sidecar a memory limit of {limit}, with which kopia "
                        "is killed on big volumes; set one with --memory-limit")
    return Verdict(filled, tuple(dict.fromkeys(problems)), tuple(warnings))


def with_defaults(container: Manifest, ranges: Sequence[Manifest]) -> Manifest:
    """The container as admission leaves it: default limits, then default requests; a limit alone is a request too."""
    resources = container.get("resources") or {}
    limits, requests = dict(resources.get("limits") or {}), dict(resources.get("requests") or {})
    for key, value in limits.items():
        requests.setdefault(key, value)
    for item in _items(ranges, "Container"):
        for key, value in (item.get("default") or {}).items():
            limits.setdefault(key, value)
        for key, value in (item.get("defaultRequest") or {}).items():
            requests.setdefault(key, value)
    return {**container, "resources": {"requests": requests, "limits": limits}}


def _items(ranges: Sequence[Manifest], kind: str) -> Iterator[Manifest]:
    for limits in ranges:
        yield from (one for one in part_of(limits, "spec", "limits") or [] if one.get("type") == kind)


def _source(ranges: Sequence[Manifest]) -> str:
    return next((name_of(one) for one in ranges if any("memory" in (item.get("default") or {})
                                                       for item in _items([one], "Container"))), "")


def _order(container: Manifest, ranges: Sequence[Manifest]) -> Iterator[str]:
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    for key in RESOURCES:
        if key in requests and key in limits and parse_amount(requests[key]) > parse_amount(limits[key]):
            yield (f"the sidecar's {key} request {requests[key]} is more than its limit {limits[key]}, which a "
                   f"LimitRange gives it by default: name another with --{key}-limit, or ask for less with --{key}")


Amounts = dict[str, dict[str, Decimal | None]]


def _amounts(containers: Sequence[Manifest]) -> Amounts:
    """Sums by part and resource; None where a container says nothing."""
    found: Amounts = {"requests": {}, "limits": {}}
    for part, sums in found.items():
        for key in RESOURCES:
            values = [part_of(one, "resources", part, key) for one in containers]
            known = [parse_amount(value) for value in values if value is not None]
            unbounded = part == "limits" and len(known) < len(values)
            sums[key] = None if not known or unbounded else sum(known, Decimal())
    return found


def _bounds(item: Manifest, amounts: Amounts, where: str, who: str) -> Iterator[str]:
    for key in RESOURCES:
        request, limit = amounts["requests"][key], amounts["limits"][key]
        low, high, ratio = ((item.get(name) or {}).get(key) for name in ("min", "max", "maxLimitRequestRatio"))
        if low is not None:
            if request is None or request < parse_amount(low):
                yield f"{where}: {who} must ask for {key} {low} at least, not {_shown(request)}: --{key} {low}"
            elif limit is not None and limit < parse_amount(low):
                yield f"{where}: {who} must have a {key} limit of {low} at least, not {_shown(limit)}"
        if high is not None:
            if limit is None:
                yield (f"{where}: {who} must have a {key} limit, of {high} at most: "
                       f"--{key}-limit {_within(high, request)}")
            elif limit > parse_amount(high):
                yield f"{where}: {who} may have a {key} limit of {high} at most, not {_shown(limit)}"
            elif request is not None and request > parse_amount(high):
                yield f"{where}: {who} may ask for {key} {high} at most, not {_shown(request)}"
        if ratio is not None:
            if limit is None or not request:
                yield f"{where}: {who} must have a {key} request and limit, at most {ratio} times the request"
            elif limit / request > parse_amount(ratio):
                yield (f"{where}: {who} has a {key} limit of {_shown(limit)} and a request of {_shown(request)}, more "
                       f"than {ratio} times as much")


def _within(high: str, request: Decimal | None) -> str:
    return high if request is None or request <= parse_amount(high) else f"{high}, with a smaller request"


def _shown(amount: Decimal | None) -> str:
    if amount is None:
        return "nothing"
    mebibytes = amount / (1024 * 1024)
    if amount >= 1024 * 1024 and mebibytes == int(mebibytes):
        return f"{int(mebibytes)}Mi"
    return f"{int(amount * 1000)}m" if amount < 100 and amount != int(amount) else f"{amount.normalize():f}"
