"""Bringing back what a run that died left frozen or scaled down, from the records on the workloads alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.protection.cuts import is_cut
from kubectl_rwx.protection.freeze_records import FreezeRecord, read_freeze_record, remove_freeze_record
from kubectl_rwx.protection.freezes import thaw_pod
from kubectl_rwx.protection.group_snapshots import remove_group_labels
from kubectl_rwx.protection.in_place.journals import Journal, read_journals
from kubectl_rwx.protection.quiesce_requests import HOLDERS
from kubectl_rwx.protection.stillness import withdraw_promise
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT, Kind
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of
from plugin_core.model.progress import Progress
from plugin_core.model.refs import Target, ref_to
from plugin_core.model.reports import Report, column
from plugin_core.workloads.scaling import ScaleRecord, read_scale_record, scale_back

SECONDS = 60.0
"""How long one thaw command may take."""


@dataclass(frozen=True)
class ThawRequest:
    """Either targets, or everything of the namespace."""

    targets: tuple[Target, ...] = ()
    everything: bool = False

    def __post_init__(self) -> None:
        if bool(self.targets) == self.everything:
            raise errors.UsageError("say what to thaw: workloads, or --all", hint="for example: kubectl rwx thaw --all")


def thaw(cluster: Cluster, request: ThawRequest, progress: Progress) -> Answer:
    """Thaws and scales back everything asked for that has a record; what has none is left alone, and told so.

    Snapshots of the same run that are not cut by then lose their promise to be quiesced. What an in-place restore
    stopped, and may go on with, stays stopped and counts as a failure. Safe to repeat.
    """
    found = _read_all(cluster, progress) if request.everything else [
        (target.kind, cluster.get(target.kind, target.name, namespace=cluster.namespace)) for target in request.targets
    ]
    items: list[dict[str, Any]] = []
    problems: list[Problem] = []
    restores = _Restores(cluster, progress)
    for kind, workload in found:
        try:
            for item in _thaw_one(cluster, kind, workload, restores, progress):
                items.append(item)
        except errors.PluginError as error:
            problems.append(Problem(str(ref_to(kind, workload)), error))
    if request.everything and not cluster.dry_run.on:
        items += [_item(PERSISTENT_VOLUME_CLAIM, name, "label of a group cut removed", why="", since="")
                  for name in remove_group_labels(cluster)]
    nothing = "Nothing is frozen or scaled down by kubectl rwx" + f" in namespace {cluster.namespace}."
    report = Report(
        kind="ThawList", items=tuple(items), empty=nothing, facts={"problems": [problem.item for problem in problems]},
        columns=(column("OBJECT", "object"), column("DONE", "done"), column("SINCE", "since"), column("WHY", "why")),
        name=lambda item: str(item["object"]),
    )
    return Answer(report, sum_up(problems, done=len(items), undone="workloads are still held"))


def _read_all(cluster: Cluster, progress: Progress) -> list[tuple[Kind, Manifest]]:
    """Everything of the namespace that carries a record. A kind that may not be listed is told, not fatal."""
    found = []
    for kind in HOLDERS:
        try:
            listed = cluster.list_all(kind, namespace=cluster.namespace).items
        except errors.NotFound:
            continue
        except errors.Forbidden as error:
            progress.warn(error.message)
            continue
        found += [(kind, item) for item in listed
                  if {names.FREEZE_RECORD, names.SCALE_RECORD} & set(annotations_of(item))]
    return found


class _Restores:
    """In-place restores that are not over: what they stopped would write to claims that they are replacing."""

    def __init__(self, cluster: Cluster, progress: Progress) -> None:
        self._cluster, self._progress = cluster, progress
        self._by_run: dict[str, Journal] | None = None

    def refuse(self, scale: ScaleRecord) -> None:
        """Raises NotReady with the command that finishes the one which stopped this workload."""
        if self._by_run is None:
            self._by_run = self._read()
        journal = self._by_run.get(scale.run)
        if journal:
            raise errors.NotReady(
                f"stays at 0 replicas: the in-place restore of {', '.join(journal.claims)} that stopped it is at work, "
                f"or unfinished (it stands at: {journal.step.words})", hint=journal.way_on(self._cluster.namespace),
            )

    def _read(self) -> dict[str, Journal]:
        try:
            return {journal.run: journal for journal in read_journals(self._cluster)}
        except errors.Forbidden as error:
            self._progress.warn(f"whether an in-place restore is at work cannot be seen: {error.message}")
            return {}


def _thaw_one(
    cluster: Cluster, kind: Kind, workload: Manifest, restores: _Restores, progress: Progress
) -> Iterator[dict[str, Any]]:
    suffix = cluster.dry_run.suffix
    freeze, scale = read_freeze_record(kind, workload), read_scale_record(workload)
    if freeze:
        _withdraw(cluster, freeze.run, progress)
        if not cluster.dry_run.on:
            _thaw_pods(cluster, freeze)
        remove_freeze_record(cluster, kind, name_of(workload), run=freeze.run)
        yield _item(kind, name_of(workload), f"thawed{suffix}", why=freeze.why, since=freeze.since)
    if scale:
        restores.refuse(scale)
        _withdraw(cluster, scale.run, progress)
        back = scale_back(cluster, kind, name_of(workload), namespace=namespace_of(workload))
        done = f"scaled back to {back.replicas}{suffix}"
        yield _item(kind, name_of(workload), done, why=scale.why, since=scale.since)
    if not freeze and not scale:
        progress.note(f"{ref_to(kind, workload)} has no record: it is neither frozen nor scaled down by kubectl rwx")


def _thaw_pods(cluster: Cluster, record: FreezeRecord) -> None:
    """Raises NotReady naming the pods that could not be thawed; the record stays then.

    After its time the timers have thawed them; thawing again would at best do nothing.
    """
    if record.over:
        return
    said = {pod.pod: thaw_pod(cluster, pod, run=record.run, seconds=SECONDS) for pod in record.pods}
    failed = {pod: words for pod, words in said.items() if words}
    if failed:
        raise errors.NotReady(
            "not thawed:" + "".join(f"\n  pod/{pod}: {words}" for pod, words in failed.items()),
            hint=f"the timers in the pods thaw them by {record.until}; to try again: the same command",
        )


def _withdraw(cluster: Cluster, run: str, progress: Progress) -> None:
    """What was not cut until now is cut while the writers write."""
    try:
        listed = cluster.list_all(VOLUME_SNAPSHOT, namespace=cluster.namespace, labels=f"{names.RUN_LABEL}={run}").items
        uncut: Sequence[Manifest] = [snapshot for snapshot in listed if not is_cut(snapshot)]
        withdraw_promise(cluster, uncut, why="thawed before it was cut")
    except errors.PluginError as error:
        progress.warn(f"the snapshots of this run may be labelled quiesced wrongly: {error.message}")


def _item(kind: Kind, name: str, done: str, *, why: str, since: str) -> dict[str, Any]:
    return {"object": f"{kind.name.lower()}/{name}", "done": done, "since": since or None, "why": why or None}
