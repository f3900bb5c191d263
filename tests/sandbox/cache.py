"""Where built things stay between runs: ``${XDG_CACHE_HOME:-~/.cache}/rwx-sandbox/<module>-<hash>/``.

The hash is of everything that decides the result, so an entry is either right or absent; nothing here is
ever updated.
"""

import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

from sandbox.progress import say


def cache_root() -> Path:
    """The folder of all cached builds; made when absent."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = base / "rwx-sandbox"
    root.mkdir(parents=True, exist_ok=True)
    return root


def fingerprint(*parts: str | bytes) -> str:
    """A short hash of parts whose order and borders matter."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:16]


@contextmanager
def building_alone() -> Iterator[None]:
    """Hold the builders' lock: a second builder waits, then finds things built. It ends with its holder."""
    with (cache_root() / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def landing(target: Path) -> Iterator[Path]:
    """A path to write to that becomes ``target`` at once and whole, or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(".*.unfinished"):  # by builders that were killed
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    # A name of our own: the compiler of a killed builder may live on and write to the name it was given.
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    yield unfinished
    unfinished.rename(target)


def filled_folder(target: Path, fill: Callable[[Path], None]) -> Path:
    """``target``, made by ``fill`` in an empty folder unless somebody made it already."""
    if not target.exists():
        with building_alone():
            if not target.exists():
                with landing(target) as unfinished:
                    unfinished.mkdir()
                    fill(unfinished)
    return target
