"""Hold every pod that uses a volume still while it is copied.

A storage array cuts a snapshot at one instant below the file system. A directory copy has no such instant: files
copied late are newer than files copied early. So the point-in-time variants stop (SIGSTOP) all processes that can see
the volume, copy, and let them go on (SIGCONT). To the applications this is what an array's cut is: whatever was written
is in it, in the order it was written, and nothing else. It is the stand-in for an atomic cut, and its limits are these:

- Processes count as users of a volume when their mount namespace shows it and is no node's. The namespace a volume was
  published in is a node's: there live the kubelet and the container runtime, and they are not stopped.
- A process that enters a pod during the copy (``kubectl exec``) runs. Copies are short.
- A pod sees a pause, as it would with an array that quiesces its I/O.

Whatever happens, the processes go on: at the end, on an error, after ``COPY_LIMIT`` (in ``copies``), and when this
process is killed: a guardian process holds the list and continues all on it as soon as our end of its pipe closes.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import grpc

from sandbox.csi import mounts
from sandbox.csi.refusals import Refusal

STOP_LIMIT = 5.0
"""Seconds within which stopped processes must really stand still. One stuck in the kernel may not: then no cut."""
_STILL = frozenset("TtZX")
_GUARDIAN = 'while read -r pid; do pids="$pids $pid"; done; [ -z "$pids" ] || kill -CONT $pids'


@contextmanager
def stopped_writers(folders: list[Path], *, nodes: set[str]) -> Iterator[None]:
    """No process that can see one of these folders runs within this block, but those in the nodes' own namespaces."""
    origins = [mounts.find_origin(folder) for folder in folders]
    stopped: set[int] = set()
    guardian: subprocess.Popen[str] | None = None
    try:
        deadline = time.monotonic() + STOP_LIMIT
        # Until a whole look finds nothing running: a process may fork between being seen and being stopped.
        while running := {pid for pid in find_users(origins, nodes=nodes) if not _stands_still(pid)}:
            if guardian is None:
                guardian = _start_guardian()
            for pid in running - stopped:
                _tell(guardian.stdin, pid)
                stopped.add(pid)
                _signal(pid, signal.SIGSTOP)
            if time.monotonic() > deadline:
                raise Refusal(
                    grpc.StatusCode.UNAVAILABLE,
                    f"processes {sorted(running)} use the volume and did not stop within {STOP_LIMIT:g} s",
                )
        yield
    finally:
        for pid in stopped:
            _signal(pid, signal.SIGCONT)
        if guardian is not None:
            guardian.communicate()


def find_users(origins: list[mounts.Origin], *, nodes: set[str]) -> set[int]:
    """The processes that have one of these folders mounted, in a namespace that is neither ours nor a node's."""
    shows = dict.fromkeys({"", mounts.find_namespace(), *nodes}, False)
    users = set()
    for pid in mounts.list_processes():
        namespace = mounts.find_namespace(pid)
        if namespace not in shows:
            seen = mounts.read_mounts(pid)
            shows[namespace] = any(origin.is_of(mount) for mount in seen for origin in origins)
        if shows[namespace]:
            users.add(pid)
    return users


def _stands_still(pid: int) -> bool:
    """Whether no thread of the process runs. One that is gone stands very still."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        # The name, in parentheses, may hold anything; the state follows the last one.
        return all((task / "stat").read_text().rpartition(")")[2].split()[0] in _STILL for task in threads)
    except (FileNotFoundError, ProcessLookupError):
        return not Path(f"/proc/{pid}").exists()


def _start_guardian() -> "subprocess.Popen[str]":
    # In a session of its own, so that what ends our process group does not end it too.
    return subprocess.Popen(
        ["sh", "-c", _GUARDIAN],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def _tell(pipe: IO[str] | None, pid: int) -> None:
    assert pipe is not None
    pipe.write(f"{pid}\n")
    pipe.flush()


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
