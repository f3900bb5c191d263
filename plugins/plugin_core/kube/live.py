"""A real cluster over the official client's transport: connection pool, TLS, proxy and credentials are the client's."""

from __future__ import annotations

import copy
import json
import logging
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import urllib3
from kubernetes.client import ApiClient

from plugin_core import errors, names
from plugin_core.kube import streams
from plugin_core.kube.cluster import Access, DryRun, ExecResult, Listing, PatchType, WatchEvent
from plugin_core.kube.failures import api_failure, connection_failure
from plugin_core.kube.retries import try_again
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import ACCESS_REVIEW, POD, Kind, find_kind
from plugin_core.model.manifests import Manifest, labels_of, name_of, namespace_of
from plugin_core.model.patches import apply_merge_patch

PAGE = 500
"""Objects a list request asks for at once, as kubectl does."""

_CONTENT_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}

log = logging.getLogger(__name__)
T = TypeVar("T")


class LiveCluster:
    """The Cluster protocol, answered by an API server. Safe to use from several threads."""

    def __init__(
        self, client: ApiClient, *, namespace: str, dry_run: DryRun = DryRun.NONE, field_manager: str = names.RWX,
        request_timeout: float = 30.0, impersonation: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._client = client
        self._impersonation = tuple(impersonation)
        self._namespace = namespace
        self._dry_run = dry_run
        self._field_manager = field_manager
        self._request_timeout = request_timeout
        self._deadline: Deadline | None = None
        self._contact = {"made": False}

    @property
    def namespace(self) -> str:
        return self._namespace

    @property
    def dry_run(self) -> DryRun:
        return self._dry_run

    def within(self, deadline: Deadline | None) -> LiveCluster:
        other = copy.copy(self)
        other._deadline = deadline
        return other

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Manifest:
        path = kind.path(namespace=namespace, name=name)
        return self._json("GET", path, attempted=_words("get", kind, name, namespace))

    def list_all(self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = "") -> Listing:
        attempted = _words("list", kind, "", namespace)
        query = {"limit": str(PAGE), "labelSelector": labels, "fieldSelector": fields}
        items: list[Manifest] = []
        while True:
            try:
                page = self._json("GET", kind.path(namespace=namespace), query=query, attempted=attempted)
            except errors.Expired:
                if "continue" not in query:
                    raise
                del query["continue"]
                items = []
                continue
            for item in page.get("items") or []:
                items.append({"apiVersion": kind.api_version, "kind": kind.name, **item})
            metadata = page.get("metadata", {})
            if not metadata.get("continue"):
                return Listing(items=items, resource_version=metadata.get("resourceVersion", ""))
            query["continue"] = metadata["continue"]

    def watch(
        self, kind: Kind, *, resource_version: str, seconds: float, namespace: str | None = None, labels: str = "",
        fields: str = "",
    ) -> Iterator[WatchEvent]:
        attempted = _words("watch", kind, "", namespace)
        query = {
            "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": resource_version,
            "timeoutSeconds": str(max(1, round(seconds))), "labelSelector": labels, "fieldSelector": fields,
        }
        response = self._retrying(lambda number: self._send(
            "GET", kind.path(namespace=namespace), query=query, attempted=attempted, read_timeout=seconds + 5
        ))
        try:
            for line in _lines(response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise api_failure(status=status.get("code", 500), body=json.dumps(status), attempted=attempted)
                yield WatchEvent(type=event["type"], manifest=event["object"])
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            log.info("watch of %s ended: %s", kind.plural, error)
        finally:
            response.close()

    def create(self, manifest: Manifest) -> Manifest:
        kind = self._kind_of(manifest)
        namespace, name = namespace_of(manifest) or None, name_of(manifest)
        if self._dry_run is DryRun.CLIENT:
            return copy.deepcopy(manifest)
        attempted = _words("create", kind, name, namespace)
        uncertain = {"answer lost": False}

        def attempt(number: int) -> Manifest:
            try:
                return self._once("POST", kind.path(namespace=namespace), body=manifest, attempted=attempted)
            except (errors.ConnectionFailed, errors.Unavailable):
                uncertain["answer lost"] = True
                raise
            except errors.AlreadyExists:
                run = labels_of(manifest).get(names.RUN_LABEL)
                if not (uncertain["answer lost"] and run):
                    raise
                there = self.get(kind, name, namespace=namespace)
                if labels_of(there).get(names.RUN_LABEL) != run:
                    raise
                return there

        return self._retrying(attempt)

    def apply(self, manifest: Manifest) -> Manifest:
        kind, name, namespace = self._kind_of(manifest), name_of(manifest), namespace_of(manifest) or None
        if self._dry_run is DryRun.CLIENT:
            return copy.deepcopy(manifest)
        return self._json(
            "PATCH", kind.path(namespace=namespace, name=name), query={"force": "true"}, body=manifest,
            content_type=_CONTENT_TYPES["apply"], attempted=_words("apply", kind, name, namespace),
        )

    def patch(
        self, kind: Kind, name: str, patch: Manifest | Sequence[Manifest], *, namespace: str | None = None,
        patch_type: PatchType = "merge", subresource: str = "",
    ) -> Manifest:
        if self._dry_run is DryRun.CLIENT:
            before = self.get(kind, name, namespace=namespace)
            merged: Manifest = apply_merge_patch(before, patch) if patch_type == "merge" else before
            return merged
        path = kind.path(namespace=namespace, name=name, subresource=subresource)
        return self._json(
            "PATCH", path, body=patch, content_type=_CONTENT_TYPES[patch_type],
            attempted=_words("patch", kind, name, namespace),
        )

    def delete(self, kind: Kind, name: str, *, namespace: str | None = None, uid: str = "") -> None:
        if self._dry_run is DryRun.CLIENT:
            return
        body: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        self._json(
            "DELETE", kind.path(namespace=namespace, name=name), body=body,
            attempted=_words("delete", kind, name, namespace),
        )

    def execute(
        self, pod: str, command: Sequence[str], *, namespace: str, container: str = "", seconds: float = 60
    ) -> ExecResult:
        if self._dry_run.on:
            raise errors.UsageError("nothing is executed in pods under --dry-run")
        attempted = _words("exec in", POD, pod, namespace)
        path = POD.path(namespace=namespace, name=pod, subresource="exec")
        log.info("exec %s %s", path, command)
        return streams.execute(
            self._client, path, command, container=container, seconds=seconds, headers=self._headers(),
            attempted=attempted,
        )

    def can_i(
        self, verb: str, kind: Kind, *, namespace: str | None = None, name: str = "", subresource: str = ""
    ) -> Access:
        attributes = {
            "verb": verb, "group": kind.group, "resource": kind.plural, "subresource": subresource, "name": name,
            "namespace": namespace or "",
        }
        review = {"apiVersion": ACCESS_REVIEW.api_version, "kind": ACCESS_REVIEW.name,
                  "spec": {"resourceAttributes": attributes}}
        answer = self._json(
            "POST", ACCESS_REVIEW.path(), body=review, attempted=f"ask whether you may {verb} {kind.plural}",
            dry_run=False,
        )
        status = answer.get("status", {})
        return Access(allowed=bool(status.get("allowed")), reason=str(status.get("reason", "")))

    def versions_of(self, group: str) -> list[str]:
        try:
            answer = self._json("GET", f"/apis/{group}", attempted=f"ask which versions of {group} are served")
        except errors.NotFound:
            return []
        served = [str(version["version"]) for version in answer.get("versions", [])]
        preferred = answer.get("preferredVersion", {}).get("version")
        return sorted(served, key=lambda version: version != preferred)

    def server_version(self) -> str:
        return str(self._json("GET", "/version", attempted="ask the server's version").get("gitVersion", ""))

    def _kind_of(self, manifest: Manifest) -> Kind:
        api_version, name = str(manifest.get("apiVersion")), str(manifest.get("kind"))
        known = find_kind(api_version, name)
        if known:
            return known
        group, _, version = api_version.rpartition("/")
        base = f"/apis/{api_version}" if group else f"/api/{version}"
        for resource in self._json("GET", base, attempted=f"ask what {api_version} serves").get("resources", []):
            if resource["kind"] == name and "/" not in resource["name"]:
                return Kind(name, resource["name"], group, version, namespaced=resource["namespaced"])
        raise errors.NotFound(f"the server knows no kind {name} in {api_version}", status=404)

    def _headers(self) -> urllib3.HTTPHeaderDict:
        fixed = {"Accept": "application/json", **self._client.default_headers}
        self._client.update_params_for_auth(fixed, [], ["BearerToken"], "", "", None)
        headers = urllib3.HTTPHeaderDict(fixed)
        for key, value in self._impersonation:
            headers.add(key, value)
        return headers

    def _json(self, method: str, path: str, *, attempted: str, **options: Any) -> Manifest:
        return self._retrying(lambda number: self._once(method, path, attempted=attempted, **options))

    def _retrying(self, attempt: Callable[[int], T]) -> T:
        return try_again(attempt, deadline=self._deadline, answered_before=lambda: self._contact["made"])

    def _once(self, method: str, path: str, *, attempted: str, **options: Any) -> Manifest:
        response = self._send(method, path, attempted=attempted, **options)
        try:
            body = response.data
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise connection_failure(error, server=self._client.configuration.host, attempted=attempted) from error
        answer: Manifest = json.loads(body)
        return answer

    def _send(
        self, method: str, path: str, *, attempted: str, query: dict[str, str] | None = None, body: Any = None,
        content_type: str = "application/json", read_timeout: float | None = None, dry_run: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        """One request; answers outside 2xx raise. The caller reads (or streams) and thereby frees the connection."""
        parameters = [(key, value) for key, value in (query or {}).items() if value]
        if method != "GET" and dry_run:
            parameters.append(("fieldManager", self._field_manager))
            if self._dry_run is DryRun.SERVER:
                parameters.append(("dryRun", "All"))
        headers = self._headers()
        if body is not None:
            headers["Content-Type"] = content_type
        url = f"{self._client.configuration.host}{path}"
        if parameters:
            url += "?" + urllib.parse.urlencode(parameters)
        log.info("%s %s", method, url)
        try:
            response = self._client.rest_client.pool_manager.request(
                method, url, headers=headers, body=None if body is None else json.dumps(body), preload_content=False,
                retries=False, redirect=False,
                timeout=urllib3.Timeout(connect=min(10.0, self._request_timeout),
                                        read=read_timeout or self._request_timeout),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise connection_failure(error, server=self._client.configuration.host, attempted=attempted) from error
        self._contact["made"] = True
        log.info("%s %s -> %s", method, path, response.status)
        if not 200 <= response.status < 300:
            raise api_failure(status=response.status, body=response.data, attempted=attempted)
        return response


def _words(verb: str, kind: Kind, name: str, namespace: str | None) -> str:
    what = f'{kind.resource} "{name}"' if name else kind.resource
    return f"{verb} {what}" + (f' in namespace "{namespace}"' if namespace and kind.namespaced else "")


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Whole lines of a streamed answer; a last line cut off by a drop is left out."""
    rest = b""
    for chunk in response.stream(amt=None, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line)
