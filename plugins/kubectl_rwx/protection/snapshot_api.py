"""Whether the cluster serves snapshots at all."""

from __future__ import annotations

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import SNAPSHOT_GROUP, VOLUME_SNAPSHOT


def require_snapshot_api(cluster: Cluster) -> None:
    """Raises NotReady when snapshot.storage.k8s.io/v1 is not served: without its CRDs nothing else can be said."""
    served = cluster.versions_of(SNAPSHOT_GROUP)
    if VOLUME_SNAPSHOT.version in served:
        return
    if served:
        raise errors.NotReady(
            f"the cluster serves {SNAPSHOT_GROUP} in version {', '.join(served)} only, not v1",
            hint="upgrade the snapshot CRDs and the snapshot-controller (v1 is served since external-snapshotter 4.0)",
        )
    raise errors.NotReady(
        f"the cluster does not serve {SNAPSHOT_GROUP}: the CRDs of the external-snapshotter are not installed",
        hint="install the snapshot CRDs and the snapshot-controller; to see whether they are there: "
             "kubectl get crd volumesnapshots.snapshot.storage.k8s.io",
    )
