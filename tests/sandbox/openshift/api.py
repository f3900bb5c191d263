"""The API server as these processes use it: plain dicts over the official client, and watches that do not end."""

import json
import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import urllib3
from kubernetes import config
from kubernetes.client import Configuration
from kubernetes.client.rest import ApiException

LOG = logging.getLogger(__name__)
MERGE_PATCH = "application/merge-patch+json"
_WATCH_SECONDS = 300
_PAUSE_SECONDS = 0.5


class Api:
    """Requests by path. Raises ApiException, whose ``status`` is the HTTP status."""

    def __init__(self) -> None:
        settings = Configuration()
        settings.connection_pool_maxsize = 32
        self._client = config.new_client_from_config(client_configuration=settings)

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **query: Any
    ) -> dict[str, Any]:
        """The decoded answer."""
        answer = self._send(method, path, body, content_type, query, timeout=(5, 30))
        result: dict[str, Any] = json.loads(answer.read())
        return result

    def _send(self, method: str, path: str, body: Any, content_type: str, query: dict[str, Any], timeout: Any) -> Any:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        url = self._client.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        answer = self._client.call_api(method, url, headers, body, _request_timeout=timeout)
        if answer.status >= 400:
            answer.read()
            raise ApiException(http_resp=answer)
        return answer

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """A whole list, read consistently."""
        result: list[dict[str, Any]] = self.call("GET", path, **query)["items"]
        return result

    def events(self, path: str, **query: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every object of a list as ``ADDED``, then every change to it, for ever.

        After a broken watch the list is read again, so objects come again; deletions that fell into the gap are lost.
        """
        while True:
            try:
                listed = self.call("GET", path, **query)
                for item in listed["items"]:
                    yield "ADDED", item
                yield from self._watch(path, listed["metadata"]["resourceVersion"], query)
            except (ApiException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                LOG.warning("watching %s again: %s", path, str(error).splitlines()[0] if str(error) else error)
                time.sleep(_PAUSE_SECONDS)

    def _watch(self, path: str, version: str, query: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        while True:
            asked = {
                **query,
                "watch": "true",
                "resourceVersion": version,
                "allowWatchBookmarks": "true",
                "timeoutSeconds": _WATCH_SECONDS,
            }
            answer = self._send("GET", path, None, "application/json", asked, (5, _WATCH_SECONDS + 30))
            for line in _lines(answer.response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    yield event["type"], event["object"]


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    pending = b""
    for chunk in response.stream(None):
        *whole, pending = (pending + chunk).split(b"\n")
        yield from filter(None, whole)
