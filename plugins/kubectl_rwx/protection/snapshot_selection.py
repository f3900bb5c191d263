"""Which snapshots a command is about: those named, or every one of a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_rwx.protection.answers import Problem
from kubectl_rwx.protection.claim_selection import read_named, reading_verb
from kubectl_rwx.protection.rights import Right
from kubectl_rwx.protection.snapshot_reports import describe_snapshot
from plugin_core import errors, names
from plugin_core.cli.targets import parse_targets
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import VOLUME_SNAPSHOT
from plugin_core.model.manifests import Manifest


@dataclass(frozen=True)
class Chosen:
    """Exactly one of the two: names of snapshots, or the name of a set."""

    snapshots: tuple[str, ...] = ()
    set_name: str = ""

    def __post_init__(self) -> None:
        if bool(self.snapshots) == bool(self.set_name):
            raise errors.UsageError("say which", hint="either snapshots (vs/NAME…) or the name of one set")

    @property
    def right(self) -> Right:
        """What find_snapshots needs."""
        return Right("list" if self.set_name else reading_verb(len(self.snapshots)), VOLUME_SNAPSHOT)

    def __str__(self) -> str:
        """As one would write it on the command line."""
        return self.set_name or " ".join(f"vs/{name}" for name in self.snapshots)


def choose(words: Sequence[str]) -> Chosen:
    """SET, or vs/NAME and so on, as kubectl writes it. Raises UsageError."""
    if len(words) == 1 and "/" not in words[0]:
        return Chosen(set_name=words[0])
    return Chosen(snapshots=tuple(target.name for target in parse_targets(words, allowed=[VOLUME_SNAPSHOT])))


def find_snapshots(cluster: Cluster, chosen: Chosen) -> tuple[list[Manifest], list[Problem]]:
    """The snapshots in the command's namespace, and a problem for each name that is not there.

    Raises NotFound when nothing at all is there.
    """
    namespace = cluster.namespace
    hint = f"see which there are: kubectl rwx list -n {namespace}"
    if chosen.set_name:
        labels = f"{names.SET_LABEL}={chosen.set_name}"
        found = cluster.list_all(VOLUME_SNAPSHOT, namespace=namespace, labels=labels).items
        if not found:
            raise errors.NotFound(
                f'there is no snapshot set "{chosen.set_name}" in namespace "{namespace}"', status=404,
                hint=f"{hint}; a snapshot without a set is named vs/{chosen.set_name}",
            )
        return found, []
    there = read_named(cluster, VOLUME_SNAPSHOT, chosen.snapshots, namespace=namespace)
    absent = [
        Problem(describe_snapshot(name),
                errors.NotFound(f'it does not exist in namespace "{namespace}"', status=404, hint=hint))
        for name in chosen.snapshots if name not in there
    ]
    return [there[name] for name in chosen.snapshots if name in there], absent
