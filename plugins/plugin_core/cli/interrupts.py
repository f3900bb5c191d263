"""Ctrl-C and SIGTERM become a KeyboardInterrupt, raised where it can neither get lost nor leave a lock behind.

CPython runs a signal's handler between any two steps of Python code. An exception raised there vanishes silently when
the step belongs to a file object's finalizer (Modules/_io/iobase.c clears what its close() raises), is printed and
dropped in a weak reference's callback, and keeps a lock for ever when it hits Condition.__enter__ of the connection
pool's queue. So within such library code the exception is put off for a moment, unless that waits for the network.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType
from typing import Any

from plugin_core.kube.contacts import note_interrupt

_OURS = ("plugin_core", "kubectl_rwx", "oc_gsb")
_FRAGILE = ("urllib3", "http", "queue", "threading", "weakref", "websocket", "ssl", "socket", "logging", "concurrent")
"""Packages that hold locks, or own file objects, in Python code."""

_WAITING = ("read", "readinto", "recv", "recv_into", "_recv", "send", "sendall", "connect", "create_connection",
            "getaddrinfo", "do_handshake", "wait", "_wait_for_tstate_lock")
"""Functions of those packages that block for long, outside of locks of theirs that somebody else needs."""

_CLOSING = ("close", "closed", "isclosed", "__del__", "release_conn")
"""What finalizers call, at whatever point an object is dropped."""

_PAUSE = 0.01
_PATIENCE = 1.0
"""Seconds after which it is raised wherever that is: one that comes late is worse than the small risk."""


def stop_once() -> None:
    """Ctrl-C and SIGTERM raise KeyboardInterrupt once; later ones only say that stopping is under way.

    For the main thread. Raised again when it was dropped in a callback.
    """
    asked: list[float] = []

    def stop(number: int, frame: FrameType | None) -> Any:
        if asked:
            os.write(2, b"already stopping: what remains is said at the end\n")
            return
        asked.append(time.monotonic())
        note_interrupt()
        raise_soon(number, frame)

    def raise_soon(number: int, frame: FrameType | None) -> Any:
        if may_get_lost(frame) and time.monotonic() - asked[0] < _PATIENCE and _come_back():
            return
        raise KeyboardInterrupt

    def dropped(unraisable: Any) -> None:
        if not (issubclass(unraisable.exc_type, KeyboardInterrupt) and _come_back()):
            sys.__unraisablehook__(unraisable)

    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, raise_soon)
    sys.unraisablehook = dropped
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def may_get_lost(frame: FrameType | None) -> bool:
    """Whether an exception raised in this frame may vanish, or leave a lock behind. None: outside of Python code."""
    if frame is not None and _package(frame) in _FRAGILE and frame.f_code.co_name not in _WAITING:
        return True
    while frame is not None and _package(frame) not in _OURS:
        if frame.f_code.co_name in _CLOSING and _package(frame) in _FRAGILE:
            return True
        frame = frame.f_back
    return False


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _come_back() -> bool:
    """Whether there is a timer to come back by; Windows has none."""
    if not hasattr(signal, "setitimer"):
        return False
    signal.setitimer(signal.ITIMER_REAL, _PAUSE)
    return True
