"""Does a sidecar of one CSI driver live? By its lease, else by the workload that carries it, else nobody can say."""

from __future__ import annotations

import json
from collections.abc import Iterator

from kubectl_rwx.diagnosis.leases import Life, Sign, judge_leases, lease_name
from kubectl_rwx.diagnosis.sights import Sight
from plugin_core.model.kinds import DAEMON_SET, DEPLOYMENT, LEASE, STATEFUL_SET
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of

SNAPSHOTTER, PROVISIONER, RESIZER = "csi-snapshotter", "csi-provisioner", "csi-resizer"
_LEASES = {SNAPSHOTTER: "external-snapshotter-leader-{}", PROVISIONER: "{}", RESIZER: "external-resizer-{}"}
"""external-snapshotter cmd/csi-snapshotter/main.go, external-provisioner cmd/csi-provisioner/csi-provisioner.go,
external-resizer cmd/csi-resizer/main.go."""

_READY = {DEPLOYMENT: "readyReplicas", STATEFUL_SET: "readyReplicas", DAEMON_SET: "numberReady"}


def lease_of(sidecar: str, driver: str) -> str:
    """The name of the lease that the sidecar of this driver holds where leader election is on."""
    return lease_name(_LEASES[sidecar].format(driver))


def find_pods(driver: str) -> str:
    """The command that shows where a driver's pods run, its controller's too; "" for "".

    Their names are the vendor's choice: the first part of the driver's name is all that most have in common with it.
    """
    return f"kubectl get pods -A -o wide | grep -i {driver.partition('.')[0]}" if driver else ""


def look_at_lease(sight: Sight, sidecar: str, driver: str) -> Sign | None:
    """One request; None when there is no such lease, or leases may not be read."""
    return judge_leases(sight.all_of(LEASE, named=lease_of(sidecar, driver), everywhere=True).items or ())


def look_for_sidecar(sight: Sight, sidecar: str, driver: str) -> Sign:
    """Up to three lists more, of the whole cluster, so only for a sidecar that is suspect."""
    sign = look_at_lease(sight, sidecar, driver)
    if sign:
        return sign
    refused = [LEASE.plural] if not sight.all_of(LEASE, named=lease_of(sidecar, driver), everywhere=True).seen else []
    strangers = 0
    for kind, field in _READY.items():
        look = sight.all_of(kind, everywhere=True)
        refused += [] if look.seen else [kind.plural]
        for workload in look.items or ():
            if not any(_is(sidecar, container) for container in _containers(workload)):
                continue
            if driver not in json.dumps(workload.get("spec", {})):
                strangers += 1
                continue
            ready = part_of(workload, "status", field) or 0
            name = f"{kind.name.lower()}/{name_of(workload)} in {namespace_of(workload)}"
            life = Life.RUNNING if ready else Life.STOPPED
            return Sign(life, f"{name} has {ready or 'no'} ready pod{'' if ready == 1 else 's'}", name)
    if refused:
        return Sign(Life.UNSEEN, f"{' and '.join(refused)} of the cluster may not be read", "leases and workloads")
    others = f"; {strangers} workloads have a {sidecar} and do not name this driver" if strangers else ""
    return Sign(Life.UNSEEN, f"there is no lease and no workload with a {sidecar} of this driver{others}",
                "leases and workloads")


def _containers(workload: Manifest) -> Iterator[Manifest]:
    yield from part_of(workload, "spec", "template", "spec", "containers") or ()
    yield from part_of(workload, "spec", "template", "spec", "initContainers") or ()


def _is(sidecar: str, container: Manifest) -> bool:
    """By the container's name too: OpenShift's images carry digests only."""
    repository = str(container.get("image", "")).rpartition("/")[2]
    return sidecar in str(container.get("name", "")) or repository.startswith(sidecar)
