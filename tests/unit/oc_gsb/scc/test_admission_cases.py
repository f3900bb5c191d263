"""The prediction against tables of decisions made by OpenShift's own admission code."""

from typing import Any

import pytest

from oc_gsb.scc import Decision, capabilities_in_effect
from unit.oc_gsb.scc.cases import Case, all_cases, decide


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.table.stem}-{case.id}")
def test_decision(case: Case) -> None:
    """One test per case: the choice, what was passed over and why, and the pod as stored."""
    table, row = case.read()
    expected = row["expected"]
    decision = decide(table, row["input"])
    assert outcome(decision) == outcome_of(expected)
    assert decision.error == expected.get("error")
    assert passed_over(decision, expected) == passed_over_of(expected)
    if expected["scc"] is None:
        return
    assert decision.pod is not None
    spec = decision.pod["spec"]
    assert spec["securityContext"].get("fsGroup") == expected["fsGroup"]
    assert plain(spec["securityContext"]) == plain(expected["podSecurityContext"])
    assert decision.pod["metadata"]["annotations"] == expected["annotations"]
    assert containers(decision.pod) == [container_of(row) for row in expected["containers"]]


def outcome(decision: Decision) -> dict[str, Any]:
    return {
        "allowed": decision.allowed,
        "scc": decision.scc,
        "subjectType": decision.subject_type,
        "reason": decision.reason,
        "order": list(decision.order),
        "notUsable": list(decision.not_usable),
    }


def outcome_of(expected: dict[str, Any]) -> dict[str, Any]:
    single = {key: expected[key] for key in ("allowed", "scc", "subjectType", "reason")}
    return {**single, "order": expected.get("order", []), "notUsable": expected.get("notUsable", [])}


def passed_over(decision: Decision, expected: dict[str, Any]) -> dict[str, Any]:
    """What broke which rule; a value the table leaves out (it does so for pointers) is not compared."""
    told = expected.get("tooRestrictive", {}).items()
    unvalued = {(name, v["field"]) for name, found in told for v in found if "value" not in v}
    result = {}
    for name, found in decision.too_restrictive.items():
        pairs = {(v.field, None if (name, v.field) in unvalued else plain_value(v.value)) for v in found}
        result[name] = ({v.what for v in found}, pairs)
    return result


def passed_over_of(expected: dict[str, Any]) -> dict[str, Any]:
    return {
        name: ({v["what"] for v in found}, {(v["field"], plain_value(v.get("value"))) for v in found})
        for name, found in expected.get("tooRestrictive", {}).items()
    }


def plain_value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    shared = pod["spec"]["securityContext"]
    rows = []
    for kind, key in (("init", "initContainers"), ("container", "containers")):
        for container in pod["spec"].get(key) or ():
            own = container.get("securityContext") or {}
            options = own.get("seLinuxOptions") or shared.get("seLinuxOptions")
            caps = capabilities_in_effect(pod, container["name"])
            rows.append(
                {
                    "name": container["name"],
                    "kind": kind,
                    "runAsUser": own.get("runAsUser", shared.get("runAsUser")),
                    "runAsNonRoot": own.get("runAsNonRoot", shared.get("runAsNonRoot")),
                    "seLinuxLevel": None if options is None else options.get("level", ""),
                    "capabilitiesAdd": caps.add,
                    "capabilitiesDrop": caps.drop,
                    "securityContext": plain(own),
                }
            )
    return rows


def container_of(row: dict[str, Any]) -> dict[str, Any]:
    sets = {key: frozenset(row[key]) for key in ("capabilitiesAdd", "capabilitiesDrop")}
    return {**row, **sets, "securityContext": plain(row["securityContext"])}


def plain(context: dict[str, Any] | None) -> dict[str, Any]:
    """A securityContext for comparison: capabilities as sets, unset and empty fields alike."""
    context = dict(context or {})
    for key in ("add", "drop"):
        names = (context.get("capabilities") or {}).get(key)
        context[f"capabilities.{key}"] = frozenset(names or ())
    context.pop("capabilities", None)
    return {key: value for key, value in context.items() if value not in (None, [], {})}
