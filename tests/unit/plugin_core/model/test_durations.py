"""Durations, ages and deadlines."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from plugin_core.model.durations import Deadline, age_of, format_duration, parse_duration


@pytest.mark.parametrize("text, seconds", [
    ("0", 0), ("5", 5), ("1.5", 1.5), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("1h30m5s", 5405), ("2d", 172800),
    ("500ms", 0.5), ("1.5h", 5400), (" 10s ", 10), ("0s", 0), ("10000d", 864000000),
])
def test_parse(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", [
    "", " ", "s", "-5s", "5 m", "5x", "5m3", "1h-5m", "m5", "١s", "1e3", "inf", "5S", "1,5h",
])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["10001d", "9" * 40])
def test_what_is_too_long(text):
    with pytest.raises(ValueError, match="longer than"):
        parse_duration(text)


@pytest.mark.parametrize("seconds, text", [
    (0, "0s"), (0.42, "0.4s"), (9.9, "9.9s"), (10.4, "10s"), (45, "45s"), (60, "1m"), (303, "5m3s"), (3600, "1h"),
    (3661, "1h1m"), (7200, "2h"), (86400, "1d"), (90000, "1d1h"), (86400 * 400, "400d"),
])
def test_format(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize("timestamp, text", [
    (None, "<unknown>"), ("", "<unknown>"), ("2026-01-01T00:00:00Z", "1h"), ("2026-01-01T00:30:00+00:00", "30m"),
    ("2026-01-01T00:59:59.5Z", "0s"), ("2026-01-01T05:00:00Z", "0s"),
])
def test_age(timestamp, text):
    assert age_of(timestamp, now=datetime(2026, 1, 1, 1, tzinfo=timezone.utc)) == text


def test_deadline():
    deadline = Deadline.after(60)
    assert 59 < deadline.left <= 60 and not deadline.passed and deadline.seconds == 60
    over = Deadline.after(0)
    assert over.left == 0 and over.passed
