"""Durations and ages as kubectl writes them."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
LONGEST = 10_000 * 86400.0
"""Seconds; anything beyond is a slip of the finger, and too much for the system's clocks."""


def parse_duration(text: str) -> float:
    """Seconds of "30s", "5m", "1h30m" or a bare number of seconds; "0" is 0. Raises ValueError on anything else."""
    stripped = text.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", stripped):
        stripped += "s"
    parts = _PART.findall(stripped)
    if not parts or "".join(number + unit for number, unit in parts) != stripped:
        raise ValueError(f'"{text}" is not a duration (examples: 30s, 5m, 1h30m)')
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > LONGEST:
        raise ValueError(f'"{text}" is longer than 10000d')
    return seconds


def format_duration(seconds: float) -> str:
    """ "0.4s", "45s", "5m3s", "2h", "3d": two units at most, as kubectl shows ages."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f}s"
    whole = int(seconds)
    for size, unit, smaller_size, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            rest = (whole % size) // smaller_size
            return f"{whole // size}{unit}" + (f"{rest}{smaller}" if rest else "")
    return f"{whole}s"


def age_of(timestamp: str | None, *, now: datetime | None = None) -> str:
    """Time since an RFC 3339 timestamp; "<unknown>" for None."""
    return format_duration(int(seconds_since(timestamp, now=now))) if timestamp else "<unknown>"


def seconds_since(timestamp: str | None, *, now: datetime | None = None) -> float:
    """Seconds since an RFC 3339 timestamp by this machine's clock, never below 0; 0 for None."""
    if not timestamp:
        return 0.0
    then = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    return max(0.0, ((now or datetime.now(timezone.utc)) - then).total_seconds())


@dataclass(frozen=True)
class Deadline:
    """A point on the monotonic clock. seconds: the budget it was made from, for messages."""

    at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(at=time.monotonic() + seconds, seconds=seconds)

    @property
    def left(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.left <= 0
