"""A TCP proxy that resets each connection after a few kilobytes, as a bad network or a tired load balancer does."""

from __future__ import annotations

import random
import socket
import struct
import threading

_LEAST, _MOST = 6_000, 16_000
"""Bytes a connection lives for; a TLS handshake takes about 3,000 of them."""


class FlakyProxy:
    """Passes bytes on to host:port. cuts: connections it has reset so far."""

    def __init__(self, host: str, port: int, *, seed: int) -> None:
        self.cuts = 0
        self._upstream = (host, port)
        self._chance = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            life = [self._chance.randint(_LEAST, _MOST)]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, target, life), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, life: list[int]) -> None:
        try:
            while data := source.recv(1500):
                life[0] -= len(data)
                if life[0] < 0:
                    self.cuts += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            _reset(end)


def _reset(end: socket.socket) -> None:
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
