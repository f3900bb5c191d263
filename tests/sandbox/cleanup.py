"""Take a sandbox down, in whatever condition it is, and leave nothing of it on the machine.

Order matters: first what starts things, then what was started, then the folders. Mounts need no care:
they are the nodes' own and go with the nodes' last process.
"""

import ipaddress
import json
import os
import shutil
import subprocess
from pathlib import Path

from sandbox import machine, waiting
from sandbox.processes import kill, marked_pids, recorded_processes
from sandbox.state import NODES, State

_SUBNET_PORTS = [f"{node}-kubelet" for node in NODES]
"""Whose port a node's pod subnet is made of."""


def stop_processes(state: State) -> None:
    """End every process of the sandbox, containers included."""
    for process in recorded_processes(state):
        if process.is_alive():
            kill(process.pid)
    waiting.wait_until(
        lambda: not _kill_rest(state), what=f"the end of every process of {state.name!r}", interval=0.02
    )


def remove(state: State) -> None:
    """Stop it and remove all its traces; one that does not exist is fine."""
    if state.exists():
        devices = _pod_network_devices(state)
        stop_processes(state)
        _delete_devices(devices)
        _unmount_below(state.directory)
        waiting.wait_until(
            lambda: _remove_cgroups(state), what=f"removing the cgroups of {state.name!r}", timeout=20
        )
        shutil.rmtree(state.directory)
    machine.leave(state.directory)


def _kill_rest(state: State) -> list[int]:
    """Kill what is left: containers by their cgroup, shims and the like by their mark; return whom."""
    pids = [*_container_pids(state), *marked_pids(state)]
    for pid in pids:
        kill(pid)
    return pids


def _cgroup_folders(state: State) -> list[Path]:
    """The cgroups of our containers in each hierarchy; which are ours, our containerds' folders say."""
    tasks = state.directory.glob(f"*/containerd/io.containerd.runtime.v2.task/{machine.CONTAINERS_CGROUP}/*")
    containers = [task.name for task in tasks]
    parents = machine.cgroup_folders(machine.CONTAINERS_CGROUP)
    return [folder for parent in parents for name in containers if (folder := parent / name).exists()]


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


def _pod_network_devices(state: State) -> list[str]:
    """This machine's ends of the pods' cables: the devices that routes into our nodes' subnets lead to."""
    ports: dict[str, int] = state.fact("ports") or {}
    subnets = [
        ipaddress.IPv4Network(machine.subnet_of(port))
        for name, port in ports.items()
        if name in _SUBNET_PORTS
    ]
    listed = subprocess.run(["ip", "-json", "-4", "route"], capture_output=True, text=True, check=True).stdout
    found: set[str] = set()
    for route in json.loads(listed or "[]"):
        if route["dst"] != "default":
            target = ipaddress.IPv4Network(route["dst"])
            found.update(route["dev"] for subnet in subnets if subnet.supernet_of(target))
    return sorted(found)


def _delete_devices(devices: list[str]) -> None:
    """Delete them now: with their namespaces they would go too, but only some time later."""
    for device in devices:
        subprocess.run(["ip", "link", "delete", device], capture_output=True)
    gone = [Path("/sys/class/net") / device for device in devices]
    waiting.wait_until(
        lambda: not any(path.exists() for path in gone), what=f"{devices} going away", timeout=20
    )


def _unmount_below(directory: Path) -> None:
    """Undo mounts somebody made below our folder outside the nodes, lest we remove things through them."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted(points, key=len, reverse=True):
        if Path(point).is_relative_to(directory):
            subprocess.run(["umount", "--lazy", point], check=True)
