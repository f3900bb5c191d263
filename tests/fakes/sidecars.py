"""A sidecar in memory, with a kopia whose capabilities can be taken one by one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from oc_gsb.sidecar.probe_scripts import CLEAN, FIND_CLOSED, LOOK, PREPARE
from plugin_core.kube.cluster import ExecResult

CLOSED = "file 70 600 1700000000 /data/data/pg/secret\n"
DENIED = ExecResult(1, "", "open: permission denied\n")


@dataclass
class Sidecar:
    """owns, reads, reads_claim: what kopia's capabilities are good for. found: what a search on the claim answers.

    broken: first words of a kopia command → what happens instead.
    """

    owns: bool = True
    keeps_time: bool = True
    reads: bool = True
    reads_claim: bool = True
    plain_reads: bool = False
    source: str = "file 0 644 1690000000 /etc/hosts\n"
    found: str = CLOSED
    broken: dict[str, ExecResult | BaseException] = field(default_factory=dict)
    cleaned: list[str] = field(default_factory=list)
    seen: list[Sequence[str]] = field(default_factory=list)

    def __call__(self, command: Sequence[str]) -> ExecResult:
        self.seen.append(command)
        words = " ".join(command[:3])
        if words in self.broken:
            answer = self.broken[words]
            if isinstance(answer, BaseException):
                raise answer
            return answer
        if command[0] == "bash" and len(command) > 4:
            return self._script(command[2], command[4])
        if words == "kopia snapshot create":
            path = command[3]
            allowed = self.reads_claim if path.startswith("/data/") else self.reads if "closed" in path else True
            made = {"id": "s1", "rootEntry": {"obj": "o-hosts"}}
            return ExecResult(0, json.dumps(made), "") if allowed else DENIED
        return ExecResult(0, "0.21\n", "")

    def _script(self, script: str, path: str) -> ExecResult:
        owner, time = (0, 1690000000) if self.owns else (1000680000, 1690000000)
        shown = f"file {owner} 600 {time if self.keeps_time else 1764000000} {path}\n"
        if script == CLEAN:
            self.cleaned.append(path)
        return ExecResult(0, {
            PREPARE: self.source, LOOK: shown + ("readable\n" if self.plain_reads else "closed\n"),
            FIND_CLOSED: self.found, CLEAN: "",
        }[script], "")
