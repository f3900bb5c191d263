"""Loopback servers with a script: they answer each request as told, and remember every request they did not expect."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as it came; headers keep repeats, with lower-case names."""

    method: str
    path: str
    query: dict[str, str]
    headers: list[tuple[str, str]]
    body: Any

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]


@dataclass(frozen=True)
class Step:
    """The expected request and its answer.

    body: dict → JSON, str and bytes as they are, list → one chunk each of a streamed answer. cut: bytes of the body
    after which the connection is reset (0: before any answer). hold: seconds to wait before answering.
    """

    words: str
    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    hold: float = 0.0


class ScriptedServer:
    """Answers step by step, in order. `close` says what was not as the script has it."""

    def __init__(self, steps: Iterable[Step], *, certificate: tuple[str, str] | None = None) -> None:
        self.requests: list[Request] = []
        self.problems: list[str] = []
        self._steps = list(steps)
        self._released = threading.Event()
        self._connections: list[socket.socket] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def setup(self) -> None:
                super().setup()
                server._connections.append(self.connection)

            def _answer(self) -> None:
                server._answer(self)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _answer

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *about: None  # type: ignore[method-assign]
        self._http.block_on_close = False
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def left(self) -> list[str]:
        return [step.words for step in self._steps]

    def add(self, *steps: Step) -> None:
        self._steps.extend(steps)

    def close(self) -> None:
        self._released.set()
        self._http.shutdown()
        self._http.server_close()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def check(self) -> None:
        assert not self.problems, f"unexpected requests: {self.problems}"
        assert not self.left, f"requests that never came: {self.left}"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        request = _read(handler)
        if self._released.is_set():
            reset(handler.connection)
            return
        self.requests.append(request)
        words = f"{request.method} {request.path}"
        if not self._steps or self._steps[0].words != words:
            self.problems.append(f"{words} {request.query}, expected: {self.left[:1]}")
            _send(handler, Step(words, {"message": f"the script has no {words} here"}, status=418))
            return
        step = self._steps.pop(0)
        if step.hold:
            self._released.wait(step.hold)
        _send(handler, step)


def on(words: str, body: Any = None, **attributes: Any) -> Step:
    """A step: on("GET /api/v1/nodes", {...}, status=200)."""
    return Step(words, {} if body is None else body, **attributes)


def status_object(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    """A Status as the API server sends it."""
    return {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason,
            "message": message, "details": details or None}


def refusing(words: str, code: int, reason: str, message: str, **attributes: Any) -> Step:
    """A step that is answered with a Status."""
    return Step(words, status_object(code, reason, message), status=code, **attributes)


def event(kind: str, manifest: dict[str, Any]) -> str:
    """One line of a watch."""
    return json.dumps({"type": kind, "object": manifest}) + "\n"


def reset(connection: socket.socket) -> None:
    """Ends a connection as a crashed peer does: with RST, not in good order."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _read(handler: BaseHTTPRequestHandler) -> Request:
    length = int(handler.headers.get("Content-Length") or 0)
    raw = handler.rfile.read(length) if length else b""
    path, _, query = handler.path.partition("?")
    return Request(
        method=handler.command, path=path, query=dict(urllib.parse.parse_qsl(query)),
        headers=[(key.lower(), value) for key, value in handler.headers.items()],
        body=json.loads(raw) if raw else None,
    )


def _send(handler: BaseHTTPRequestHandler, step: Step) -> None:
    if step.cut == 0:
        _hang_up(handler)
        return
    handler.send_response(step.status)
    for key, value in step.headers.items():
        handler.send_header(key, value)
    if isinstance(step.body, list):
        _stream(handler, step)
        return
    body = step.body if isinstance(step.body, bytes) else (
        step.body if isinstance(step.body, str) else json.dumps(step.body)
    ).encode()
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: step.cut])
    if step.cut is not None:
        _hang_up(handler)


def _stream(handler: BaseHTTPRequestHandler, step: Step) -> None:
    """Chunks; a float among them is a pause in seconds; cut: the last chunk stops after so many bytes."""
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for number, part in enumerate(step.body, start=1):
        if isinstance(part, float):
            threading.Event().wait(part)
            continue
        data = part.encode()
        if step.cut is not None and number == len(step.body):
            data = data[: step.cut]
        try:
            handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            handler.wfile.flush()
        except OSError:
            return
    if step.cut is not None:
        _hang_up(handler)
    else:
        handler.wfile.write(b"0\r\n\r\n")


def _hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.flush()
    handler.close_connection = True
    reset(handler.connection)
