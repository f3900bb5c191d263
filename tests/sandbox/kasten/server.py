"""The aggregated API server: the groups actions.kio.kasten.io and apps.kio.kasten.io over HTTPS on 127.0.0.1.

As with Kasten's there are no updates and no watches: objects are created, read and deleted, and have a subresource
details.
The API server in front has already asked RBAC. Unlike a real one it believes that whoever connects is that API server.
"""

import json
import logging
import re
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.kasten.kinds import KINDS, VERSION, Kind
from sandbox.kasten.store import Manifest, Refused, Store, selects

LOG = logging.getLogger(__name__)
_PATH = re.compile(rf"/apis/([^/]+)/{VERSION}(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+))?(?:/([^/]+))?")
_VERBS = ["create", "delete", "deletecollection", "get", "list"]
_IDLE_SECONDS = 300

Admit = Callable[[Kind, Manifest, str], Manifest]
"""Refuses a new object, or returns it with what the server adds; told its namespace."""
Details = Callable[[Kind, Manifest], Manifest]


class Endpoint:
    """Listens or does not: an API that is down refuses connections, and the API server in front answers 503."""

    def __init__(self, port: int, context: ssl.SSLContext, handler: type[BaseHTTPRequestHandler]) -> None:
        self._port, self._context, self._handler = port, context, handler
        self._server: _Server | None = None

    @property
    def open(self) -> bool:
        return self._server is not None

    def set_open(self, wanted: bool) -> None:
        if wanted and self._server is None:
            self._server = _Server(self._port, self._context, self._handler)
            threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
            LOG.info("serving")
        elif not wanted and self._server is not None:
            server, self._server = self._server, None
            server.stop()
            LOG.info("not serving any more")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, port: int, context: ssl.SSLContext, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._context = context
        self._connections: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        wrapped = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._connections.add(wrapped)
        return wrapped, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        """Connections that are kept alive would go on being answered: they are cut."""
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.debug("connection from %s failed", client_address, exc_info=True)


def make_handler(store: Store, *, admit: Admit, created: Callable[[Kind, Manifest], None],
                 deleted: Callable[[Kind, Manifest], None], details: Details) -> type[BaseHTTPRequestHandler]:
    """The requests, over what the stand-in decides: who may be created, what follows, what details hold."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _IDLE_SECONDS
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answered(self._read)

        def do_POST(self) -> None:
            self._answered(self._create)

        def do_DELETE(self) -> None:
            self._answered(self._delete)

        def do_PUT(self) -> None:
            self._answered(self._refuse_update)

        do_PATCH = do_PUT

        def _answered(self, act: Callable[[str, dict[str, str], bytes], Manifest]) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                answer = act(path.rstrip("/"), dict(urllib.parse.parse_qsl(query)), body)
            except Refused as refusal:
                self._reply(refusal.status, {
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": refusal.message,
                    "reason": refusal.reason, "code": refusal.status,
                    "details": {"name": refusal.name} if refusal.name else {},
                })
                return
            self._reply(201 if self.command == "POST" else 200, answer)

        def _read(self, path: str, query: dict[str, str], body: bytes) -> Manifest:
            found = _discovery(path)
            if found is not None:
                return found
            kind, namespace, name, subresource = _target(path)
            if name:
                item = store.get(kind, name, namespace=namespace)
                return details(kind, item) if subresource == "details" else item
            if query.get("watch") in ("true", "1"):
                self._refuse_update(path, query, body)
            items, version = store.listed(kind, namespace=namespace, matches=_selection(query))
            return _list_of(kind, items, version)

        def _create(self, path: str, query: dict[str, str], body: bytes) -> Manifest:
            kind, namespace, _, _ = _target(path)
            dry = query.get("dryRun") == "All"
            item = store.create(kind, admit(kind, json.loads(body), namespace), namespace=namespace,
                                keep=kind.stored and not dry)
            if not dry:
                created(kind, item)
            return item

        def _delete(self, path: str, query: dict[str, str], body: bytes) -> Manifest:
            kind, namespace, name, _ = _target(path)
            options = json.loads(body) if body else {}
            dry = query.get("dryRun") == "All" or options.get("dryRun") == ["All"]
            if name:
                items = [store.get(kind, name, namespace=namespace)]
                wanted = (options.get("preconditions") or {}).get("uid")
                if wanted and wanted != items[0]["metadata"]["uid"]:
                    raise Refused(409, "Conflict", f"the UID in the precondition ({wanted}) does not match")
            else:
                items = store.listed(kind, namespace=namespace, matches=_selection(query))[0]
            for item in items if not dry else ():
                store.delete(kind, item["metadata"]["name"], namespace=item["metadata"].get("namespace", ""))
                deleted(kind, item)
            return {"kind": "Status", "apiVersion": "v1", "status": "Success"}

        def _refuse_update(self, path: str, query: dict[str, str], body: bytes) -> Manifest:
            raise Refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

        def _reply(self, status: int, content: Manifest) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            LOG.debug(format, *args)

    return Handler


def _selection(query: dict[str, str]) -> Callable[[Manifest], bool]:
    return selects(query.get("labelSelector", ""), query.get("fieldSelector", ""))


def _list_of(kind: Kind, items: list[Manifest], version: int) -> Manifest:
    return {"apiVersion": kind.api_version, "kind": f"{kind.name}List",
            "metadata": {"resourceVersion": str(version)}, "items": items}


def _target(path: str) -> tuple[Kind, str, str, str]:
    """Kind, namespace, name and subresource ("" for what the path does not name)."""
    found = _PATH.fullmatch(path)
    kinds = [kind for kind in KINDS if found and (kind.group, kind.plural) == (found[1], found[3])]
    if not found or not kinds:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    return kinds[0], found[2] or "", found[4] or "", found[5] or ""


def _discovery(path: str) -> Manifest | None:
    groups = {kind.group for kind in KINDS}
    for group in groups:
        version = {"groupVersion": f"{group}/{VERSION}", "version": VERSION}
        if path == f"/apis/{group}":
            return {"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": [version],
                    "preferredVersion": version}
        if path == f"/apis/{group}/{VERSION}":
            resources = [resource for kind in KINDS if kind.group == group for resource in _resources(kind)]
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/{VERSION}",
                    "resources": resources}
    return None


def _resources(kind: Kind) -> list[Manifest]:
    main = {"name": kind.plural, "singularName": kind.name.lower(), "namespaced": kind.namespaced, "kind": kind.name,
            "verbs": _VERBS if kind.stored else ["create"]}
    details = {**main, "name": f"{kind.plural}/details", "verbs": ["get"]}
    return [main, details] if kind.details else [main]
