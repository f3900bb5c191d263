"""One HTTP request to the API server: URL, headers, time limits, and failures as our errors.

Nothing is tried again here, and nothing is known of kinds. Connection pool, TLS, proxy and credentials are the official
client's; its generated models are left out, because they lose fields they do not know.
"""

from __future__ import annotations

import json
import logging
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import urllib3
from kubernetes.client import ApiClient

from plugin_core import errors
from plugin_core.kube.contacts import Contact
from plugin_core.kube.failures import api_failure, connection_failure, not_json
from plugin_core.model.durations import Deadline
from plugin_core.model.manifests import Manifest

_CONNECT_SECONDS = 10.0
_SHORTEST_READ = 5.0
"""A deadline that is over still gives the server this long: the write that tidies up may come after it."""

log = logging.getLogger(__name__)


class Transport:
    """Requests over one client. contact: what is known of the server by now."""

    def __init__(
        self, client: ApiClient, *, request_timeout: float = 30.0, impersonation: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.client = client
        self.contact = Contact()
        self._request_timeout = request_timeout
        self._impersonation = tuple(impersonation)

    @property
    def host(self) -> str:
        """The server's URL as the kubeconfig gives it, without a slash at the end."""
        return str(self.client.configuration.host)

    def headers(self) -> urllib3.HTTPHeaderDict:
        """Credentials (refreshed when they are about to expire), impersonation and user agent."""
        fixed = {"Accept": "application/json", **self.client.default_headers}
        self.client.update_params_for_auth(fixed, [], ["BearerToken"], "", "", None)
        headers = urllib3.HTTPHeaderDict()
        for key, value in (*fixed.items(), *self._impersonation):
            # token files end with a line break, and http.client would put the whole token into its complaint
            clean = value.strip()
            if not clean.isprintable() or not clean.isascii():
                raise errors.KubeconfigError(f"the {key} header would hold characters that HTTP does not allow")
            headers.add(key, clean)
        return headers

    def request_json(self, method: str, path: str, *, attempted: str, **options: Any) -> Manifest:
        """The decoded answer to one request; options are those of send()."""
        response = self.send(method, path, attempted=attempted, **options)
        body = self._read(response, attempted=attempted)
        try:
            answer: Manifest = json.loads(body)
        except ValueError as error:
            raise not_json(body, server=self.host, attempted=attempted) from error
        return answer

    def request_text(self, path: str, *, attempted: str, deadline: Deadline | None = None) -> str:
        """The answer to a GET of something that is no object, as text."""
        response = self.send("GET", path, attempted=attempted, deadline=deadline)
        return self._read(response, attempted=attempted).decode("utf-8", "replace")

    def send(
        self, method: str, path: str, *, attempted: str, query: Iterable[tuple[str, str]] = (), body: Any = None,
        content_type: str = "application/json", read_timeout: float | None = None, deadline: Deadline | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """One request; answers outside 2xx raise. The caller reads (or streams) and thereby frees the connection.

        Empty query values are left out. read_timeout: instead of --request-timeout, which a deadline cuts short.
        """
        headers = self.headers()
        headers["Accept-Encoding"] = "gzip"
        if body is not None:
            headers["Content-Type"] = content_type
        parameters = [(key, value) for key, value in query if value]
        url = self.host + path + (f"?{urllib.parse.urlencode(parameters)}" if parameters else "")
        limit = read_timeout or min(
            self._request_timeout, max(_SHORTEST_READ, deadline.left) if deadline else self._request_timeout
        )
        log.info("%s %s", method, url)
        try:
            response = self.client.rest_client.pool_manager.request(
                method, url, headers=headers, body=None if body is None else json.dumps(body), preload_content=False,
                retries=False, redirect=False,
                timeout=urllib3.Timeout(connect=min(_CONNECT_SECONDS, self._request_timeout), read=limit),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.contact.lost()
            raise connection_failure(error, server=self.host, attempted=attempted) from error
        self.contact.heard(response.status)
        log.info("%s %s -> %s", method, path, response.status)
        if not 200 <= response.status < 300:
            raise api_failure(
                status=response.status, body=self._read(response, attempted=attempted), attempted=attempted,
                headers=response.headers,
            )
        return response

    def _read(self, response: urllib3.BaseHTTPResponse, *, attempted: str) -> bytes:
        try:
            return response.data
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.contact.lost()
            raise connection_failure(error, server=self.host, attempted=attempted) from error


def lines_of(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Whole lines of a streamed answer; a last line cut off by a drop is left out."""
    rest = b""
    for chunk in response.stream(amt=None, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line)
