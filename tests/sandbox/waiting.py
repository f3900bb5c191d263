"""Wait for a condition, never for a length of time."""

import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Callable

from sandbox.errors import SandboxError

interrupted = threading.Event()
"""Set when ``up`` was interrupted: every wait in every thread then gives up at once."""


def wait_until(
    condition: Callable[[], bool],
    *,
    what: str,
    timeout: float = 60,
    interval: float = 0.05,
    explain: Callable[[], str] = lambda: "",
) -> None:
    """Poll ``condition`` until it is true; ``explain`` adds what was last seen when it never was."""
    deadline = time.monotonic() + timeout
    while not condition():
        if interrupted.is_set():
            raise SandboxError(f"interrupted while waiting for {what}.")
        if time.monotonic() > deadline:
            raise SandboxError(f"{what} did not happen within {timeout:.0f} s. {explain()}".rstrip())
        interrupted.wait(interval)


def answers_https(url: str, ca_bundle: Path) -> bool:
    """Does this URL answer 200?"""
    try:
        context = ssl.create_default_context(cafile=str(ca_bundle))
        with urllib.request.urlopen(url, timeout=2, context=context) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def answers_http(url: str) -> bool:
    """Does this plain URL answer 200?"""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def accepts_connections(path: Path) -> bool:
    """Is somebody listening on this unix socket?"""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True
