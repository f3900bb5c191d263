"""What all sandboxes of one machine share, and the last one out puts back.

Ports; the empty folders that nodes mount their own on; the parent cgroup of containers; IP forwarding,
which the network plugin switches on; the number of inotify instances, of which each sandbox takes some
18. A register in /run names the sandboxes that are up, so a reboot forgets it, as it forgets them.
"""

import fcntl
import json
import os
import random
import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Iterator

from sandbox.errors import SandboxError

REGISTER = Path("/run/rwx-sandbox.json")
MOUNT_POINTS = ("/var/lib/kubelet", "/var/lib/cni", "/var/log/containers")
"""Folders that programs have built in; a node sees its own there, the machine keeps an empty one at
most."""
CONTAINERS_CGROUP = "k8s.io"
"""The cgroup, in every hierarchy, that containerd puts the containers of kubelets in."""
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_WANTED = 512
"""The kernel's default of 128 is enough for seven sandboxes; the kubelets of the eighth end without a word."""
_PORTS = range(20000, 32000)
"""Below the range that the kernel gives to outgoing connections."""


@contextmanager
def _register(*, leaving: str = "") -> Iterator[dict[str, Any]]:
    """The register, locked, without sandboxes whose folder somebody removed; written back at the end.

    ``leaving`` is the one that may be without a folder. With nobody left in it the register goes, too.
    """
    folder = os.open(REGISTER.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        try:
            register = json.loads(REGISTER.read_text())
        except FileNotFoundError:
            register = {"sandboxes": {}, "made": [], "foreign": [], "forwarding": None}
        for forgotten in [path for path in register["sandboxes"] if not Path(path).exists()]:
            if forgotten != leaving:
                del register["sandboxes"][forgotten]
        yield register
        if register["sandboxes"]:
            unfinished = REGISTER.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(register))
            unfinished.rename(REGISTER)
        else:
            REGISTER.unlink(missing_ok=True)
    finally:
        os.close(folder)


def enter(directory: Path) -> None:
    """Register a sandbox before it starts anything; again is the same."""
    with _register() as register:
        if not register["sandboxes"]:
            register["forwarding"] = _FORWARDING.read_text().strip()
            register["foreign"] = [str(folder) for folder in cgroup_folders(CONTAINERS_CGROUP)]
        register["sandboxes"].setdefault(str(directory), [])
        if int(_INOTIFY.read_text()) < _INOTIFY_WANTED:
            with suppress(OSError):  # a container may not; then fewer sandboxes fit
                before = _INOTIFY.read_text().strip()
                _INOTIFY.write_text(f"{_INOTIFY_WANTED}\n")
                register["inotify"] = before
        for folder in MOUNT_POINTS:
            if not Path(folder).exists():
                register["made"].append(folder)
                Path(folder).mkdir()


def leave(directory: Path) -> None:
    """Forget a sandbox of which nothing runs any more; the last one puts the machine back as it was."""
    with _register(leaving=str(directory)) as register:
        if register["sandboxes"].pop(str(directory), None) is None or register["sandboxes"]:
            return
        for folder in reversed(register["made"]):
            with suppress(OSError):  # somebody else uses it by now
                Path(folder).rmdir()
        for cgroup in cgroup_folders(CONTAINERS_CGROUP):
            if str(cgroup) not in register["foreign"]:
                with suppress(OSError):
                    cgroup.rmdir()
        if register["forwarding"] == "0":
            _FORWARDING.write_text("0\n")
        if "inotify" in register:
            _INOTIFY.write_text(f"{register['inotify']}\n")


def cgroup_folders(name: str) -> list[Path]:
    """The folders of a cgroup: one for each hierarchy that has it."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    roots = [Path(fields[1]) for fields in lines if fields[2] in ("cgroup", "cgroup2")]
    return [folder for root in roots if (folder := root / name).exists()]


def take_port(directory: Path) -> int:
    """A free TCP port of 127.0.0.1 that stays this sandbox's until it leaves.

    Its number is unique among the sandboxes of this machine, and so is the pod subnet that ``subnet_of``
    makes of it.
    """
    with _register() as register:
        taken = {port for ports in register["sandboxes"].values() for port in ports}
        routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True).stdout
        for port in random.sample(_PORTS, len(_PORTS)):
            subnet = subnet_of(port).removesuffix("0/24")
            if port not in taken and subnet not in routes and _is_free(port):
                register["sandboxes"].setdefault(str(directory), []).append(port)
                return port
    raise SandboxError(f"no free TCP port between {_PORTS.start} and {_PORTS.stop}.")


def subnet_of(port: int) -> str:
    """A /24 that belongs to the owner of this port."""
    return f"10.{port >> 8}.{port & 255}.0/24"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
