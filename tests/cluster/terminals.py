"""A command in a terminal of a given size, as a user sits before it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SECONDS = 60
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07|\r")


class Terminal:
    """What was shown so far is in `shown`, without the terminal's control sequences; raw in `bytes`."""

    def __init__(self, process: subprocess.Popen[bytes], controller: int) -> None:
        self.bytes = b""
        self._process, self._controller = process, controller

    @property
    def shown(self) -> str:
        return _CONTROLS.sub("", self.bytes.decode(errors="replace"))

    def type(self, keys: str) -> None:
        os.write(self._controller, keys.encode())

    def wait_for(self, text: str, *, after: int = 0) -> None:
        """Until `text` is shown beyond the first `after` characters."""
        deadline = time.monotonic() + SECONDS
        while text not in self.shown[after:]:
            assert time.monotonic() < deadline and self._read(), f"no {text!r} in:\n{self.shown[after:]}"

    def wait(self) -> int:
        """The exit code, once everything was shown."""
        while self._read():
            pass
        return self._process.wait(SECONDS)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._controller], [], [], SECONDS)
        try:
            data = os.read(self._controller, 65536) if ready else b""
        except OSError:
            data = b""
        self.bytes += data
        return bool(data)


def _take_control() -> None:
    """Shells control jobs only where the terminal is theirs."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def terminal(
    argv: Sequence[str], *, environment: dict[str, str], columns: int = 120, rows: int = 50
) -> Iterator[Terminal]:
    """Runs argv there; what still runs at the end is killed."""
    controller, screen = pty.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(list(argv), stdin=screen, stdout=screen, stderr=screen, env=environment,
                               start_new_session=True, preexec_fn=_take_control)
    os.close(screen)
    try:
        yield Terminal(process, controller)
    finally:
        process.kill()
        process.wait()
        os.close(controller)
