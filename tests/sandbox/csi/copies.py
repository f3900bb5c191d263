"""Copies of directory trees: at rest, live, packed and unpacked, and what faults do to them afterwards.

``copy_tree`` alone is no snapshot: it is one only while ``writers.stopped_writers`` keeps writers still. ``pack_live``
is meant to be none: it reads file by file, slowly, while writers go on.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import grpc

from sandbox.csi.refusals import Refusal

COPY_LIMIT = 60.0
"""Seconds after which a copy is given up, so that stopped writers are never held for long."""
_TAR = ("tar", "--gzip", "--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner")


def copy_tree(source: Path, target: Path) -> None:
    """Copy a tree with owners, modes, times, links, holes and attributes into an existing folder."""
    done = subprocess.run(
        ["cp", "-a", "--reflink=auto", "--", f"{source}/.", str(target)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=COPY_LIMIT,
    )
    if done.returncode:
        raise Refusal(grpc.StatusCode.INTERNAL, f"copying failed: {done.stderr.strip()[-500:]}")


def pack_live(source: Path, archive: Path, *, seconds: float) -> None:
    """Pack a tree that is being written into a tar.gz, stretched over about so many seconds.

    Files are read in the order of their names, each some time after the one before, so a program that keeps two files
    in step finds them out of step in the archive. What vanishes meanwhile is left out, as any live copy would.
    """
    names = [str(path.relative_to(source)) for path in _walk(source)]
    command = [*_TAR, "--create", "--format=pax", "--sparse", "--ignore-failed-read", "--no-recursion"]
    command += ["--directory", str(source), "--file", str(archive), "--null", "--files-from=-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as packer:
        assert packer.stdin and packer.stderr
        try:
            for name in ["", *sorted(names)]:
                packer.stdin.write(os.fsencode(f"./{name}") + b"\0")
                packer.stdin.flush()
                time.sleep(seconds / (len(names) + 1))
        except BrokenPipeError:
            pass  # it gave up, and says below why
        _, errors = packer.communicate()
    # 1 is tar's "some files changed while being read": what a live copy is.
    if packer.returncode > 1:
        raise Refusal(grpc.StatusCode.INTERNAL, f"packing failed: {errors.decode(errors='replace')[-500:]}")


def unpack(archive: Path, target: Path) -> None:
    """Unpack into an existing folder."""
    command = [*_TAR, "--extract", "--preserve-permissions", "--directory", str(target), "--file", str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=COPY_LIMIT)
    if done.returncode:
        raise Refusal(grpc.StatusCode.INTERNAL, f"unpacking failed: {done.stderr.strip()[-500:]}")


def count_bytes(folder: Path) -> int:
    """Bytes in the files of a tree, each file once however many names it has."""
    sizes = {}
    for path in _walk(folder):
        status = _status(path)
        if status is not None and not path.is_dir():
            sizes[status.st_ino] = status.st_size
    return sum(sizes.values())


def count_usage(folder: Path) -> tuple[int, int]:
    """Bytes and inodes a tree takes on disk."""
    blocks = {}
    for path in [folder, *_walk(folder)]:
        status = _status(path)
        if status is not None:
            blocks[status.st_ino] = status.st_blocks
    return sum(blocks.values()) * 512, len(blocks)


def stamp_now(folder: Path) -> None:
    """Lose every modification time."""
    for path in [*_walk(folder), folder]:
        os.utime(path, follow_symlinks=False)


def give_to_root(folder: Path) -> None:
    """Lose every owner and group."""
    for path in [folder, *_walk(folder)]:
        os.lchown(path, 0, 0)


def _walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder; symbolic links are not followed."""
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            yield Path(parent, name)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
