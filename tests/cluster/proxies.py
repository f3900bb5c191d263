"""A TCP proxy in front of the API server whose connections a test can cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Proxy:
    """Listens on a port of 127.0.0.1 and forwards to `target`. cut() ends all connections; new ones are let through."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> int:
        """Ends every open connection and returns how many there were."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        return len(pairs)

    def stop(self) -> None:
        """Refuses connections from now on, and ends those there are."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._pairs.append((client, server))
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for end in (one, other):
        with suppress(OSError):
            end.close()


@contextmanager
def proxy_to(server: str) -> Iterator[Proxy]:
    """server: "https://127.0.0.1:6443"."""
    host, _, port = server.removeprefix("https://").partition(":")
    proxy = Proxy((host, int(port or 443)))
    try:
        yield proxy
    finally:
        proxy.stop()


class ConnectProxy:
    """An HTTP proxy for CONNECT alone. Whatever host is asked for, it connects to `target`; asked: the hosts."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.asked: list[str] = []
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Refuses connections from now on; those there are live on."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n") and (data := client.recv(1)):
            head += data
        verb, _, rest = head.decode().partition(" ")
        if verb != "CONNECT":
            client.close()
            return
        self.asked.append(rest.partition(" ")[0])
        server = socket.create_connection(self._target)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=_copy, args=(one, other), daemon=True).start()


@contextmanager
def connect_proxy_to(server: str) -> Iterator[ConnectProxy]:
    """server: "https://127.0.0.1:6443"."""
    host, _, port = server.removeprefix("https://").partition(":")
    proxy = ConnectProxy((host, int(port or 443)))
    try:
        yield proxy
    finally:
        proxy.stop()
