"""What an in-place restore has done and is about to do, kept in a ConfigMap of the namespace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum

from kubectl_rwx.protection.in_place.holders import gone, mark_held, require_ours
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import CONFIG_MAP, Kind, find_kind
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.workloads.edits import edit_workload

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

    def way_on(self, namespace: str) -> str:
        """The command that finishes it, and how to go back instead."""
        snapshots = " ".join(f"vs/{member.snapshot}" for member in self.members)
        return f"kubectl rwx restore {snapshots} --in-place -n {namespace} goes on, with --rollback it goes back"


def write_journal(cluster: Cluster, journal: Journal) -> None:
    """Creates it, held by us; one that is there already is this run's own, whose answer got lost.

    Raises NotReady, and takes it back, when another client has begun one of the same claims at the same moment: each
    looks after it has written, so that at least one sees the other.
    """
    snapshots = sorted({member.snapshot for member in journal.members}
                       | {name_of(member.safety) for member in journal.members})
    cluster.create(mark_held({
        "apiVersion": CONFIG_MAP.api_version, "kind": CONFIG_MAP.name,
        "metadata": {
            "name": journal.name, "namespace": cluster.namespace,
            "labels": {names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: journal.run, names.IN_PLACE: _KEY},
            "annotations": {names.IN_PLACE: json.dumps(snapshots)},
        },
        "data": _data(journal),
    }))
    _yield_to_rivals(cluster, journal)


def _yield_to_rivals(cluster: Cluster, journal: Journal) -> None:
    others = [one for one in read_journals(cluster) if one.run != journal.run]
    rival = find_journal(others, journal.claims)
    if rival:
        erase_journal(cluster, journal)
        raise errors.NotReady(
            f"another client has begun an in-place restore of {', '.join(rival.claims)} at the same moment, "
            f"configmap/{rival.name}; nothing was done", hint="run this again when that one is over",
        )


def record_step(cluster: Cluster, journal: Journal, step: Step, *, why: str = "") -> None:
    """Says what comes next, before it is done. Raises TakenOver when another client goes on with it."""
    journal.step, journal.why = step, why or journal.why

    def edit(before: Manifest) -> Manifest:
        require_ours(before)
        return {**before, "data": _data(journal)}

    try:
        edit_workload(cluster, CONFIG_MAP, journal.name, namespace=cluster.namespace, edit=edit)
    except errors.NotFound as error:
        raise gone(journal.name) from error


def require_journal(cluster: Cluster, journal: Journal) -> None:
    """The look before what cannot be undone. Raises TakenOver."""
    try:
        require_ours(cluster.get(CONFIG_MAP, journal.name, namespace=cluster.namespace))
    except errors.NotFound as error:
        raise gone(journal.name) from error


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
