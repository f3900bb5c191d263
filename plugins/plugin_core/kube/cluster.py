"""What an operation may ask of a cluster. `live.LiveCluster` answers for real, `tests/fakes` in unit tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import Kind
from plugin_core.model.manifests import Manifest

PatchType = Literal["merge", "json"]


class DryRun(str, Enum):
    """none: requests are sent. client: writes stay here. server: writes carry dryRun=All and nothing is stored."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"

    @property
    def on(self) -> bool:
        return self is not DryRun.NONE

    @property
    def suffix(self) -> str:
        """What one-line reports end with, as kubectl writes it."""
        return {"none": "", "client": " (dry run)", "server": " (server dry run)"}[self.value]


@dataclass(frozen=True)
class Listing:
    """All items of a list, whatever the number of pages. resource_version: where a watch of it begins."""

    items: list[Manifest]
    resource_version: str


@dataclass(frozen=True)
class WatchEvent:
    """type: ADDED, MODIFIED or DELETED for an object; BOOKMARK when only the resource version moved on."""

    type: str
    manifest: Manifest


@dataclass(frozen=True)
class ExecResult:
    """exit_code: the command's own. stdout and stderr are decoded as UTF-8 with replacement."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Access:
    """The server's answer to "may I?". reason: its words, often ""."""

    allowed: bool
    reason: str = ""


class Shell(Protocol):
    """One shell in a container that runs scripts one after another; for one thread at a time."""

    @property
    def idle_seconds(self) -> float:
        """How long ago its last answer came: proxies on the way cut what is idle."""

    def run(self, script: str, arguments: Sequence[str], *, seconds: float) -> ExecResult:
        """Runs the script with $1… and no input. Raises TimedOut after `seconds`; useless once it has raised."""

    def close(self) -> None:
        """Ends the shell. Repeated: nothing."""


class Cluster(Protocol):
    """One connection. Errors are those of plugin_core.errors; 429, 5xx and lost connections were already tried again.

    namespace None means all namespaces for list_all and watch; elsewhere it is only right for cluster-scoped kinds.
    """

    @property
    def namespace(self) -> str:
        """The namespace of -n, else the context's, else "default"."""

    @property
    def dry_run(self) -> DryRun: ...

    def within(self, deadline: Deadline | None) -> Cluster:
        """The same connection that tries again until another deadline (None: a fixed budget for each request)."""

    def in_namespace(self, namespace: str) -> Cluster:
        """The same connection with another namespace of its own."""

    def rehearsing(self) -> Cluster:
        """The same connection under a server dry run (a client dry run stays one): admission answers, nothing stays."""

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Manifest:
        """Raises NotFound."""

    def list_all(self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = "") -> Listing:
        """Everything that matches, read in pages; a page that expired half-way makes the list start over."""

    def watch(
        self, kind: Kind, *, resource_version: str, seconds: float, namespace: str | None = None, labels: str = "",
        fields: str = "",
    ) -> Iterator[WatchEvent]:
        """Events of one connection, which ends by itself after about `seconds` or when it drops. Raises Expired on 410.

        Use waiting.follow, which goes on after drops and expiry.
        """

    def create(self, manifest: Manifest) -> Manifest:
        """Raises AlreadyExists, unless the object there is this very one, made by a try whose answer got lost."""

    def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply of exactly the fields given, as our field manager; conflicts are forced."""

    def patch(
        self, kind: Kind, name: str, patch: Manifest | Sequence[Manifest], *, namespace: str | None = None,
        patch_type: PatchType = "merge", subresource: str = "",
    ) -> Manifest:
        """Raises Conflict when the patch carries a metadata.resourceVersion that is no longer current."""

    def delete(self, kind: Kind, name: str, *, namespace: str | None = None, uid: str = "") -> None:
        """Asks for deletion, in the background. uid: delete only that very object. Raises NotFound."""

    def execute(
        self, pod: str, command: Sequence[str], *, namespace: str, container: str = "", seconds: float = 60
    ) -> ExecResult:
        """Runs a command in a container. Raises TimedOut after `seconds`; UsageError under --dry-run."""

    def shell(self, pod: str, *, namespace: str, container: str = "") -> Shell:
        """Starts a shell in a container. Raises UsageError under --dry-run."""

    def can_i(
        self, verb: str, kind: Kind, *, namespace: str | None = None, name: str = "", subresource: str = ""
    ) -> Access:
        """SelfSubjectAccessReview. namespace None asks for all namespaces."""

    def subject_can(
        self, user: str, groups: Sequence[str], verb: str, kind: Kind, *, namespace: str | None = None, name: str = ""
    ) -> Access:
        """SubjectAccessReview: the same question about someone else, who has exactly these groups."""

    def versions_of(self, group: str) -> list[str]:
        """Served versions of an API group, the preferred one first; [] when the group is not served."""

    def server_version(self) -> str:
        """gitVersion, e.g. "v1.36.3"."""

    def raw(self, path: str) -> str:
        """The text behind a URL path that serves no objects, such as /metrics. Raises NotFound and Forbidden."""
