"""A Progress that remembers what it was told."""

from __future__ import annotations

from plugin_core.model.progress import Silence


class Recorder(Silence):
    """notes, warnings and phases in order; reasons: each new waiting_for."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.phases: list[str] = []
        self.reasons: list[str] = []

    def phase(self, text: str, *, total: int = 0) -> None:
        self.phases.append(text)

    def update(self, *, done: int, waiting_for: str = "") -> None:
        if waiting_for and waiting_for not in self.reasons:
            self.reasons.append(waiting_for)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
