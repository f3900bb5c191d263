"""What /proc says about a container: capability sets, the no-new-privileges flag, and what is mounted where. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

CAPABILITY_BITS = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3}
"""include/uapi/linux/capability.h"""

COMMAND = ("cat", "/proc/self/status", "/proc/self/mountinfo")
"""One exec for all of it; `cat` has no file capabilities, so its effective set is a plain process's."""


@dataclass(frozen=True)
class Measurement:
    """bounding, effective: capability sets as the kernel shows them. no_new_privileges: NoNewPrivs.

    mounts: mount points and their file system type. Fields are None when the kernel did not show them.
    """

    bounding: int | None
    effective: int | None
    no_new_privileges: bool | None
    user: int | None
    mounts: dict[str, str]


def parse_measurement(text: str) -> Measurement:
    """Reads the output of COMMAND; what is missing is None, what is neither is passed over."""
    flag = _field(text, "NoNewPrivs", r"([01])")
    user = _field(text, "Uid", r"(\d+)")
    return Measurement(
        bounding=_mask(text, "CapBnd"), effective=_mask(text, "CapEff"),
        no_new_privileges=None if flag is None else flag == "1", user=None if user is None else int(user),
        mounts=_mounts(text),
    )


def missing_bits(mask: int, capabilities: Sequence[str] = tuple(CAPABILITY_BITS)) -> tuple[str, ...]:
    """The capabilities whose bit is not in the mask."""
    return tuple(name for name in capabilities if not mask >> CAPABILITY_BITS[name] & 1)


def _field(text: str, name: str, pattern: str) -> str | None:
    match = re.search(rf"^{name}:\s*{pattern}", text, re.MULTILINE)
    return match[1] if match else None


def _mask(text: str, name: str) -> int | None:
    value = _field(text, name, r"([0-9a-f]+)")
    return None if value is None else int(value, 16)


def _mounts(text: str) -> dict[str, str]:
    """mountinfo lines: id parent major:minor root MOUNTPOINT options [tags] - TYPE source options (proc(5))."""
    found = {}
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if dash and len(fields) >= 6 and fields[0].isdigit():
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
            found[point] = after.split(" ")[0]
    return found
