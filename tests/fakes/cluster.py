"""A cluster in memory. Reads answer from what it holds; writes and execs must be expected, or the test fails."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from plugin_core import errors
from plugin_core.kube.cluster import Access, DryRun, ExecResult, Listing, PatchType, WatchEvent
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import Kind, find_kind
from plugin_core.model.manifests import Manifest, labels_of, name_of, namespace_of, part_of
from plugin_core.model.patches import apply_merge_patch

Reaction = Callable[["FakeCluster", Manifest], None]
"""What the rest of the cluster (a controller) does after a write; it may change `cluster.objects`."""
Execution = ExecResult | Callable[[Sequence[str]], ExecResult]
"""What a command in a pod answers, or what makes the answer of the whole command."""


class FakeShell:
    """Hands each script to the cluster's `execute`, as the command `sh -c`."""

    idle_seconds = 0.0

    def __init__(self, cluster: FakeCluster, pod: str, namespace: str) -> None:
        self._cluster, self._pod, self._namespace = cluster, pod, namespace

    def run(self, script: str, arguments: Sequence[str], *, seconds: float) -> ExecResult:
        return self._cluster.execute(self._pod, ["sh", "-c", script, "sh", *arguments], namespace=self._namespace)

    def close(self) -> None:
        pass


class FakeCluster:
    """Implements plugin_core.kube.cluster.Cluster.

    expect: allowed writes as "verb resource" ("create volumesnapshots.snapshot.storage.k8s.io"); anything else is an
    AssertionError. reactions: by the same words. denied: "verb resource" pairs that can_i answers with no and that the
    request itself refuses. script: steps run one by one, each before a watch delivers, to play the passing of time.
    execs: answers by (pod, first word of the command). grants: (user or group, object name) pairs that subject_can
    answers with yes; `self.grants` may grow while the test runs.
    """

    def __init__(
        self, objects: Iterable[Manifest] = (), *, expect: Iterable[str] = (), denied: Iterable[str] = (),
        reactions: dict[str, Reaction] | None = None, script: Iterable[Callable[["FakeCluster"], None]] = (),
        execs: Mapping[tuple[str, str], Execution] | None = None, groups: dict[str, list[str]] | None = None,
        namespace: str = "app", dry_run: DryRun = DryRun.NONE, grants: Iterable[tuple[str, str]] = (),
        version: str = "v1.36.3", texts: dict[str, str] | None = None,
    ) -> None:
        self.objects: dict[tuple[str, str, str], Manifest] = {}
        self.requests: list[str] = []
        self.executed: list[tuple[str, tuple[str, ...]]] = []
        self._expect, self._denied = set(expect), set(denied)
        self._reactions, self._script = reactions or {}, iter(script)
        self._execs, self._groups = dict(execs or {}), groups or {}
        self._namespace, self._dry_run = namespace, dry_run
        self.grants = set(grants)
        self._server, self._texts = version, texts or {}
        self._version = 0
        for item in objects:
            self.put(item)

    def put(self, manifest: Manifest) -> Manifest:
        """Stores an object as the server would: with a uid and a new resourceVersion."""
        self._version += 1
        stored = copy.deepcopy(manifest)
        metadata = stored.setdefault("metadata", {})
        metadata.setdefault("uid", f"uid-{self._version}")
        metadata["resourceVersion"] = str(self._version)
        self.objects[_key(stored)] = stored
        return stored

    @property
    def namespace(self) -> str:
        return self._namespace

    @property
    def dry_run(self) -> DryRun:
        return self._dry_run

    def within(self, deadline: Deadline | None) -> FakeCluster:
        return self

    def in_namespace(self, namespace: str) -> FakeCluster:
        other = copy.copy(self)
        other._namespace = namespace
        return other

    def rehearsing(self) -> FakeCluster:
        other = copy.copy(self)
        other._dry_run = self._dry_run if self._dry_run.on else DryRun.SERVER
        return other

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Manifest:
        self._note("get", kind)
        try:
            return copy.deepcopy(self.objects[kind.resource, namespace or "", name])
        except KeyError:
            message = f'{kind.resource} "{name}" not found'
            raise errors.NotFound(message, status=404, server_message=message) from None

    def list_all(self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = "") -> Listing:
        self._note("list", kind)
        items = [copy.deepcopy(item) for (resource, where, _), item in sorted(self.objects.items())
                 if resource == kind.resource and namespace in (None, where) and _matches(item, labels, fields)]
        return Listing(items=items, resource_version=str(self._version))

    def watch(
        self, kind: Kind, *, resource_version: str, seconds: float, namespace: str | None = None, labels: str = "",
        fields: str = "",
    ) -> Iterator[WatchEvent]:
        self._note("watch", kind)
        before = set(self.objects)
        step = next(self._script, None)
        if step is None:
            raise AssertionError(f"a watch of {kind.resource} goes on after the last step of the script")
        step(self)
        for key in before - set(self.objects):
            if key[0] == kind.resource:
                yield WatchEvent("DELETED", {"metadata": {"namespace": key[1], "name": key[2]}})
        for item in self.list_all(kind, namespace=namespace, labels=labels, fields=fields).items:
            if int(item["metadata"]["resourceVersion"]) > int(resource_version):
                yield WatchEvent("MODIFIED", item)

    def create(self, manifest: Manifest) -> Manifest:
        kind = _kind_of(manifest)
        self._write("create", kind)
        if _key(manifest) in self.objects:
            raise errors.AlreadyExists(f'{kind.resource} "{name_of(manifest)}" already exists', status=409)
        return self._stored("create", kind, manifest)

    def apply(self, manifest: Manifest) -> Manifest:
        kind = _kind_of(manifest)
        self._write("apply", kind)
        there = self.objects.get(_key(manifest), {})
        return self._stored("apply", kind, apply_merge_patch(there, manifest))

    def patch(
        self, kind: Kind, name: str, patch: Manifest | Sequence[Manifest], *, namespace: str | None = None,
        patch_type: PatchType = "merge", subresource: str = "",
    ) -> Manifest:
        self._write("patch", kind)
        before = self.get(kind, name, namespace=namespace)
        if patch_type != "merge":
            raise AssertionError("the fake applies merge patches only")
        wanted = isinstance(patch, dict) and patch.get("metadata", {}).get("resourceVersion")
        if wanted and wanted != before["metadata"]["resourceVersion"]:
            raise errors.Conflict("the object has been modified", status=409)
        return self._stored("patch", kind, apply_merge_patch(before, patch))

    def delete(self, kind: Kind, name: str, *, namespace: str | None = None, uid: str = "") -> None:
        self._write("delete", kind)
        gone = self.get(kind, name, namespace=namespace)
        if not self._dry_run.on:
            del self.objects[_key(gone)]
            self._react("delete", kind, gone)

    def execute(
        self, pod: str, command: Sequence[str], *, namespace: str, container: str = "", seconds: float = 60
    ) -> ExecResult:
        self.executed.append((pod, tuple(command)))
        try:
            answer = self._execs[pod, command[0]]
        except KeyError:
            raise AssertionError(f"unexpected exec in {pod}: {list(command)}") from None
        return answer(command) if callable(answer) else answer

    def shell(self, pod: str, *, namespace: str, container: str = "") -> FakeShell:
        return FakeShell(self, pod, namespace)

    def can_i(
        self, verb: str, kind: Kind, *, namespace: str | None = None, name: str = "", subresource: str = ""
    ) -> Access:
        return Access(allowed=f"{verb} {kind.resource}" not in self._denied)

    def subject_can(
        self, user: str, groups: Sequence[str], verb: str, kind: Kind, *, namespace: str | None = None, name: str = ""
    ) -> Access:
        return Access(allowed=any((subject, name) in self.grants for subject in (user, *groups)))

    def versions_of(self, group: str) -> list[str]:
        return self._groups.get(group, [])

    def server_version(self) -> str:
        return self._server

    def raw(self, path: str) -> str:
        self.requests.append(f"get {path}")
        if f"get {path}" in self._denied:
            raise errors.Forbidden(f"cannot read {path}: forbidden", status=403, server_message="forbidden")
        if path not in self._texts:
            raise errors.NotFound(f"cannot read {path}: not found", status=404, server_message="not found")
        return self._texts[path]

    def _note(self, verb: str, kind: Kind) -> None:
        words = f"{verb} {kind.resource}"
        self.requests.append(words)
        if words in self._denied:
            raise errors.Forbidden(f"cannot {words}: forbidden", status=403, server_message="forbidden")

    def _write(self, verb: str, kind: Kind) -> None:
        self._note(verb, kind)
        if f"{verb} {kind.resource}" not in self._expect:
            raise AssertionError(f"unexpected request: {verb} {kind.resource}")

    def _stored(self, verb: str, kind: Kind, manifest: Manifest) -> Manifest:
        if self._dry_run.on:
            return copy.deepcopy(manifest)
        stored = self.put(manifest)
        self._react(verb, kind, stored)
        return copy.deepcopy(self.objects.get(_key(stored), stored))

    def _react(self, verb: str, kind: Kind, manifest: Manifest) -> None:
        reaction = self._reactions.get(f"{verb} {kind.resource}")
        if reaction:
            reaction(self, manifest)


def _kind_of(manifest: Manifest) -> Kind:
    kind = find_kind(manifest["apiVersion"], manifest["kind"])
    assert kind, f"the fake does not know {manifest['apiVersion']} {manifest['kind']}"
    return kind


def _key(manifest: Manifest) -> tuple[str, str, str]:
    return _kind_of(manifest).resource, namespace_of(manifest), name_of(manifest)


def _matches(item: Manifest, labels: str, fields: str) -> bool:
    have = labels_of(item)
    wanted = [pair.split("=", 1) for pair in labels.split(",") if pair]
    if any(len(pair) != 2 for pair in wanted):
        raise AssertionError(f"the fake only knows KEY=VALUE selectors, not {labels}")
    chosen = [pair.split("=", 1) for pair in fields.split(",") if pair]
    unknown = [path for path, _ in chosen if path != "metadata.name" and not path.startswith("involvedObject.")]
    if unknown:
        raise AssertionError(f"the fake only knows field selectors on metadata.name and involvedObject, not {fields}")
    return all(have.get(key) == value for key, value in wanted) and all(
        part_of(item, *path.split(".")) == value for path, value in chosen
    )
