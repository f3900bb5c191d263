"""One measured observation and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(str, Enum):
    """skip: not applicable here, with the reason in `observed`; never a silent pass."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Check:
    """name: what was looked at. observed: the measured value. advice: what to do about it; "" when nothing."""

    name: str
    verdict: Verdict
    observed: str
    advice: str = ""
