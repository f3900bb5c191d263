"""What a pod did against the rules of one SCC, and the words the API server uses to say so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Violation:
    """One rule of an SCC that a pod breaks.

    ``what`` is a short word for the kind of rule (``capabilities``, ``runAsUser``, ``volumes``…), ``field`` the path
    as OpenShift writes it, ``value`` the offending value (``""`` where OpenShift names none, ``None`` for an unset
    one) and ``message`` OpenShift's reason.  ``kind`` and ``scoped`` matter for the full text only: volume, seccomp
    and sysctl messages do not name the SCC that refused.
    """

    what: str
    field: str
    value: Any
    message: str
    kind: str = "Invalid value"
    scoped: bool = True

    def text(self, scc_name: str) -> str:
        """The violation as it stands in the API server's answer for the SCC ``scc_name``."""
        path = f"provider {scc_name}: .{self.field}" if self.scoped else self.field
        shown = f" {_show(self.value)}:" if self.kind == "Invalid value" else ""
        return f"{path}: {self.kind}:{shown} {self.message}"


def _show(value: Any) -> str:
    if value is None:
        return '"null"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[]int64{" + ", ".join(str(item) for item in value) + "}"
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)


def not_usable(scc_name: str) -> str:
    """The text for an SCC that neither the service account nor the requester may use."""
    return f'provider "{scc_name}": Forbidden: not usable by user or serviceaccount'


def aggregate(messages: Iterable[str]) -> str:
    """Several messages as one: repeated ones once, brackets only around more than one."""
    unique = list(dict.fromkeys(messages))
    return unique[0] if len(unique) == 1 else "[" + ", ".join(unique) + "]"
