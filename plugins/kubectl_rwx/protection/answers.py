"""What an operation on many objects returns: the report of what there is, and one error that sums up the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.model.reports import Report

SHOWN = 20
"""Problems told in one message; the others are counted, and all are in the JSON."""


@dataclass(frozen=True)
class Problem:
    """One object that was not done. subject: "persistentvolumeclaim/data"."""

    subject: str
    error: errors.PluginError

    @property
    def item(self) -> dict[str, str]:
        """Its form in JSON."""
        return {"object": self.subject, "message": self.error.message, "hint": self.error.hint}


@dataclass(frozen=True)
class Answer:
    """report is shown first; then failure, when there is one, is raised."""

    report: Report
    failure: errors.PluginError | None = None


def sum_up(problems: Sequence[Problem], *, done: int, undone: str) -> errors.PluginError | None:
    """One error for all problems; None for none.

    done: how many objects went well; any makes it PartlyDone. undone: what is so with the others, e.g. "claims have
    no ready snapshot". Nothing done and one kind of problem keeps that kind's exit code.
    """
    if not problems:
        return None
    if len(problems) == 1 and not done:
        only = problems[0]
        return _same_kind(only.error, message=f"{only.subject}: {only.error.message}", hint=only.error.hint)
    lines = [f"{problem.subject}: {problem.error.message}" for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        lines.append(f"and {len(problems) - SHOWN} more (all of them with -o json)")
    hints = list(dict.fromkeys(problem.error.hint for problem in problems if problem.error.hint))
    hint = "\n       ".join(hints[:3])
    total = done + len(problems)
    message = f"{len(problems)} of {total} {undone}:" + "".join(f"\n  {line}" for line in lines)
    if done:
        return errors.PartlyDone(message, hint=hint)
    codes = {problem.error.exit_code for problem in problems}
    if len(codes) == 1:
        return _same_kind(problems[0].error, message=message, hint=hint)
    return errors.PluginError(message, hint=hint)


def _same_kind(error: errors.PluginError, *, message: str, hint: str) -> errors.PluginError:
    """An error with that one's exit code and other words."""
    return type(error)(message, hint=hint)
