"""What a diagnosis reads: each thing at most once, whatever the number of objects, and what was refused is remembered.

Up to FEW objects are read by name; for more, their kinds are listed. So a diagnosis of hundreds costs some twenty
requests, and one of a single object needs no list of the whole cluster's contents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kubectl_rwx.diagnosis.events import Event, own_events, read_events
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import SNAPSHOT_GROUP, Kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of

FEW = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """One read. items: None when it was refused, with the request and the words; unserved: there is no such kind."""

    items: Sequence[Manifest] | None
    request: str = ""
    words: str = ""
    unserved: bool = False

    @property
    def seen(self) -> bool:
        return self.items is not None

    @property
    def one(self) -> Manifest | None:
        """The object that was asked for by name; None when it is not there, or was not seen."""
        return self.items[0] if self.items else None


class Sight:
    """Reads for the objects of one namespace, or of all ("": as -A does).

    count: how many objects are looked at. tolerant: a server that fails counts as refusal, for the end of a wait;
    otherwise only Forbidden does, and other errors are raised.
    """

    def __init__(self, cluster: Cluster, *, namespace: str, count: int = 1, tolerant: bool = False) -> None:
        self.namespace = namespace
        self._cluster, self._many, self._tolerant = cluster, count > FEW, tolerant
        self._reads: dict[str, Look] = {}
        self._events: dict[str, dict[str, list[Event]] | None] = {}
        self._away = ""
        self._no_events = ""

    @property
    def away(self) -> str:
        """What was said of the server when it did not answer; "" while it does."""
        return self._away

    @property
    def no_events(self) -> str:
        """Why events() gave None: "forbidden", or the words of what failed."""
        return self._no_events

    def versions(self) -> Sequence[str] | None:
        """Served versions of the snapshot API; None when even discovery is refused."""
        return self._try(lambda: self._cluster.versions_of(SNAPSHOT_GROUP))[0]

    def all_of(self, kind: Kind, *, named: str = "", everywhere: bool = False) -> Look:
        """All of a kind in the sight's namespace (everywhere: in all), or only those of one name."""
        where = None if everywhere or not self.namespace or not kind.namespaced else self.namespace
        fields = f"metadata.name={named}" if named else ""
        request = f"list {kind.resource}" + (" in all namespaces" if kind.namespaced and where is None else "")
        key = f"{request} {where} {fields}"
        if key not in self._reads:
            self._reads[key] = self._look(
                request, lambda: self._cluster.list_all(kind, namespace=where, fields=fields).items
            )
        return self._reads[key]

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Look:
        """One object: by name when few are looked at, else out of a list."""
        if self._many or not self.namespace and kind.namespaced:
            look = self.all_of(kind)
            if look.items is None:
                return look
            found = [one for one in look.items if name_of(one) == name and namespace_of(one) == namespace]
            return Look(found, look.request, look.words, look.unserved)
        request = f"get {kind.resource}"
        key = f"{request} {namespace} {name}"
        if key not in self._reads:
            self._reads[key] = self._look(
                request, lambda: [self._cluster.get(kind, name, namespace=namespace or None)]
            )
        return self._reads[key]

    def events(self, kind: Kind, manifest: Manifest, *, all_of_kind: bool = False) -> list[Event] | None:
        """What was recorded about this very object, the latest last; None when events may not be read.

        all_of_kind: others of its kind will be asked about too, so that one request serves them all.
        """
        name = "" if self._many or not self.namespace or all_of_kind else name_of(manifest)
        key = f"{kind.name} {name}"
        if key not in self._events:
            where = self.namespace or None
            self._events[key], words = self._try(
                lambda: read_events(self._cluster, kind, namespace=where, name=name)
            )
            self._no_events = words or self._no_events
        found = self._events[key]
        return None if found is None else own_events(found.get(name_of(manifest), []), manifest)

    def _look(self, request: str, read: Callable[[], Sequence[Manifest]]) -> Look:
        try:
            items, words = self._try(read)
        except errors.NotFound as error:
            return Look((), request, error.server_message, unserved=_is_unserved(error))
        return Look(items, request, words)

    def _try(self, read: Callable[[], T]) -> tuple[T | None, str]:
        """The answer, or None and why there is none. A server that did not answer is not asked again."""
        if self._away:
            return None, self._away
        try:
            return read(), ""
        except errors.Forbidden:
            return None, "forbidden"
        except errors.NotFound:
            raise
        except errors.PluginError as error:
            if not self._tolerant:
                raise
            if isinstance(error, (errors.ConnectionFailed, errors.Unavailable, errors.TimedOut)):
                self._away = error.message
            return None, error.message


def _is_unserved(error: errors.NotFound) -> bool:
    """Whether the path is unknown, not merely the name; lists of a served kind are never 404."""
    return "could not find the requested resource" in error.server_message or "page not found" in error.server_message
