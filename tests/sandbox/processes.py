"""Start processes that outlive us, and find every one of them again, whatever was killed in between.

Each process writes its own record (pid, start time, boot) before it turns into the program asked for:
there is no moment at which it runs unrecorded. The record is trusted only while pid and start time still
belong together. Whatever those processes start in turn carries the same mark in its environment: the path
of our folder. Nothing is ever found by a program's name.
"""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Sequence

from sandbox import machine, toolchain
from sandbox.errors import SandboxError
from sandbox.state import State
from sandbox.waiting import interrupted, wait_until

_GARBAGE_PERCENT = "400"
"""What Go programs may let grow before they collect (100 unless told): processors are scarcer here than memory."""

MARK = "RWX_SANDBOX_PROCESS_OF"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_RECORD_THEN_RUN = (
    "record=$1; shift; read -r boot </proc/sys/kernel/random/boot_id; read -r line </proc/$$/stat; "
    'printf "%s\\n" "$$" "$line" "$boot" "$@" >"$record" && exec "$@"'
)
_SOURCES = Path(__file__).parents[2]


@dataclass(frozen=True)
class Process:
    """A process as recorded; it may be long gone."""

    name: str
    pid: int
    started: str
    arguments: tuple[str, ...]
    """The whole command line, program first."""

    def is_alive(self) -> bool:
        """Does this very process (not another with its pid) still run?"""
        return _start_time(self.pid) == self.started


def _stat_fields(line: str) -> list[str]:
    """The fields of /proc/PID/stat after the command's name, which may hold anything: state first."""
    return line.rpartition(")")[2].split()


def _start_time(pid: int) -> str | None:
    """When it started, in ticks since boot; None when there is no such process, or only its zombie."""
    try:
        fields = _stat_fields(Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def recorded_processes(state: State) -> list[Process]:
    """Every process ever started for this sandbox since the machine booted."""
    found = []
    boot = _BOOT.read_text().strip()
    for path in sorted(state.records.glob("*")):
        lines = path.read_text().split("\n")
        if len(lines) >= 4 and lines[2] == boot:
            found.append(
                Process(
                    name=path.name,
                    pid=int(lines[0]),
                    started=_stat_fields(lines[1])[19],
                    arguments=tuple(lines[3:-1]),
                )
            )
    return found


def marked_pids(state: State) -> list[int]:
    """Processes that carry our mark: started by us or by something we started, shims above all."""
    mark = f"{MARK}={state.directory}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def kill(pid: int) -> None:
    """End a process at once; one that is gone already is fine."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Supervisor:
    """Starts the processes of one sandbox during ``up``."""

    def __init__(self, state: State, *, python_path: Sequence[Path] = ()) -> None:
        self._state = state
        self._ports = threading.Lock()
        folders = [_SOURCES / "tests", _SOURCES / "plugins", *python_path]
        self._environment = {
            **{key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"},
            "PATH": f"{os.environ.get('PATH', '')}:{toolchain.SYSTEM_PATH}",
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "PYTHONUNBUFFERED": "1",
            "GOGC": _GARBAGE_PERCENT,
            MARK: str(state.directory),
        }

    def free_port(self, name: str) -> int:
        """A port under a name; asked again, the same."""
        with self._ports:
            ports: dict[str, int] = self._state.fact("ports") or {}
            if name not in ports:
                ports[name] = machine.take_port(self._state.directory)
                self._state.record("ports", ports)
            return ports[name]

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool] | None = None,
    ) -> int:
        """Start a process under a name of its own and return its pid, when ``ready`` says so."""
        if interrupted.is_set():
            raise SandboxError(f"interrupted before {name} was started.")
        record = self._state.records / name
        log = self._state.logs / f"{name}.log"
        with log.open("ab") as output:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _RECORD_THEN_RUN, "sandbox", str(record), *map(str, argv)],
                env={**self._environment, **(env or {})},
                cwd=self._state.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if ready is not None:
            self.wait_ready(name, child, ready)
        return child.pid

    def wait_ready(self, name: str, child: "subprocess.Popen[bytes]", ready: Callable[[], bool]) -> None:
        """Wait until ``ready``; a process that ends first fails at once, with the end of its log."""

        def ready_or_ended() -> bool:
            return child.poll() is not None or ready()

        wait_until(ready_or_ended, what=f"{name} getting ready", explain=lambda: self._tail(name))
        if child.poll() is not None:
            raise SandboxError(
                f"{name} ended with {child.returncode} instead of getting ready. {self._tail(name)}"
            )

    def _tail(self, name: str) -> str:
        log = self._state.logs / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines()[-8:]
        return "\n".join([f"The end of {log}:", *(f"  {line}" for line in lines)])


def python_module(*arguments: str) -> list[str]:
    """The command that runs one of our own modules."""
    return [sys.executable, "-m", *arguments]
