"""Quantities: the grammar of Kubernetes, in whole bytes."""

from __future__ import annotations

import pytest

from plugin_core.model.quantities import LARGEST, format_quantity, parse_quantity, round_up_to_mebibytes


@pytest.mark.parametrize("text, size", [
    ("0", 0), ("1", 1), (656257, 656257), ("+5", 5), ("-5", -5), (" 10Gi ", 10 * 1024**3),
    ("1.5Gi", 1610612736), ("0.5", 1), (".5Gi", 512 * 1024**2), ("1.", 1), ("1.Ki", 1024), ("100m", 1), ("1500m", 2),
    ("1n", 1), ("1u", 1), ("1e3", 1000), ("1E3", 1000), ("1e+3", 1000), ("5e-1", 1), ("1E", 10**18), ("1Ei", 1024**6),
    ("1k", 1000), ("1M", 10**6), ("12G", 12 * 10**9), ("2T", 2 * 10**12), ("3P", 3 * 10**15), ("1Ki", 1024),
    ("7Ti", 7 * 1024**4), ("9223372036854775807", LARGEST), ("1.000000000000000000001", 2),
])
def test_parse(text, size):
    assert parse_quantity(text) == size


@pytest.mark.parametrize("text", [
    "", " ", "Gi", "1K", "1gi", "1GiB", "10 Gi", "1,5Gi", "1e", "e3", "0x10", "1Gi1", "--1", "inf", "nan", "½Gi", "١Gi",
    "None", ".", "1m5", "1e1.5",
])
def test_what_is_no_quantity(text):
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        parse_quantity(text)


@pytest.mark.parametrize("text", ["1e19", "8Ei", "1e999999999", "9" * 61, "-1e400", "9223372036854775808"])
def test_what_is_too_much(text):
    with pytest.raises(ValueError, match="more than Kubernetes can count"):
        parse_quantity(text)


@pytest.mark.parametrize("size, text", [
    (0, "0"), (1, "1"), (1023, "1023"), (1024, "1Ki"), (1536, "1536"), (10 * 1024**3, "10Gi"), (1610612736, "1536Mi"),
    (1024**6, "1Ei"), (2042, "2042"), (10**9, "1000000000"),
])
def test_format_is_exact(size, text):
    assert format_quantity(size) == text
    assert parse_quantity(text) == size


@pytest.mark.parametrize("size, rounded", [(0, 0), (1, 1024**2), (1024**2, 1024**2), (1024**2 + 1, 2 * 1024**2)])
def test_round_up_to_mebibytes(size, rounded):
    assert round_up_to_mebibytes(size) == rounded
