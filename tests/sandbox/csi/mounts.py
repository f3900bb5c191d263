"""Bind mounts, and what ``/proc/<pid>/mountinfo`` says about them.

Each node of the sandbox is a mount namespace of one machine, so a mount is said by its path and its namespace.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import grpc

from sandbox.csi.refusals import Refusal

BINDABLE_FLAGS = frozenset({"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "strictatime"})
"""Mount options that belong to a mount rather than to a file system, so that a bind mount can have them."""


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo: what is mounted (device, and the folder of it) where and how."""

    device: str
    root: str
    point: str
    options: frozenset[str]


def read_mounts(pid: int | str = "self") -> list[Mount]:
    """The mounts a process sees, later ones over earlier ones; empty when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [_parse(line) for line in lines]


def _parse(line: str) -> Mount:
    _, _, device, root, point, options, *_ = line.split(" ")
    return Mount(device, _unescape(root), _unescape(point), frozenset(options.split(",")))


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


@dataclass(frozen=True)
class Origin:
    """A folder as mountinfo names it, the same in every mount namespace."""

    device: str
    root: str

    def is_of(self, mount: Mount) -> bool:
        """Whether the mount shows this folder or one below it (a container's subPath)."""
        return mount.device == self.device and f"{mount.root}/".startswith(f"{self.root}/")


def find_origin(folder: Path) -> Origin:
    """Where a folder of ours really lies."""
    path = str(folder.resolve())
    over = [mount for mount in read_mounts() if f"{path}/".startswith(mount.point.rstrip("/") + "/")]
    # max() gives the first of equals, and the last mount at a point is the one that is seen.
    mount = max(reversed(over), key=lambda item: len(item.point))
    below = path.removeprefix(mount.point.rstrip("/"))
    return Origin(mount.device, mount.root.rstrip("/") + below)


def list_processes() -> list[int]:
    """The processes of the machine at this moment."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def find_namespace(pid: int | str = "self") -> str:
    """The mount namespace a process lives in; empty when the process is gone."""
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return ""


def find_mount(target: str, *, namespace: str = "") -> Mount | None:
    """What is mounted at exactly this path, here or in another namespace; None also when that namespace is gone.

    The path is a real one: links are not resolved, as that could not be done in the other namespace.
    """
    member: int | str | None = "self"
    if namespace and namespace != find_namespace():
        member = next((pid for pid in list_processes() if find_namespace(pid) == namespace), None)
    mounts = read_mounts(member) if member else []
    return next((mount for mount in reversed(mounts) if mount.point == target), None)


def bind(folder: Path, target: str, *, options: frozenset[str]) -> None:
    """Mount a folder at a path; a half-made mount is taken away again."""
    _run("mount", "--bind", str(folder), target)
    if options:
        try:
            # The kernel ignores the options of a bind mount at first; only changing it applies them.
            _run("mount", "-o", ",".join(["remount", "bind", *sorted(options)]), target)
        except Refusal:
            _run("umount", target)
            raise


def unbind(target: str) -> None:
    """Undo every mount at this path. No mount there is fine."""
    while find_mount(target):
        _run("umount", target)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Refusal(grpc.StatusCode.INTERNAL, f"{' '.join(command)}: {done.stderr.strip()}")
