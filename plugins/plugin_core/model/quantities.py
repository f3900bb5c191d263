"""Kubernetes quantities as whole bytes, and back.

Grammar: k8s.io/apimachinery pkg/api/resource/quantity.go. Storage is whole bytes: a fraction rounds up, as in the API.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, localcontext

_QUANTITY = re.compile(r"([+-]?[0-9]*\.?[0-9]+|[+-]?[0-9]+\.)(?:([KMGTPE]i|[numkMGTPE]|)|[eE]([+-]?[0-9]+))")
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_FACTORS = {
    "": Decimal(1),
    **{unit: Decimal(1024) ** power for power, unit in enumerate(_BINARY, start=1)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{unit: Decimal(1000) ** -power for power, unit in enumerate("mun", start=1)},
}
MEBIBYTE = 1024**2
LARGEST = 2**63 - 1
"""Kubernetes counts in 64 bits."""

_LONGEST = 60
"""Digits of a number that is still looked at."""


def parse_quantity(text: str | int) -> int:
    """Bytes of a quantity such as "10Gi", "1e9" or 656257; fractions round up. Raises ValueError on anything else."""
    return math.ceil(parse_amount(text))


def parse_amount(text: str | int) -> Decimal:
    """The exact value of a quantity, for CPU too: "100m" is 0.1. Raises ValueError on anything else."""
    match = _QUANTITY.fullmatch(str(text).strip())
    if not match:
        raise ValueError(f'"{text}" is not a Kubernetes quantity (examples: 10Gi, 500Mi, 1e9)')
    number, unit, exponent = match.groups()
    if len(number) > _LONGEST or len(exponent or "") > 3:
        raise ValueError(f'"{text}" is more than Kubernetes can count (8Ei)')
    factor = Decimal(10) ** int(exponent) if exponent else _FACTORS[unit or ""]
    with localcontext(prec=_LONGEST + 30):
        amount = Decimal(number) * factor
    if abs(amount) > LARGEST:
        raise ValueError(f'"{text}" is more than Kubernetes can count (8Ei)')
    return amount


def format_quantity(size: int) -> str:
    """The shortest exact binary form of a number of bytes: 10737418240 → "10Gi", 2042 → "2042"."""
    for power, unit in reversed(list(enumerate(_BINARY, start=1))):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power}{unit}"
    return str(size)


def round_up_to_mebibytes(size: int) -> int:
    """The next whole Mi; drivers reject or silently round odd byte counts."""
    return math.ceil(size / MEBIBYTE) * MEBIBYTE
