"""A websocket server for one exec: a handshake, frames as the script has them, and an end."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from unit.plugin_core.kube.servers import reset

STDOUT, STDERR, STATUS = 1, 2, 3
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(channel: int, text: str | bytes) -> bytes:
    """One unmasked binary frame with the channel's byte in front."""
    data = bytes([channel]) + (text.encode() if isinstance(text, str) else text)
    size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2, "big")
    return b"\x82" + size + data


def exited(code: int) -> bytes:
    """The status a kubelet sends when a command has ended."""
    status: dict[str, Any] = {"status": "Success"}
    if code:
        causes = [{"reason": "ExitCode", "message": str(code)}]
        status = {"status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated with exit code",
                  "details": {"causes": causes}}
    return frame(STATUS, json.dumps(status))


CLOSE = b"\x88\x02\x03\xe8"
PING = b"\x89\x00"
RESET = b""


class ExecServer:
    """Sends `frames` after the handshake; RESET cuts the connection there; at their end it waits to be left.

    refusal: (status line, body) instead of the handshake's answer.
    """

    def __init__(
        self, frames: Sequence[bytes] = (), *, refusal: tuple[str, str] | None = None,
        certificate: tuple[str, str] | None = None,
    ) -> None:
        self.head = ""
        self._frames, self._refusal = frames, refusal
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._listener = context.wrap_socket(self._listener, server_side=True)
            self.url = self.url.replace("http", "https")
        threading.Thread(target=self._serve, daemon=True).start()

    def header(self, name: str) -> list[str]:
        pairs = [line.split(": ", 1) for line in self.head.split("\r\n")[1:] if ": " in line]
        return [value for key, value in pairs if key.lower() == name.lower()]

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += connection.recv(4096)
        self.head = raw.decode()
        if self._refusal:
            status, body = self._refusal
            connection.sendall(
                f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
            )
            connection.close()
            return
        key = self.header("Sec-WebSocket-Key")[0].encode()
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest()).decode()
        connection.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode()
        )
        self._talk(connection)
        connection.close()

    def _talk(self, connection: socket.socket) -> None:
        for part in self._frames:
            if part == RESET:
                reset(connection)
                return
            connection.sendall(part)
        try:
            while connection.recv(4096):
                pass
        except OSError:
            pass


class ShellServer(ExecServer):
    """Runs `sh` on this machine for whoever connects, as a kubelet does in a container. ended: the shell is over."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        super().__init__()

    def _talk(self, connection: socket.socket) -> None:
        with subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shell:
            assert shell.stdin and shell.stdout and shell.stderr
            readers = [threading.Thread(target=_pass_on, args=(stream.fileno(), channel, connection), daemon=True)
                       for stream, channel in ((shell.stdout, STDOUT), (shell.stderr, STDERR))]
            for reader in readers:
                reader.start()
            threading.Thread(target=self._report, args=(shell, readers, connection), daemon=True).start()
            try:
                while data := _client_frame(connection):
                    assert data[0] == 0, "only stdin may be sent"
                    shell.stdin.write(data[1:])
                    shell.stdin.flush()
            except OSError:
                pass
            shell.stdin.close()
        self.ended.set()

    def _report(self, shell: subprocess.Popen[bytes], readers: list[threading.Thread], to: socket.socket) -> None:
        for reader in readers:
            reader.join()
        with suppress(OSError):
            to.sendall(exited(shell.wait()) + CLOSE)


def _pass_on(source: int, channel: int, to: socket.socket) -> None:
    with suppress(OSError):
        while data := os.read(source, 1000):
            to.sendall(frame(channel, data))


def _client_frame(connection: socket.socket) -> bytes:
    """The payload of the next data frame, unmasked; b"" when the client is done."""
    head = connection.recv(2, socket.MSG_WAITALL)
    if len(head) < 2 or head[0] & 0x0F == 0x8:
        return b""
    size = head[1] & 0x7F
    if size == 126:
        size = int.from_bytes(connection.recv(2, socket.MSG_WAITALL))
    mask, masked = connection.recv(4, socket.MSG_WAITALL), connection.recv(size, socket.MSG_WAITALL)
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
