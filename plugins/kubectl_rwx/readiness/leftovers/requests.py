"""What `cleanup` is asked for, and one thing that it found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from plugin_core import errors, names
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of, part_of


@dataclass(frozen=True)
class CleanupRequest:
    """run "": of all runs, and then only what is older than `older_than` seconds, since others may be at work.

    force: also of a verification that may still be at work by its own account (kubectl-rwx.io/run-until); one alone,
    the run that somebody knows to be dead.
    """

    run: str = ""
    older_than: float = 600.0
    timeout: float = 300.0
    force: bool = False

    def __post_init__(self) -> None:
        if self.force and not self.run:
            raise errors.UsageError("--force is for one run: others may be at work",
                                    hint="name it with --run ID; kubectl rwx cleanup --dry-run=client shows the ids")

    @property
    def labels(self) -> str:
        return f"{names.MANAGED_BY_LABEL}={names.RWX}" + (f",{names.RUN_LABEL}={self.run}" if self.run else "")

    def why_young(self, manifest: Manifest) -> str:
        """Why it is left alone; "" when it is old enough, or its run was named."""
        age = seconds_since(part_of(manifest, "metadata", "creationTimestamp"))
        if self.run or age >= self.older_than:
            return ""
        return f"younger than {format_duration(self.older_than)}: a run may still need it (--older-than, --run)"

    def why_at_work(self, manifest: Manifest, *, now: datetime | None = None) -> str:
        """Why the run that made it may go on; "" when it is over for sure, or --force. A run that says no time: by age.

        A run that is killed says nothing, so its time has to pass, or somebody has to know better.
        """
        said = annotations_of(manifest).get(names.RUN_UNTIL, "")
        if self.force:
            return ""
        if not said:
            return self.why_young(manifest)
        until = datetime.fromisoformat(said.replace("Z", "+00:00"))
        if (now or datetime.now(timezone.utc)) >= until:
            return ""
        run = labels_of(manifest).get(names.RUN_LABEL, "ID")
        return f"its verify may be at work until {said}; if it was killed: --run {run} --force"


@dataclass(frozen=True)
class Leftover:
    """kept "": to be removed; else why it stays."""

    manifest: Manifest
    kept: str = ""

    @property
    def subject(self) -> str:
        return describe(self.manifest)


def describe(manifest: Manifest) -> str:
    """kind/name, as in problems."""
    return f"{str(manifest.get('kind', '')).lower()}/{name_of(manifest)}"
