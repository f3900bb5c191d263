"""Scores and order of the SCCs every OpenShift cluster has."""

from typing import Any

import pytest

from oc_gsb.scc import gsb_copy, restriction_score, sort_sccs
from unit.oc_gsb.scc.cases import SMALL_TABLE, read_table


def standard(name: str) -> dict[str, Any]:
    return read_table(SMALL_TABLE)["sccs"][name]


@pytest.mark.parametrize(
    ("name", "score", "score_of_copy"),
    [
        ("anyuid", 154_950, 154_980),
        ("restricted-v2", 132_010, 132_040),
        ("restricted-v3", 132_010, 132_040),
        ("restricted", 134_800, 134_830),
        ("nonroot-v2", 142_010, 142_040),
        ("nonroot", 144_800, 144_830),
        ("hostmount-anyuid", 254_950, 254_980),
    ],
)
def test_score_of_standard_sccs_and_their_copies(name: str, score: int, score_of_copy: int) -> None:
    copy = gsb_copy(standard(name))
    assert copy is not None
    assert (restriction_score(standard(name)), restriction_score(copy)) == (score, score_of_copy)


def test_score_of_privileged() -> None:
    assert restriction_score(standard("privileged")) == 3_089_000


def test_null_lists_and_missing_strategies_score_nothing() -> None:
    assert restriction_score({"metadata": {"name": "x"}, "volumes": None, "allowedCapabilities": None}) == 5_000


@pytest.mark.parametrize(
    ("lists", "points"),
    [
        ({"allowedCapabilities": ["all"]}, 9_000),
        ({"allowedCapabilities": ["*"], "defaultAddCapabilities": ["A"] * 5}, 9_999),
        ({"requiredDropCapabilities": ["all", "KILL"]}, 2_000),
        ({"requiredDropCapabilities": ["X"] * 200}, 0),
    ],
)
def test_capabilities_are_counted_between_two_bounds(lists: dict[str, list[str]], points: int) -> None:
    assert restriction_score(lists) == points


def test_order_is_priority_then_score_then_name() -> None:
    def scc(name: str, priority: int | None, **fields: Any) -> dict[str, Any]:
        return {"metadata": {"name": name}, "priority": priority, **fields}

    looser = scc("a", None, allowHostNetwork=True)
    listed = [looser, scc("c", 0), scc("b", None), scc("z", 1, allowPrivilegedContainer=True)]
    assert [each["metadata"]["name"] for each in sort_sccs(listed)] == ["z", "b", "c", "a"]


def test_copy_of_anyuid_comes_after_restricted_v2() -> None:
    copy = gsb_copy(standard("anyuid"))
    assert copy is not None
    ordered = [scc["metadata"]["name"] for scc in sort_sccs([copy, standard("restricted-v2"), standard("anyuid")])]
    assert ordered == ["anyuid", "restricted-v2", "anyuid-gsb"]
