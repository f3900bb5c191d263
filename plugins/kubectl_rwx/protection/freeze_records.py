"""The record of a freeze, on the workload (or on a pod that has none): how it is thawed, by whoever comes after us."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from kubectl_rwx.protection.hooks import Hook
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import POD, Kind
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of, uid_of
from plugin_core.model.refs import ref_to
from plugin_core.names import FREEZE_RECORD
from plugin_core.workloads.edits import edit_workload

FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class FrozenPod:
    """thaw (): its hook needs none."""

    pod: str
    uid: str
    container: str
    thaw: tuple[str, ...]


@dataclass(frozen=True)
class FreezeRecord:
    """until: when the timers in the pods have thawed them at the latest."""

    run: str
    since: str
    until: str
    why: str
    pods: tuple[FrozenPod, ...]

    @property
    def over(self) -> bool:
        """Whether the timers have ended it by now, by this machine's clock."""
        return datetime.now(timezone.utc).strftime(FORMAT) > self.until


def frozen_pod(hook: Hook) -> FrozenPod:
    return FrozenPod(hook.pod, uid_of(hook.writer.pod), hook.thaw.container, hook.thaw.argv)


def holder_of(hook: Hook) -> tuple[Kind, str]:
    """The object that carries the record."""
    owner = hook.writer.owned.owner
    return (owner.kind, name_of(owner.manifest)) if owner else (POD, hook.pod)


def read_freeze_record(kind: Kind, manifest: Manifest) -> FreezeRecord | None:
    """None when it carries none. Raises NotReady when somebody garbled it."""
    text = annotations_of(manifest).get(FREEZE_RECORD)
    if text is None:
        return None
    try:
        found = json.loads(text)
        pods = tuple(FrozenPod(str(one["pod"]), str(one["uid"]), str(one["container"]), tuple(one["thaw"]))
                     for one in found["pods"])
        return FreezeRecord(found["run"], found["since"], found["until"], found["why"], pods)
    except (ValueError, KeyError, TypeError) as error:
        what = ref_to(kind, manifest)
        raise errors.NotReady(
            f"the annotation {FREEZE_RECORD} of {what} cannot be read: {text}",
            hint="thaw the application by hand, then: "
                 f"kubectl annotate {what} -n {namespace_of(manifest)} {FREEZE_RECORD}-",
        ) from error


def write_freeze_record(cluster: Cluster, kind: Kind, name: str, record: FreezeRecord) -> None:
    """Raises NotReady when another run has it frozen at this moment: its freeze would end under ours."""

    def edit(before: Manifest) -> Manifest:
        there = read_freeze_record(kind, before)
        if there and there.run != record.run and not there.over:
            raise errors.NotReady(
                f"{ref_to(kind, before)} is frozen by another run ({there.why}) until {there.until} at the latest",
                hint=f"wait for it, or end it: kubectl rwx thaw {ref_to(kind, before)} -n {cluster.namespace}",
            )
        after = copy.deepcopy(before)
        after["metadata"].setdefault("annotations", {})[FREEZE_RECORD] = json.dumps(asdict(record))
        return after

    edit_workload(cluster, kind, name, namespace=cluster.namespace, edit=edit)


def remove_freeze_record(cluster: Cluster, kind: Kind, name: str, *, run: str) -> None:
    """Removes this run's record; another's stays, and what is gone needs none."""

    def edit(before: Manifest) -> Manifest:
        there = read_freeze_record(kind, before)
        after = copy.deepcopy(before)
        if there and there.run == run:
            del after["metadata"]["annotations"][FREEZE_RECORD]
        return after

    try:
        edit_workload(cluster, kind, name, namespace=cluster.namespace, edit=edit)
    except errors.NotFound:
        return


def make_record(hooks: Sequence[Hook], *, run: str, since: datetime, until: datetime, why: str) -> FreezeRecord:
    return FreezeRecord(
        run, since.strftime(FORMAT), until.strftime(FORMAT), why, tuple(frozen_pod(hook) for hook in hooks)
    )
