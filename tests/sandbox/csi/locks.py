"""Locks between calls and between the nodes' processes: ``flock`` on small files, so that a crash lets go of them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from sandbox.csi.refusals import Refusal


class Locks:
    """Named locks in one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    @contextmanager
    def waiting(self, name: str) -> Iterator[None]:
        """Hold a lock, waiting for it: for steps of a moment."""
        handle = os.open(self._folder / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def holding(self, name: str, *, shared: bool = False) -> Iterator[None]:
        """Hold a lock for a whole operation, or refuse with ABORTED: CSI's word for "the same is being done already".

        Shared holders keep out only those who want the thing for themselves.
        """
        handle = os.open(self._folder / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_NB | (fcntl.LOCK_SH if shared else fcntl.LOCK_EX))
            except BlockingIOError as error:
                raise Refusal(
                    grpc.StatusCode.ABORTED, f"an operation on {name} is in progress; try again later"
                ) from error
            yield
        finally:
            os.close(handle)
