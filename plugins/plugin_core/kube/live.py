"""A real cluster: what the Cluster protocol asks, as requests to an API server."""

from __future__ import annotations

import copy
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import urllib3

from plugin_core import errors, names
from plugin_core.kube import streams
from plugin_core.kube.cluster import Access, DryRun, ExecResult, Listing, PatchType, Shell, WatchEvent
from plugin_core.kube.discovery import find_served_kind
from plugin_core.kube.failures import api_failure
from plugin_core.kube.retries import may_have_acted, try_again
from plugin_core.kube.reviews import review_of_ourselves, review_of_subject, verdict_of
from plugin_core.kube.transport import Transport, lines_of
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import ACCESS_REVIEW, POD, SUBJECT_REVIEW, Kind
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
    """The Cluster protocol, answered by an API server. Safe to use from several threads.

    Which writes may be sent twice, after an answer that got lost or a 5xx: a named create (the run label tells our
    object from a stranger's), a server-side apply and a merge patch (the second time changes nothing; with a
    resourceVersion it ends in Conflict), a delete (the second time finds nothing, which is what was wanted). Not a
    JSON patch, which may append, nor a create with generateName, which would make two.
    """

    def __init__(
        self, transport: Transport, *, namespace: str, dry_run: DryRun = DryRun.NONE, field_manager: str = names.RWX
    ) -> None:
        self._transport = transport
        self._namespace = namespace
        self._dry_run = dry_run
        self._field_manager = field_manager
        self._deadline: Deadline | None = None

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

    def in_namespace(self, namespace: str) -> LiveCluster:
        other = copy.copy(self)
        other._namespace = namespace
        return other

    def rehearsing(self) -> LiveCluster:
        other = copy.copy(self)
        other._dry_run = self._dry_run if self._dry_run.on else DryRun.SERVER
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
                page = self._json("GET", kind.path(namespace=namespace), query=query.items(), attempted=attempted)
            except errors.Expired:
                if "continue" not in query:
                    raise
                # pages that expire faster than they are read would do so again: the second time, all at once
                del query["continue"], query["limit"]
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
        response = self._retrying(lambda number: self._transport.send(
            "GET", kind.path(namespace=namespace), query=query.items(), attempted=attempted, read_timeout=seconds + 5
        ))
        began = time.monotonic()
        try:
            for line in lines_of(response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise _watch_failure(event["object"], attempted=attempted)
                yield WatchEvent(type=event["type"], manifest=event["object"])
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            log.info("watch of %s ended: %s", kind.plural, error)
        finally:
            response.close()
        if time.monotonic() - began < seconds / 2:
            # a server that goes away ends its watches without a complaint
            self._transport.contact.lost()

    def create(self, manifest: Manifest) -> Manifest:
        kind = self._kind_of(manifest)
        namespace, name = namespace_of(manifest) or None, name_of(manifest)
        if self._dry_run is DryRun.CLIENT:
            return copy.deepcopy(manifest)
        attempted = _words("create", kind, name, namespace)
        run = labels_of(manifest).get(names.RUN_LABEL)
        made = {"perhaps": False}

        def attempt(number: int) -> Manifest:
            try:
                return self._transport.request_json(
                    "POST", kind.path(namespace=namespace), query=self._write_query(), body=manifest,
                    attempted=attempted, deadline=self._deadline,
                )
            except errors.AlreadyExists:
                if not (made["perhaps"] and run):
                    raise
                there = self.get(kind, name, namespace=namespace)
                if labels_of(there).get(names.RUN_LABEL) != run:
                    raise
                return there
            except errors.PluginError as error:
                made["perhaps"] = made["perhaps"] or may_have_acted(error)
                raise

        return self._retrying(attempt, repeatable=bool(name))

    def apply(self, manifest: Manifest) -> Manifest:
        kind, name, namespace = self._kind_of(manifest), name_of(manifest), namespace_of(manifest) or None
        if self._dry_run is DryRun.CLIENT:
            return copy.deepcopy(manifest)
        return self._json(
            "PATCH", kind.path(namespace=namespace, name=name), query=[("force", "true"), *self._write_query()],
            body=manifest, content_type=_CONTENT_TYPES["apply"], attempted=_words("apply", kind, name, namespace),
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
            "PATCH", path, query=self._write_query(), body=patch, content_type=_CONTENT_TYPES[patch_type],
            attempted=_words("patch", kind, name, namespace), repeatable=patch_type == "merge",
        )

    def delete(self, kind: Kind, name: str, *, namespace: str | None = None, uid: str = "") -> None:
        if self._dry_run is DryRun.CLIENT:
            return
        body: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        if self._dry_run is DryRun.SERVER:
            # with a body, the server takes options from there alone: dryRun in the URL would be passed over
            body["dryRun"] = ["All"]
        path, attempted = kind.path(namespace=namespace, name=name), _words("delete", kind, name, namespace)
        done = {"perhaps": False}

        def attempt(number: int) -> None:
            try:
                self._transport.request_json(
                    "DELETE", path, query=self._write_query(), body=body, attempted=attempted, deadline=self._deadline
                )
            except errors.NotFound:
                if not done["perhaps"]:
                    raise
            except errors.PluginError as error:
                done["perhaps"] = done["perhaps"] or may_have_acted(error)
                raise

        self._retrying(attempt)

    def execute(
        self, pod: str, command: Sequence[str], *, namespace: str, container: str = "", seconds: float = 60
    ) -> ExecResult:
        path = self._exec_path(pod, namespace=namespace)
        log.info("exec %s %s", path, command)
        return streams.execute(
            self._transport.client, path, command, container=container, seconds=seconds,
            headers=self._transport.headers(), attempted=_words("exec in", POD, pod, namespace),
        )

    def shell(self, pod: str, *, namespace: str, container: str = "") -> Shell:
        path = self._exec_path(pod, namespace=namespace)
        log.info("exec %s sh", path)
        return streams.ShellStream(
            self._transport.client, path, container=container, headers=self._transport.headers(),
            attempted=_words("exec in", POD, pod, namespace),
        )

    def _exec_path(self, pod: str, *, namespace: str) -> str:
        if self._dry_run.on:
            raise errors.UsageError("nothing is executed in pods under --dry-run")
        return POD.path(namespace=namespace, name=pod, subresource="exec")

    def can_i(
        self, verb: str, kind: Kind, *, namespace: str | None = None, name: str = "", subresource: str = ""
    ) -> Access:
        body = review_of_ourselves(verb, kind, namespace=namespace, name=name, subresource=subresource)
        return verdict_of(self._json("POST", ACCESS_REVIEW.path(), body=body,
                                     attempted=f"ask whether you may {verb} {kind.plural}"))

    def subject_can(
        self, user: str, groups: Sequence[str], verb: str, kind: Kind, *, namespace: str | None = None, name: str = ""
    ) -> Access:
        body = review_of_subject(user, groups, verb, kind, namespace=namespace, name=name)
        return verdict_of(self._json("POST", SUBJECT_REVIEW.path(), body=body,
                                     attempted=f"ask whether {user} may {verb} {kind.plural}"))

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

    def raw(self, path: str) -> str:
        return self._retrying(lambda number: self._transport.request_text(
            path, attempted=f"read {path}", deadline=self._deadline
        ))

    def _kind_of(self, manifest: Manifest) -> Kind:
        return find_served_kind(
            manifest, ask=lambda path, what: self._json("GET", path, attempted=f"ask what {what} serves"))

    def _write_query(self) -> list[tuple[str, str]]:
        dry = [("dryRun", "All")] if self._dry_run is DryRun.SERVER else []
        return [("fieldManager", self._field_manager), *dry]

    def _json(self, method: str, path: str, *, attempted: str, repeatable: bool = True, **options: Any) -> Manifest:
        return self._retrying(
            lambda number: self._transport.request_json(
                method, path, attempted=attempted, deadline=self._deadline, **options
            ),
            repeatable=repeatable,
        )

    def _retrying(self, attempt: Callable[[int], T], *, repeatable: bool = True) -> T:
        return try_again(
            attempt, deadline=self._deadline, contact=self._transport.contact, repeatable=repeatable
        )


def _watch_failure(status: Manifest, *, attempted: str) -> errors.ApiFailure:
    """Whatever broke inside the server while it watched: a new list tells what is so, as after a 410."""
    failure = api_failure(status=status.get("code") or 500, body=json.dumps(status), attempted=attempted)
    if isinstance(failure, errors.Unavailable):
        return errors.Expired(failure.message, status=failure.status, server_message=failure.server_message)
    return failure


def _words(verb: str, kind: Kind, name: str, namespace: str | None) -> str:
    what = f'{kind.resource} "{name}"' if name else kind.resource
    return f"{verb} {what}" + (f' in namespace "{namespace}"' if namespace and kind.namespaced else "")
