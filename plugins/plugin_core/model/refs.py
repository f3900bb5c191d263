"""How one object is named in words, in output and in messages."""

from __future__ import annotations

from dataclasses import dataclass

from plugin_core.model.kinds import Kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of


@dataclass(frozen=True, order=True)
class ObjectRef:
    """One object: its kind's name (`Deployment`), namespace ("" when cluster-scoped) and name."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


def ref_to(kind: Kind, manifest: Manifest) -> ObjectRef:
    """The reference to an object that was read or made."""
    return ObjectRef(kind=kind.name, name=name_of(manifest), namespace=namespace_of(manifest))


@dataclass(frozen=True)
class Target:
    """What a user names on the command line: `pvc/data`, `deploy/web`. The namespace is the command's."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.name.lower()}/{self.name}"
