"""Merge patches: tables, and the property that a patch leads from before to after."""

from __future__ import annotations

import copy
import random

import pytest

from plugin_core.model.patches import apply_merge_patch, merge_patch


@pytest.mark.parametrize("before, after, patch", [
    ({}, {}, {}),
    ({"a": 1}, {"a": 1}, {}),
    ({"a": 1}, {"a": 2}, {"a": 2}),
    ({"a": 1}, {}, {"a": None}),
    ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
    ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": None}}),
    ({"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
    ({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
    ({"a": None}, {}, {}),
    ({}, {"a": None}, {}),
    ({"a": {"b": 1}}, {"a": {"b": 1, "c": None}}, {}),
    ({"a": 1}, {"a": None}, {"a": None}),
])
def test_smallest_patch(before, after, patch):
    assert merge_patch(before, after) == patch


@pytest.mark.parametrize("target, patch, result", [
    ({"a": {"b": 1}}, {"a": {"b": None, "c": 2}}, {"a": {"c": 2}}),
    ({"a": [1]}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ({}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
    ({"a": 1}, ["list"], ["list"]),
    ("text", {"a": 1}, {"a": 1}),
])
def test_apply(target, patch, result):
    assert apply_merge_patch(target, patch) == result


def _tree(chance: random.Random, depth: int = 3):
    kind = chance.randrange(6 if depth else 3)
    if kind >= 3:
        return {chance.choice("abcd"): _tree(chance, depth - 1) for _ in range(chance.randrange(4))}
    return [chance.randrange(2, 9), chance.choice(["x", "", "y"]), [chance.randrange(2, 4)]][kind]


@pytest.mark.parametrize("seed", range(50))
def test_a_patch_leads_from_before_to_after_and_changes_neither(seed):
    chance = random.Random(seed)
    for _ in range(20):
        before, after = {"r": _tree(chance)}, {"r": _tree(chance)}
        kept = copy.deepcopy((before, after))
        patch = merge_patch(before, after)
        result = apply_merge_patch(before, patch)
        assert result == after
        assert (before, after) == kept
        assert bool(patch) == (before != after)
        assert merge_patch(result, after) == {}


def test_the_result_shares_nothing_with_what_it_came_from():
    before = {"a": {"b": [1]}, "c": {"d": 1}}
    result = apply_merge_patch(before, {"c": {"e": 2}})
    result["a"]["b"].append(2)
    result["c"]["d"] = 9
    assert before == {"a": {"b": [1]}, "c": {"d": 1}}
