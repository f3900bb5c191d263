"""Names of sets and members: always DNS labels, never the same for two claims."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from kubectl_rwx.protection.set_names import generate_set_name, is_dns_label, member_name

NOON = datetime(2026, 11, 21, 12, 15, 0, tzinfo=timezone.utc)
LONG = "a" * 200


@pytest.mark.parametrize(("base", "name"), [
    ("data", "data-20261121-121500-x7f3"),
    ("my.data", "my-data-20261121-121500-x7f3"),
    (LONG, "a" * 42 + "-20261121-121500-x7f3"),
    ("a" * 41 + "-b", "a" * 41 + "-20261121-121500-x7f3"),
])
def test_generated(base: str, name: str) -> None:
    generated = generate_set_name(base, now=NOON, random="x7f3")
    assert generated == name
    assert is_dns_label(generated)


def test_two_in_the_same_second_differ() -> None:
    assert len({generate_set_name("data", now=NOON) for _ in range(50)}) > 45


def test_members() -> None:
    assert member_name("nightly", "data", alone=True) == "nightly"
    assert member_name("nightly", "data", alone=False) == "nightly-data"


def test_members_that_do_not_fit_stay_apart() -> None:
    claims = [LONG + "-1", LONG + "-2", "a.b", "a-b"]
    found = [member_name("n" * 60, claim, alone=False) for claim in claims]
    assert len(set(found)) == len(claims)
    assert all(is_dns_label(name) for name in found)
