"""Whether a namespace's ResourceQuotas have room for the sidecars, counted over all workloads of a run.

Source: kubernetes pkg/quota/v1/evaluator/core/pods.go: requests and limits of all containers of every pod that has not
ended, terminating ones included; a quota that counts a limit refuses pods with a container that names none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from oc_gsb.sidecar.rolling import surge_of, unavailable_of
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.quantities import format_quantity, parse_amount
from plugin_core.workloads.templates import pod_spec_of, replicas_of

_COUNTED = {
    "requests.cpu": ("requests", "cpu"), "cpu": ("requests", "cpu"), "requests.memory": ("requests", "memory"),
    "memory": ("requests", "memory"), "limits.cpu": ("limits", "cpu"), "limits.memory": ("limits", "memory"),
}
_PODS = ("pods", "count/pods")


@dataclass
class Budget:
    """What is left of each quota, less what the workloads judged so far need."""

    quotas: Sequence[Manifest]
    _taken: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def aside(self) -> Budget:
        """The same budget to ask questions of; what is taken there stays untaken here."""
        return Budget(self.quotas, dict(self._taken))

    def judge(
        self, workload: Manifest, *, sidecar: Manifest, others: Sequence[Manifest], held: bool
    ) -> tuple[str, ...]:
        """Why a quota would refuse its new pods; () when there is room, which is then taken.

        sidecar, others: containers as admission leaves them. held: it goes to 0 replicas, so that no pod is added.
        """
        problems, taken = [], []
        replicas, more = replicas_of(workload), 0 if held else extra_pods(workload)
        if not replicas:
            return ()
        for quota in self.quotas:
            if not applies(quota, pod_spec_of(workload)):
                continue
            hard = part_of(quota, "status", "hard") or part_of(quota, "spec", "hard") or {}
            for key, limit in hard.items():
                needed = _needed(key, sidecar, others, replicas=replicas, more=more)
                if needed is None:
                    problems.append(_unnamed(quota, key))
                elif needed.total:
                    taken.append(((name_of(quota), key), needed.total))
                    left = parse_amount(limit) - parse_amount((part_of(quota, "status", "used") or {}).get(key, 0))
                    left -= self._taken.get((name_of(quota), key), Decimal())
                    if needed.total > left:
                        problems.append(f"ResourceQuota {name_of(quota)}: {needed.words(key, replicas)}, and "
                                        f"{_shown(key, max(left, Decimal()))} of {limit} are left")
        if not problems:
            for slot, amount in taken:
                self._taken[slot] = self._taken.get(slot, Decimal()) + amount
        return tuple(problems)


@dataclass(frozen=True)
class _Needed:
    each: Decimal
    extra: Decimal
    total: Decimal

    def words(self, key: str, replicas: int) -> str:
        parts = []
        if self.each:
            parts.append(f"{_shown(key, self.each)} a sidecar for {replicas} pods")
        if self.extra:
            parts.append(f"{_shown(key, self.extra)} for the pod that a rolling update adds")
        return f"{_shown(key, self.total)} more {key} is needed ({', '.join(parts)})"


def _needed(
    key: str, sidecar: Manifest, others: Sequence[Manifest], *, replicas: int, more: int
) -> _Needed | None:
    """None: the quota counts a limit that the sidecar does not name."""
    if key in _PODS:
        return _Needed(Decimal(), Decimal(more), Decimal(more))
    if key not in _COUNTED:
        return _Needed(Decimal(), Decimal(), Decimal())
    part, resource = _COUNTED[key]
    value = part_of(sidecar, "resources", part, resource)
    if value is None:
        return None
    each = parse_amount(value)
    extra = sum((parse_amount(part_of(one, "resources", part, resource) or 0) for one in others), Decimal()) * more
    return _Needed(each, extra, each * replicas + extra)


def extra_pods(workload: Manifest) -> int:
    """1 when a rollout cannot begin without a pod beyond its replicas, else 0: an old pod may be able to go first."""
    return 1 if surge_of(workload) and not unavailable_of(workload) else 0


def applies(quota: Manifest, pod_spec: Manifest) -> bool:
    """Whether the quota's scopes take in a pod of this spec once it has a sidecar, which is never BestEffort."""
    ends = pod_spec.get("activeDeadlineSeconds") is not None
    plain = {"BestEffort": False, "NotBestEffort": True, "Terminating": ends, "NotTerminating": not ends}
    scopes = part_of(quota, "spec", "scopes") or []
    return all(plain.get(scope, True) for scope in scopes) and all(
        _matches(rule, pod_spec, plain) for rule in part_of(quota, "spec", "scopeSelector", "matchExpressions") or []
    )


def _matches(rule: Manifest, pod_spec: Manifest, plain: dict[str, bool]) -> bool:
    scope, operator, values = rule.get("scopeName"), rule.get("operator"), rule.get("values") or []
    if scope != "PriorityClass":
        return plain.get(str(scope), True)
    have = pod_spec.get("priorityClassName")
    return {"In": have in values, "NotIn": have not in values, "Exists": bool(have),
            "DoesNotExist": not have}.get(str(operator), True)


def _unnamed(quota: Manifest, key: str) -> str:
    resource = key.rpartition(".")[2]
    return (f"ResourceQuota {name_of(quota)} counts {key}, so a pod whose sidecar names none is refused: set "
            f"--{resource}-limit")


def _shown(key: str, amount: Decimal) -> str:
    if key.endswith("memory"):
        return format_quantity(math.ceil(amount))
    return f"{int(amount * 1000)}m" if amount != int(amount) else str(int(amount))
