"""Which snapshots stay: rules by count and age, sets kept whole, the last ready one, and what is in use."""

from __future__ import annotations

import pytest

from fakes.storage import snapshot
from kubectl_rwx.protection.retention import Decision, Rules, decide
from plugin_core import errors, names
from plugin_core.model.manifests import Manifest, name_of

HOUR = 3600.0


def ours(name: str, *, claim: str = "data", hours: float = 1, set_name: str = "", group: str = "", ready: bool = True,
         error: str = "") -> Manifest:
    labels = {names.MANAGED_BY_LABEL: names.RWX, **({names.SET_LABEL: set_name} if set_name else {})}
    made = snapshot(name, claim=claim, seconds_ago=hours * HOUR, labels=labels, ready=ready, error=error)
    if group:
        made["status"]["volumeGroupSnapshotName"] = group
    return made


def series(*hours: float, claim: str = "data") -> list[Manifest]:
    return [ours(f"{claim}-{hour:g}h", claim=claim, hours=hour) for hour in hours]


def going(decisions: list[Decision]) -> set[str]:
    return {name_of(one.snapshot) for one in decisions if not one.keep}


def reason(decisions: list[Decision], name: str) -> str:
    return next(one.reason for one in decisions if name_of(one.snapshot) == name)


@pytest.mark.parametrize(("rules", "gone"), [
    (Rules(keep_last=1), {"data-2h", "data-30h", "data-50h"}),
    (Rules(keep_last=3), {"data-50h"}),
    (Rules(keep_last=9), set()),
    (Rules(keep_within=24 * HOUR), {"data-30h", "data-50h"}),
    (Rules(keep_within=1.0), {"data-2h", "data-30h", "data-50h"}),
    (Rules(keep_last=3, keep_within=24 * HOUR), {"data-50h"}),
    (Rules(keep_last=1, keep_within=40 * HOUR), {"data-50h"}),
])
def test_count_and_age(rules: Rules, gone: set[str]) -> None:
    assert going(decide(series(1, 2, 30, 50), rules, uses={})) == gone


def test_each_claim_has_its_own_last() -> None:
    decided = decide(series(1, 2) + series(90, 91, claim="logs"), Rules(keep_last=1), uses={})
    assert going(decided) == {"data-2h", "logs-91h"}
    assert reason(decided, "logs-90h") == "number 1 of the last 1 of logs"


def test_the_last_ready_one_stays_however_old() -> None:
    there = [ours("old", hours=900), ours("new-broken", hours=1, ready=False, error="no space")]
    decided = decide(there, Rules(keep_within=HOUR), uses={})
    assert going(decided) == set()
    assert reason(decided, "old") == "the last ready one of data"
    assert reason(decided, "new-broken") == "it is not ready, and no newer one of data is"


def test_a_failed_one_goes_once_a_newer_one_is_ready() -> None:
    there = [ours("failed", hours=5, ready=False, error="no space"), ours("good", hours=1)]
    assert going(decide(there, Rules(keep_last=5), uses={})) == {"failed"}


def test_others_snapshots_neither_go_nor_count() -> None:
    foreign = [snapshot("velero", seconds_ago=60)]
    decided = decide(series(2, 3) + foreign, Rules(keep_last=1), uses={})
    assert going(decided) == {"data-3h"}
    assert "--include-foreign" in reason(decided, "velero")
    assert going(decide(series(2, 3) + foreign, Rules(keep_last=1, include_foreign=True), uses={})) == {
        "data-2h", "data-3h"}


def test_what_is_in_use_or_going_already_stays() -> None:
    leaving = ours("leaving", hours=9)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    uses = {"data-2h": "claim x is being restored from it"}
    decided = decide([*series(1, 2), leaving], Rules(keep_last=1), uses=uses)
    assert going(decided) == set()
    assert reason(decided, "data-2h") == "claim x is being restored from it"
    assert reason(decided, "leaving") == "it is being deleted already"


def test_a_set_stays_whole_when_one_member_must() -> None:
    there = [
        ours("s1-a", claim="a", hours=9, set_name="s1"), ours("s1-b", claim="b", hours=9, set_name="s1"),
        ours("s2-a", claim="a", hours=1, set_name="s2"),
    ]
    decided = decide(there, Rules(keep_last=1), uses={})
    assert going(decided) == set()
    assert reason(decided, "s1-a") == "set s1 stays whole: s1-b stays"
    assert going(decide(there, Rules(keep_last=1, by_set=False), uses={})) == {"s1-a"}


def test_a_group_stays_whole_even_per_source() -> None:
    there = [
        ours("g-a", claim="a", hours=9, group="g"), ours("g-b", claim="b", hours=9, group="g"), ours("n-a", claim="a"),
    ]
    decided = decide(there, Rules(keep_last=1, by_set=False), uses={})
    assert going(decided) == set()
    assert reason(decided, "g-a") == "group g stays whole: g-b stays"


@pytest.mark.parametrize("make", [lambda: Rules(), lambda: Rules(keep_last=-1), lambda: Rules(keep_within=-5.0)])
def test_a_rule_must_be_given(make: object) -> None:
    with pytest.raises(errors.UsageError, match="say what to keep"):
        make()  # type: ignore[operator]
