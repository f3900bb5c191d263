"""The rights each command needs, as data. The requests themselves are the measure: cluster tests compare both.

Discovery and SelfSubjectAccessReview are every authenticated user's (system:discovery, system:basic-user).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_rwx.installation import rights as setup
from kubectl_rwx.protection.rights import Right
from kubectl_rwx.readiness.verification.plans import CLUSTER_RIGHTS, FURTHER_RIGHTS, RIGHTS
from plugin_core.model.kinds import (
    CONFIG_MAP,
    CSI_DRIVER,
    CSI_NODE,
    CUSTOM_RESOURCE_DEFINITION,
    DAEMON_SET,
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    EVENT,
    FEATURE_GATE,
    HORIZONTAL_POD_AUTOSCALER,
    JOB,
    LEASE,
    NAMESPACE,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    RESOURCE_QUOTA,
    STATEFUL_SET,
    STORAGE_CLASS,
    STORAGE_PROFILE,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)

BIND, IN_PLACE, TO_NAMESPACE = "bind", "in-place", "to-namespace"
"""Ways of `restore` (the first one of `clone` too), as its own flags are called; each needs more."""


@dataclass(frozen=True)
class Needs:
    """required: the command refuses to start without them. further: it says what it could not see or do.

    Both are for the command's namespace, as far as they are namespaced. everywhere: further ones in all namespaces.
    target: required in the namespace of --to-namespace. system: further ones in kube-system. urls: further URL paths.
    alone: what a user loses to whom the cluster-scoped ones are not given, in words; "" when there are none.
    """

    required: tuple[Right, ...] = ()
    further: tuple[Right, ...] = ()
    everywhere: tuple[Right, ...] = ()
    target: tuple[Right, ...] = ()
    system: tuple[Right, ...] = ()
    urls: tuple[str, ...] = ()
    alone: str = ""

    def __add__(self, other: Needs) -> Needs:
        return Needs(
            self.required + other.required, self.further + other.further, self.everywhere + other.everywhere,
            self.target + other.target, self.system + other.system, self.urls + other.urls,
            "; ".join(filter(None, (self.alone, other.alone))),
        )


def _to(verbs: str, *kinds: Kind) -> tuple[Right, ...]:
    return tuple(Right(verb, kind) for kind in kinds for verb in verbs.split())


_EVENTS = _to("list", EVENT)
_SIGHT = (
    *_to("list", PERSISTENT_VOLUME, CSI_DRIVER, CSI_NODE, VOLUME_SNAPSHOT_CLASS, VOLUME_SNAPSHOT_CONTENT),
    *_to("list", STORAGE_PROFILE), *_to("get", CUSTOM_RESOURCE_DEFINITION),
)
"""StorageProfiles are KubeVirt's, asked for only where their API is served."""

_EVERYWHERE = _to("list", VOLUME_SNAPSHOT, LEASE, DEPLOYMENT)
"""Snapshots observed, and the snapshot-controller: its lease and deployment lie where nobody can know beforehand."""

_REMOVAL = Needs(
    (*_to("get list watch delete", VOLUME_SNAPSHOT), *_to("list", PERSISTENT_VOLUME_CLAIM)),
    (*_to("list", CONFIG_MAP), *_to("get list watch", VOLUME_SNAPSHOT_CONTENT)),
    alone="it is not waited for the driver, and snapshots that their deletionPolicy retains are not named",
)

NEEDS: dict[str, Needs] = {
    "check": Needs(
        _to("list", STORAGE_CLASS), _SIGHT, _EVERYWHERE,
        alone="nothing can be checked but classes named one by one, by who may get them",
    ),
    "verify": Needs(
        (*RIGHTS, *CLUSTER_RIGHTS),
        (*FURTHER_RIGHTS, *_to("patch", PERSISTENT_VOLUME_CLAIM), *_to("list", STORAGE_CLASS),
         *_to("get list watch patch", PERSISTENT_VOLUME),
         *_to("get patch", VOLUME_SNAPSHOT_CONTENT)),
        alone="get on the class is needed in any case; the snapshot class must be named with --snapshot-class, no "
              "result is recorded, and what a class retains stays, and is named",
    ),
    "provision": Needs(
        (*_to("get create list watch", PERSISTENT_VOLUME_CLAIM), *_to("list", STORAGE_CLASS)), (*_SIGHT, *_EVENTS),
        _EVERYWHERE, alone="no class can be chosen",
    ),
    "snapshot": Needs(
        (*_to("get list watch", PERSISTENT_VOLUME_CLAIM), *_to("create list watch", VOLUME_SNAPSHOT),
         *_to("list", VOLUME_SNAPSHOT_CLASS)),
        (*_to("get list", PERSISTENT_VOLUME), *_to("get", VOLUME_SNAPSHOT_CLASS, VOLUME_SNAPSHOT_CONTENT), *_EVENTS),
        alone="the class must be named with --class, and whether it fits the driver is not checked",
    ),
    "clone": Needs(
        _to("get list watch create", PERSISTENT_VOLUME_CLAIM), (*_to("get", STORAGE_CLASS), *_EVENTS),
        alone="whether the class waits for a first consumer is not known beforehand",
    ),
    "restore": Needs(
        (*_to("get list", VOLUME_SNAPSHOT), *_to("get list watch create", PERSISTENT_VOLUME_CLAIM)),
        (*_to("get list", VOLUME_SNAPSHOT_CONTENT), *_to("list", STORAGE_CLASS), *_EVENTS),
        alone="whether the class is of the snapshot's driver is not checked",
    ),
    "list": Needs(_to("list", VOLUME_SNAPSHOT)),
    "describe": Needs(
        _to("get list", VOLUME_SNAPSHOT), (*_to("get list", VOLUME_SNAPSHOT_CONTENT), *_EVENTS,
                                           *_to("list", PERSISTENT_VOLUME_CLAIM)),
        _to("list", PERSISTENT_VOLUME_CLAIM),
        alone="driver, handle and errors of the content, and restores in other namespaces, are not shown",
    ),
    "wait": Needs(
        _to("get list watch", VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM),
        (*_to("get", VOLUME_SNAPSHOT_CONTENT), *_EVENTS),
        alone="the driver's words about what is not ready are only those in the snapshot itself",
    ),
    "diagnose": Needs(
        _to("get list", VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM),
        (*_EVENTS, *_to("list", POD, RESOURCE_QUOTA, REPLICA_SET, STATEFUL_SET),
         *_to("get list", VOLUME_SNAPSHOT_CONTENT, PERSISTENT_VOLUME),
         *_to("list", VOLUME_SNAPSHOT_CLASS, STORAGE_CLASS, CSI_DRIVER, CSI_NODE)),
        _to("list", LEASE, DEPLOYMENT, STATEFUL_SET, DAEMON_SET),
        alone="links beyond the namespace are judged by what their owners wrote into it, and said to be not seen",
    ),
    "delete": _REMOVAL,
    "prune": Needs(tuple(right for right in _REMOVAL.required if str(right) != f"get {VOLUME_SNAPSHOT.resource}"),
                   _REMOVAL.further, alone=_REMOVAL.alone),
    "thaw": Needs(
        (*_to("get list patch", DEPLOYMENT, STATEFUL_SET), Right("create", POD, "exec"), Right("get", POD, "exec"),
         *_to("list patch", VOLUME_SNAPSHOT), *_to("list", PERSISTENT_VOLUME_CLAIM, CONFIG_MAP)),
        (*_to("get list patch", DAEMON_SET, JOB, POD, DEPLOYMENT_CONFIG), *_to("patch", PERSISTENT_VOLUME_CLAIM)),
    ),
    "cleanup": Needs(
        (*_to("list watch delete", POD, VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM), *_to("list", CONFIG_MAP)),
        (*_to("get list watch patch", PERSISTENT_VOLUME), *_to("get list watch patch delete", VOLUME_SNAPSHOT_CONTENT)),
        alone="pairs of a restore to another namespace and volumes that a class retained stay",
    ),
    "feature-gates": Needs(
        (), _to("get", FEATURE_GATE), system=_to("list", POD), urls=("/metrics",),
        alone="only the server's version tells, which is enough but for servers before 1.20",
    ),
    "setup-snapshots": Needs(setup.SNAPSHOTS, setup.SNAPSHOTS_FURTHER, setup.SNAPSHOTS_EVERYWHERE,
                             alone="nothing can be installed; it is for the namespace kube-system (-n)"),
    "setup-nfs": Needs(setup.NFS, setup.NFS_FURTHER, setup.NFS_EVERYWHERE,
                       alone="nothing can be installed; it is for the driver's namespace (-n)"),
    "setup-class": Needs(setup.CLASSES, setup.CLASSES_FURTHER, setup.CLASSES_EVERYWHERE, alone="no class can be made"),
}
"""By command."""

NAMED_ONLY = ("setup-snapshots", "setup-nfs", "setup-class")
"""Next to a cluster-admin's rights: printed for who asks for them by name."""

WAYS: dict[tuple[str, str], Needs] = {
    ("restore", BIND): Needs(_to("create delete list watch", POD)),
    ("clone", BIND): Needs(_to("create delete list watch", POD)),
    ("restore", IN_PLACE): Needs(
        (*_to("create list watch delete", VOLUME_SNAPSHOT), *_to("delete", PERSISTENT_VOLUME_CLAIM),
         *_to("list watch", POD), *_to("get list create patch delete", CONFIG_MAP),
         *_to("get list watch patch", DEPLOYMENT, STATEFUL_SET), *_to("list", REPLICA_SET),
         *_to("get patch", PERSISTENT_VOLUME), *_to("list", STORAGE_CLASS, VOLUME_SNAPSHOT_CLASS),
         *_to("get", VOLUME_SNAPSHOT_CONTENT)),
        (*_to("list", HORIZONTAL_POD_AUTOSCALER), *_to("get list watch patch", DEPLOYMENT_CONFIG),
         *_to("get list", REPLICATION_CONTROLLER), *_EVENTS),
        alone="restore --in-place refuses: the old volume must be kept from being deleted with its claim",
    ),
    ("restore", TO_NAMESPACE): Needs(
        _to("get list create delete", VOLUME_SNAPSHOT_CONTENT),
        (*_to("get", NAMESPACE), *_to("list", STORAGE_CLASS)),
        target=(*_to("get list watch create delete", VOLUME_SNAPSHOT),
                *_to("get list watch create", PERSISTENT_VOLUME_CLAIM)),
        alone="restore --to-namespace refuses: a content for the other namespace must be made",
    ),
}
"""What a way of a command needs beyond the command itself. With --to-namespace nothing is made in the source's one."""

REPLACED = {TO_NAMESPACE: Needs(_to("get list", VOLUME_SNAPSHOT))}
"""The command's own needs under a way that does its work elsewhere."""


def needs_of(command: str, *, ways: Sequence[str]) -> Needs:
    """Of a command done in all of these ways as well as plainly; ways that are not the command's are passed over."""
    total = NEEDS[command]
    only = [way for way in ways if (command, way) in WAYS]
    if only == [TO_NAMESPACE]:
        total = REPLACED[TO_NAMESPACE]
    for way in only:
        total += WAYS[command, way]
    return total
