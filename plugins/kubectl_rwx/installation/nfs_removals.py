"""Taking back `setup nfs` and `setup class`: nothing that claims or snapshots still need is removed."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.installation import drivers, trial_servers
from kubectl_rwx.installation.classes import DRIVER, own_classes, refuse_users, require_unused
from kubectl_rwx.installation.helm import Helm
from kubectl_rwx.installation.removals import Consent, find_own, remove, require_removal_rights
from kubectl_rwx.installation.snapshots import Installation
from kubectl_rwx.installation.steps import Change, Step
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import CONFIG_MAP, PERSISTENT_VOLUME, ROLE, ROLE_BINDING, VOLUME_SNAPSHOT_CONTENT
from plugin_core.model.manifests import name_of, namespace_of, part_of
from plugin_core.model.progress import Progress


def remove_nfs(
    cluster: Cluster, helm: Helm, *, namespace: str, timeout: float, progress: Progress, consent: Consent
) -> Installation:
    """Classes, driver, grants and trial server that setup made. Raises NotReady while anything uses them."""
    deadline = Deadline.after(timeout)
    bounded = cluster.within(deadline)
    progress.phase("looking at what was installed")
    _require_right_namespace(bounded, namespace)
    classes = own_classes(bounded)
    record = drivers.read_record(bounded, namespace)
    release = helm.status(drivers.CHART)
    driver = []
    if record and release:
        driver = [Step(drivers.release_object(namespace), Change.DELETED)]
    elif release:
        driver = [Step(drivers.release_object(namespace), Change.LEFT, "not installed by setup")]
    rest = [*find_own(bounded, trial_servers.PART, trial_servers.KINDS),
            *find_own(bounded, drivers.PART, (ROLE_BINDING, ROLE))]
    records = find_own(bounded, drivers.PART, (CONFIG_MAP,))
    steps = [*classes, *driver, *rest, *records]
    if not any(step.change is Change.DELETED for step in steps):
        return Installation("nfs", steps=steps)
    require_removal_rights(bounded, [*classes, *rest, *records])
    require_unused(bounded, classes)
    if any(step.change is Change.DELETED for step in driver):
        _require_driver_unused(bounded)
    consent("remove " + ", ".join(step.name for step in steps if step.change is Change.DELETED) + (
        "; the data of the NFS server for trials go with it" if _is_server_in(rest) else ""))
    remove(cluster, classes, deadline=deadline, progress=progress, what="setup nfs")
    _uninstall(cluster, helm, driver, progress)
    # the record goes last: without it a second run would not know that the release is ours
    remove(cluster, [*rest, *records], deadline=deadline, progress=progress, what="setup nfs")
    return Installation("nfs", steps=steps)


def remove_classes(
    cluster: Cluster, *, chosen: Sequence[str], timeout: float, progress: Progress, consent: Consent
) -> Installation:
    """The classes of these names that setup made. Raises NotReady while claims or snapshots are of them."""
    deadline = Deadline.after(timeout)
    bounded = cluster.within(deadline)
    progress.phase("looking at what was installed")
    steps = own_classes(bounded, chosen=chosen)
    if steps:
        require_removal_rights(bounded, steps)
        require_unused(bounded, steps)
        consent("remove " + ", ".join(step.name for step in steps))
        remove(cluster, steps, deadline=deadline, progress=progress, what="setup class")
    return Installation("class", steps=steps)


def _uninstall(cluster: Cluster, helm: Helm, driver: Sequence[Step], progress: Progress) -> None:
    for step in driver:
        if step.change is not Change.DELETED:
            continue
        progress.phase(f"helm removes {drivers.CHART}")
        try:
            if not cluster.dry_run.on:
                helm.uninstall(drivers.CHART)
        except KeyboardInterrupt:
            raise errors.Interrupted("interrupted while helm removed the driver; the classes are gone",
                                     hint="kubectl rwx setup nfs --uninstall goes on") from None
        progress.note(f"{step.name} deleted{cluster.dry_run.suffix}")


def _require_right_namespace(cluster: Cluster, namespace: str) -> None:
    """Raises UsageError when the driver was installed elsewhere: half of it would be removed."""
    labels = f"{names.MANAGED_BY_LABEL}={names.RWX},{names.SETUP}={drivers.PART}"
    where = [namespace_of(item) for item in cluster.list_all(CONFIG_MAP, labels=labels).items
             if name_of(item) == drivers.RECORD]
    if where and namespace not in where:
        raise errors.UsageError(f'setup installed the driver in namespace "{where[0]}", not in "{namespace}"',
                                hint=f"--driver-namespace {where[0]}")


def _is_server_in(steps: Sequence[Step]) -> bool:
    return any(name_of(step.manifest) == trial_servers.NAME for step in steps)


def _require_driver_unused(cluster: Cluster) -> None:
    """Volumes and snapshots whose driver is gone can be neither mounted nor deleted."""
    users = [f"persistentvolume/{name_of(item)}" for item in cluster.list_all(PERSISTENT_VOLUME).items
             if part_of(item, "spec", "csi", "driver") == DRIVER]
    try:
        users += [f"volumesnapshotcontent/{name_of(item)}" for item in cluster.list_all(VOLUME_SNAPSHOT_CONTENT).items
                  if part_of(item, "spec", "driver") == DRIVER]
    except errors.NotFound:
        pass
    refuse_users(users, what=f"{DRIVER} is in use")
