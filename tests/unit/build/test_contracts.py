"""The import contracts can fail."""

from __future__ import annotations

from unit.build.scripts import load


def test_every_breach_is_noticed():
    assert load("prove_contracts").unnoticed_breaches() == []
