"""What is wrong, or worth knowing, with what was observed: each with why it matters and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from plugin_core.model.reports import Item


class Severity(str, Enum):
    """fail: something does not work. warn: it will bite. note: good to know."""

    FAIL = "fail"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """code: stable, for scripts. subject: the object, "volumesnapshotclass/x". command: "" when none would help."""

    severity: Severity
    code: str
    subject: str
    observed: str
    matters: str
    command: str = ""

    @property
    def item(self) -> Item:
        """Its form in JSON."""
        return {
            "severity": self.severity.value, "code": self.code, "subject": self.subject, "observed": self.observed,
            "matters": self.matters, "command": self.command or None,
        }


def finding_lines(item: Item) -> tuple[str, ...]:
    """Its form for people."""
    lines = [f"{item['severity']}  {item['subject']}: {item['observed']}", item["matters"]]
    return (*lines, f"$ {item['command']}") if item["command"] else tuple(lines)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By severity, otherwise in the order they were found; a repeat counts once."""
    order = list(Severity)
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.severity)))
