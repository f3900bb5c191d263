"""What the commands of `setup` need, as data: next to a cluster-admin's, because they hand out rights themselves.

A role may be made only by who holds all of its rights, or may `escalate`; a binding by who holds them, or may `bind`.
"""

from __future__ import annotations

from kubectl_rwx.protection.rights import Right
from plugin_core.model.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    CSI_DRIVER,
    CUSTOM_RESOURCE_DEFINITION,
    DAEMON_SET,
    DEPLOYMENT,
    LEASE,
    NAMESPACE,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STORAGE_CLASS,
    VOLUME_GROUP_SNAPSHOT,
    VOLUME_GROUP_SNAPSHOT_CLASS,
    VOLUME_GROUP_SNAPSHOT_CONTENT,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)


def _to(verbs: str, *kinds: Kind) -> tuple[Right, ...]:
    return tuple(Right(verb, kind) for kind in kinds for verb in verbs.split())


_ROLES = (CLUSTER_ROLE, ROLE)
_BINDINGS = (CLUSTER_ROLE_BINDING, ROLE_BINDING)

SNAPSHOTS = (
    *_to("get create patch list watch", CUSTOM_RESOURCE_DEFINITION, DEPLOYMENT),
    *_to("get create patch", SERVICE_ACCOUNT, *_BINDINGS), *_to("get create patch escalate bind", *_ROLES),
)
"""In the controller's namespace, kube-system, as far as they are namespaced."""

SNAPSHOTS_FURTHER = (
    *_to("delete", CUSTOM_RESOURCE_DEFINITION, DEPLOYMENT, SERVICE_ACCOUNT, *_BINDINGS, *_ROLES),
    *_to("list watch", CLUSTER_ROLE, CLUSTER_ROLE_BINDING), *_to("watch", SERVICE_ACCOUNT, ROLE, ROLE_BINDING),
    *_to("list", POD, VOLUME_SNAPSHOT_CONTENT, VOLUME_SNAPSHOT_CLASS, VOLUME_GROUP_SNAPSHOT_CONTENT,
         VOLUME_GROUP_SNAPSHOT_CLASS),
)
SNAPSHOTS_EVERYWHERE = _to("list", DEPLOYMENT, LEASE, SERVICE_ACCOUNT, ROLE, ROLE_BINDING, VOLUME_SNAPSHOT,
                           VOLUME_GROUP_SNAPSHOT)
"""The look for a controller that is there; and, for --uninstall, for what was installed and for snapshots."""

CLASSES = (*_to("get create patch", STORAGE_CLASS), *_to("get list create patch", VOLUME_SNAPSHOT_CLASS))
CLASSES_FURTHER = (
    *_to("list watch delete", STORAGE_CLASS), *_to("watch delete", VOLUME_SNAPSHOT_CLASS),
    *_to("list", PERSISTENT_VOLUME, VOLUME_SNAPSHOT_CONTENT),
)
CLASSES_EVERYWHERE = _to("list", PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT)

NFS = (
    *CLASSES, *_to("get create patch", CSI_DRIVER, SERVICE_ACCOUNT, *_BINDINGS),
    *_to("get create patch escalate bind", *_ROLES), *_to("get list watch create patch", DEPLOYMENT, DAEMON_SET),
    *_to("get list create update patch delete", SECRET), *_to("get list create update patch", CONFIG_MAP),
    *_to("get", NAMESPACE),
)
"""In the driver's namespace, as far as they are namespaced; helm keeps its releases in Secrets there."""

NFS_FURTHER = (
    *CLASSES_FURTHER, *_to("list watch delete", CSI_DRIVER, SERVICE_ACCOUNT, *_BINDINGS, *_ROLES, CONFIG_MAP),
    *_to("delete", DEPLOYMENT, DAEMON_SET), *_to("list", POD), *_to("get create patch watch delete", SERVICE),
)
NFS_EVERYWHERE = (*CLASSES_EVERYWHERE,
                  *_to("list", CONFIG_MAP, SERVICE, SERVICE_ACCOUNT, ROLE, ROLE_BINDING, DEPLOYMENT))
