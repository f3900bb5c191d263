"""How an operation tells what it is doing, without printing."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told by operations, shown by render/."""

    def phase(self, text: str, *, total: int = 0) -> None:
        """A new phase begins, e.g. "waiting for 3 snapshots to be ready". total 0: it has no count."""

    def update(self, *, done: int, waiting_for: str = "") -> None:
        """done of total; waiting_for says why it is not over, in the observed words."""

    def note(self, text: str) -> None:
        """One line worth keeping, e.g. "volumesnapshot/a created"."""

    def warn(self, text: str) -> None:
        """One line the user must see, on stderr even with --quiet."""


class Silence:
    """Progress for callers that want none; also the base of test doubles."""

    def phase(self, text: str, *, total: int = 0) -> None:
        pass

    def update(self, *, done: int, waiting_for: str = "") -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def warn(self, text: str) -> None:
        pass
