"""``python -m sandbox.openshift.webhook``: the admission webhooks' server, HTTPS on 127.0.0.1."""

import argparse
import base64
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kubernetes.client.rest import ApiException

from sandbox.openshift.allocation import Allocator
from sandbox.openshift.api import Api
from sandbox.openshift.reviews import Patch, Refused, review_namespace, review_pod

LOG = logging.getLogger(__name__)
FORBIDDEN, SERVER_ERROR = 403, 500
_IDLE_SECONDS = 300

Review = Callable[[dict[str, Any]], Patch]


def answer(review: Review, request: dict[str, Any]) -> dict[str, Any]:
    """The AdmissionResponse: a patch, or the refusal in words."""
    try:
        patch = review(request)
    except Refused as refusal:
        return {"allowed": False, "status": {"code": FORBIDDEN, "reason": "Forbidden", "message": str(refusal)}}
    except ApiException as error:
        LOG.exception("review failed")
        return {"allowed": False, "status": {"code": SERVER_ERROR, "message": f"{error.status} {error.reason}"}}
    if not patch:
        return {"allowed": True}
    encoded = base64.b64encode(json.dumps(patch).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": encoded}


def handler(reviews: dict[str, Review]) -> type[BaseHTTPRequestHandler]:
    """A request handler that puts reviews to the function its path names."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _IDLE_SECONDS
        # answers are written in two parts; waiting for the first to be acknowledged would cost 40 ms each
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._reply(200, {"ok": True})

        def do_POST(self) -> None:
            review = reviews.get(self.path.partition("?")[0])
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if review is None:
                self._reply(404, {})
                return
            response = {"uid": sent["request"]["uid"], **answer(review, sent["request"])}
            self._reply(200, {"apiVersion": sent["apiVersion"], "kind": sent["kind"], "response": response})

        def _reply(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            LOG.debug(format, *args)

    return Handler


class Server(ThreadingHTTPServer):
    """TLS handshakes happen in the connection's own thread, so a slow client holds up nobody."""

    request_queue_size = 128

    def __init__(self, port: int, context: ssl.SSLContext, reviews: dict[str, Review]) -> None:
        super().__init__(("127.0.0.1", port), handler(reviews))
        self._context = context

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.warning("connection from %s failed", client_address, exc_info=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    api = Api()
    allocator = Allocator(api)
    threading.Thread(target=allocator.annotate_existing, daemon=True).start()
    reviews: dict[str, Review] = {
        "/pods": lambda request: review_pod(api, request),
        "/namespaces": lambda request: review_namespace(allocator, request),
    }
    Server(options.port, context, reviews).serve_forever()


if __name__ == "__main__":
    main()
