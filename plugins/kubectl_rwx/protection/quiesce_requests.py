"""How the writers of a set are to stand still while it is cut: the flags, checked without a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from plugin_core import errors
from plugin_core.model.kinds import CRON_JOB, DAEMON_SET, DEPLOYMENT, DEPLOYMENT_CONFIG, JOB, POD, STATEFUL_SET

WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, DEPLOYMENT_CONFIG, JOB, CRON_JOB)
"""What may be named in place of the claims that its pods mount."""

HOLDERS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, DEPLOYMENT_CONFIG, JOB, POD)
"""What may carry the record of a freeze or of a scale-down."""

NONE, HOOK, SCALE = "none", "hook", "scale"
CUT, READY = "cut", "ready"
FAIL, CONTINUE = "fail", "continue"

SHORTEST = 5.0
"""Seconds; a freeze that may end sooner leaves no time for a cut."""


@dataclass(frozen=True)
class QuiesceRequest:
    """mode: none, hook or scale. freeze, thaw: shell commands; "" means the pods' own Velero annotations.

    container "": the one that mounts the claims. freeze_timeout: seconds after which the timer in the pod thaws,
    whatever has become of us. hold_until: cut or ready. on_freeze_error: fail or continue. force: go on although some
    writers will not stand still.
    """

    mode: str = NONE
    freeze: str = ""
    thaw: str = ""
    container: str = ""
    freeze_timeout: float = 60.0
    hold_until: str = CUT
    on_freeze_error: str = FAIL
    force: bool = False

    def __post_init__(self) -> None:
        if bool(self.freeze) != bool(self.thaw):
            given, lacking = ("--freeze", "--thaw") if self.freeze else ("--thaw", "--freeze")
            raise errors.UsageError(
                f"{given} needs {lacking}: what is frozen must be thawed",
                hint="give both; when there is nothing to undo: --thaw true",
            )
        if self.mode != HOOK and (self.freeze or self.container):
            raise errors.UsageError(
                f"--freeze, --thaw and --container belong to --quiesce=hook, not to --quiesce={self.mode}",
                hint="use --quiesce=hook, or leave them out",
            )
        if self.freeze_timeout < SHORTEST:
            raise errors.UsageError("--freeze-timeout must be at least 5s", hint="the default is 60s")

    @property
    def on(self) -> bool:
        return self.mode != NONE
