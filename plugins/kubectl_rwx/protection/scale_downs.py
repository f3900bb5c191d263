"""Taking the writers' workloads down to zero for a cut, and bringing each back from its own record."""

from __future__ import annotations

from collections.abc import Sequence

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.manifests import name_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.workloads.owners import Owner, find_managers
from plugin_core.workloads.scaling import can_scale, scale_back, scale_down, wait_until_down
from plugin_core.workloads.writers import Writer

SOON = 10.0
"""Seconds after which the user is told that a server is waited for."""

SCALING_BACK = 300.0
"""Seconds for which a server that is away is waited for, however little of --timeout is left: an application that
stays down is worse than a command that ends late."""


def owners_of(writers: Sequence[Writer]) -> tuple[Owner, ...]:
    """Each workload once."""
    found = {uid_of(writer.owned.owner.manifest): writer.owned.owner for writer in writers if writer.owned.owner}
    return tuple(found.values())


def unstoppable(writers: Sequence[Writer]) -> list[tuple[Writer, str]]:
    """Writers that scaling cannot stop, with the reason."""
    return [
        (writer, f"a {writer.owned.owner.kind.name} has no replica count")
        for writer in writers if writer.owned.owner and not can_scale(writer.owned.owner.manifest)
    ]


def unprovable(writers: Sequence[Writer]) -> list[tuple[Writer, str]]:
    """Writers that scaling stops, though not so that one could know when."""
    return [
        (writer, "it has terminationGracePeriodSeconds 0: the API forgets it while its containers still run")
        for writer in writers
        if writer.managed and part_of(writer.pod, "spec", "terminationGracePeriodSeconds") == 0
    ]


def refuse_fights(cluster: Cluster, owners: Sequence[Owner], *, force: bool, progress: Progress) -> None:
    """Tells who else changes these workloads. Raises NotReady when an operator owns one, as it would scale it back."""
    managers = find_managers(cluster, [owner.manifest for owner in owners], namespace=cluster.namespace)
    sure = []
    for owner in owners:
        for manager in managers[uid_of(owner.manifest)]:
            if manager.sure and not force:
                sure.append(f"{owner}: {manager.words}")
            elif manager.fights:
                progress.warn(f"{owner}: {manager.words}; whether it stayed down is checked after the cut")
            else:
                progress.note(f"{owner}: {manager.words}")
    if sure:
        raise errors.NotReady(
            "workloads that an operator owns are not scaled down:" + "".join(f"\n  {words}" for words in sure),
            hint="use --quiesce=hook, or the operator's own way to pause; --force scales nevertheless",
        )


class ScaleDown:
    """The scaling of one run."""

    def __init__(self, cluster: Cluster, owners: Sequence[Owner], *, run: str, why: str, progress: Progress) -> None:
        # what scales back must not end with the command's own deadline
        self._cluster, self._owners, self._run, self._why = cluster.within(None), owners, run, why
        self._progress = progress
        self._down: list[Owner] = []

    def scale_down(self, *, deadline: Deadline) -> None:
        """Returns when the pods of all are gone. Raises TimedOut."""
        for owner in self._owners:
            # remembered before the request: one whose answer was lost is scaled back too
            self._down.append(owner)
            scale_down(self._cluster, owner.manifest, run=self._run, why=self._why)
            self._progress.note(f"{owner} scaled down from {owner.manifest['spec'].get('replicas', 1)} to 0, recorded")
        self._progress.phase("waiting for the writers' pods to be gone")
        for owner in self._owners:
            wait_until_down(self._cluster, owner.manifest, deadline=deadline, progress=self._progress)

    def scale_back(self) -> dict[str, str]:
        """Every workload that could not be scaled back, with the reason; a repeat does only what is left.

        No timer does it for us, so a server that is away is waited for, up to SCALING_BACK seconds in all (a few when
        we were interrupted: plugin_core/kube/retries.py).
        """
        failed = {}
        soon, patient = self._cluster.within(Deadline.after(SOON)), Deadline.after(SCALING_BACK)
        for owner in list(self._down):
            try:
                try:
                    self._scale_one_back(soon, owner)
                except (errors.ConnectionFailed, errors.Unavailable) as error:
                    self._progress.warn(f"{owner} is not scaled back yet, trying for up to "
                                        f"{format_duration(patient.left)}: {error.message}")
                    self._scale_one_back(self._cluster.within(patient), owner)
            except errors.PluginError as error:
                failed[str(owner)] = error.message
                continue
            self._down.remove(owner)
        return failed

    def _scale_one_back(self, cluster: Cluster, owner: Owner) -> None:
        try:
            back = scale_back(cluster, owner.kind, name_of(owner.manifest), namespace=cluster.namespace, run=self._run)
        except errors.NotFound:
            self._progress.warn(f"{owner} was deleted meanwhile")
            return
        by_others = "another run goes on with it and will scale it back"
        self._progress.note(f"{owner} {by_others if back.others else f'scaled back to {back.replicas}'}")
