"""What an in-place restore has done and is about to do, kept in a ConfigMap of the namespace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum

from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import CONFIG_MAP, Kind, find_kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of

_KEY = "journal"


class Step(str, Enum):
    """In this order; `back` is the way back, from wherever it was."""

    STOP = "stop"
    SAFETY = "safety"
    HOLD = "hold"
    REPLACE = "replace"
    START = "start"
    FINISH = "finish"
    BACK = "back"

    @property
    def words(self) -> str:
        return {
            "stop": "stopping workloads", "safety": "taking safety snapshots", "hold": "holding on to the old volumes",
            "replace": "replacing the claims", "start": "starting workloads", "finish": "letting go of the old volumes",
            "back": "going back",
        }[self.value]


@dataclass(frozen=True)
class Replacement:
    """One claim. original and replacement are what is sent to create it, before and after; safety: the snapshot's.

    policy: the old volume's reclaim policy. late: the class waits for a first consumer.
    """

    claim: str
    claim_uid: str
    volume: str
    policy: str
    snapshot: str
    snapshot_uid: str
    original: Manifest
    replacement: Manifest
    safety: Manifest
    late: bool = False


@dataclass(frozen=True)
class Stopped:
    """A workload to be stopped and started again; its replicas are in its own scale record."""

    api_version: str
    kind: str
    name: str

    @property
    def of_kind(self) -> Kind:
        found = find_kind(self.api_version, self.kind)
        assert found is not None
        return found

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


@dataclass
class Journal:
    """step: what is being done now; it was written before it was begun. why: the failure that made it go back."""

    run: str
    step: Step
    members: list[Replacement] = field(default_factory=list)
    workloads: list[Stopped] = field(default_factory=list)
    why: str = ""

    @property
    def name(self) -> str:
        return f"kubectl-rwx-in-place-{self.run}"

    @property
    def claims(self) -> tuple[str, ...]:
        return tuple(member.claim for member in self.members)

    @property
    def safety_set(self) -> str:
        return f"before-{self.run}"


def write_journal(cluster: Cluster, journal: Journal) -> None:
    """Creates it; one that is there already is this run's own, whose answer got lost."""
    snapshots = sorted({member.snapshot for member in journal.members}
                       | {name_of(member.safety) for member in journal.members})
    cluster.create({
        "apiVersion": CONFIG_MAP.api_version, "kind": CONFIG_MAP.name,
        "metadata": {
            "name": journal.name, "namespace": cluster.namespace,
            "labels": {names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: journal.run, names.IN_PLACE: _KEY},
            "annotations": {names.IN_PLACE: json.dumps(snapshots)},
        },
        "data": _data(journal),
    })


def record_step(cluster: Cluster, journal: Journal, step: Step, *, why: str = "") -> None:
    """Says what comes next, before it is done."""
    journal.step, journal.why = step, why or journal.why
    cluster.patch(CONFIG_MAP, journal.name, {"data": _data(journal)}, namespace=cluster.namespace)


def erase_journal(cluster: Cluster, journal: Journal) -> None:
    """The last thing an in-place restore does; a repeat finds nothing."""
    try:
        cluster.delete(CONFIG_MAP, journal.name, namespace=cluster.namespace)
    except errors.NotFound:
        return


def read_journals(cluster: Cluster) -> list[Journal]:
    """Every unfinished in-place restore of the namespace. Raises NotReady for one that somebody garbled."""
    found = cluster.list_all(CONFIG_MAP, namespace=cluster.namespace, labels=f"{names.IN_PLACE}={_KEY}").items
    return [_journal(manifest) for manifest in found]


def find_journal(journals: Sequence[Journal], claims: Sequence[str]) -> Journal | None:
    """The one that is about any of these claims."""
    return next((journal for journal in journals if set(journal.claims) & set(claims)), None)


def _data(journal: Journal) -> dict[str, str]:
    return {"step": f"{journal.step.value}: {journal.step.words}", _KEY: json.dumps(asdict(journal), sort_keys=True)}


def _journal(manifest: Manifest) -> Journal:
    try:
        read = json.loads(str(part_of(manifest, "data", _KEY)))
        return Journal(
            run=read["run"], step=Step(read["step"]), why=read["why"],
            members=[Replacement(**member) for member in read["members"]],
            workloads=[Stopped(**one) for one in read["workloads"]],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise errors.NotReady(
            f"the record of an unfinished in-place restore, configmap/{name_of(manifest)}, cannot be read: {error}",
            hint=f"look at it: kubectl get configmap {name_of(manifest)} -n {namespace_of(manifest)} -o yaml",
        ) from error
