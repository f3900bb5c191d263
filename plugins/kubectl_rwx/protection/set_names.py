"""Names of snapshot sets and of their members."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timezone

LONGEST = 63
"""A set's name is also a label value, and many drivers derive their own snapshot names from it."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
"""No vowels, nothing that reads like another."""


def is_dns_label(name: str) -> bool:
    return bool(_LABEL.fullmatch(name))


def generate_set_name(base: str, *, now: datetime | None = None, random: str = "") -> str:
    """BASE-20261121-121500-x7f3, in UTC; a long base is shortened, one with dots gets dashes."""
    stamp = (now or datetime.now(timezone.utc)).strftime("%Y%m%d-%H%M%S")
    tail = f"-{stamp}-{random or ''.join(secrets.choice(_ALPHABET) for _ in range(4))}"
    return _plain(base)[: LONGEST - len(tail)].strip("-") + tail


def member_name(set_name: str, claim: str, *, alone: bool) -> str:
    """The snapshot of one claim of a set: the set's own name when it is alone in it, else SET-CLAIM.

    What does not fit or is no DNS label as it stands is shortened and told apart by a hash of the claim's full name.
    """
    if alone:
        return set_name
    whole = f"{set_name}-{claim}"
    if is_dns_label(whole):
        return whole
    tail = "-" + hashlib.sha256(claim.encode()).hexdigest()[:8]
    return _plain(whole)[: LONGEST - len(tail)].strip("-") + tail


def generate_run() -> str:
    """The value of the run label: one for each run of a command."""
    return secrets.token_hex(6)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9-]", "-", name.lower()).strip("-")
