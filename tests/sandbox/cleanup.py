"""Take a sandbox down, in whatever condition it is, and leave nothing of it on the machine.

Order matters: first what starts things, then what was started, then the folders. Mounts need no care: they are the nodes' own
and go with the nodes' last process.
"""

import os
import shutil
import subprocess
from pathlib import Path

from sandbox import machine, waiting
from sandbox.processes import kill, marked_pids, recorded_processes
from sandbox.state import State


def stop_processes(state: State) -> None:
    """End every process of the sandbox, containers included."""
    for process in recorded_processes(state):
        if process.is_alive():
            kill(process.pid)
    waiting.wait_until(lambda: not _kill_rest(state), what=f"the end of every process of {state.name!r}", interval=0.02)


def remove(state: State) -> None:
    """Stop it and remove all its traces; one that does not exist is fine."""
    if state.exists():
        stop_processes(state)
        _unmount_below(state.directory)
        waiting.wait_until(lambda: _remove_cgroups(state), what=f"removing the cgroups of {state.name!r}", timeout=20)
        shutil.rmtree(state.directory)
    machine.leave(state.directory)


def _kill_rest(state: State) -> list[int]:
    """Kill what is left: containers by their cgroup, shims and the like by their mark; return whom."""
    pids = [*_container_pids(state), *marked_pids(state)]
    for pid in pids:
        kill(pid)
    return pids


def _cgroup_folders(state: State) -> list[Path]:
    """The sandbox's folder in each cgroup hierarchy that has one."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    roots = [Path(fields[1]) for fields in lines if fields[2] in ("cgroup", "cgroup2")]
    return [folder for root in roots if (folder := root / state.cgroup.lstrip("/")).exists()]


def _container_pids(state: State) -> list[int]:
    pids: set[int] = set()
    for folder in _cgroup_folders(state):
        for parent, _, files in os.walk(folder):
            if "cgroup.procs" in files:
                try:
                    pids.update(map(int, (Path(parent) / "cgroup.procs").read_text().split()))
                except OSError:
                    continue
    return sorted(pids)


def _remove_cgroups(state: State) -> bool:
    """Remove the empty cgroups, innermost first; False while the kernel still holds one."""
    for folder in _cgroup_folders(state):
        for parent, _, _ in os.walk(folder, topdown=False):
            try:
                os.rmdir(parent)
            except FileNotFoundError:
                continue
            except OSError:
                return False
    return True


def _unmount_below(directory: Path) -> None:
    """Undo mounts that somebody made below our folder outside the nodes, so that nothing is removed through them."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted(points, key=len, reverse=True):
        if Path(point).is_relative_to(directory):
            subprocess.run(["umount", "--lazy", point], check=True)
