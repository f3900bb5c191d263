"""Is a CSI driver installed, and on which nodes does its node plugin answer?"""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.diagnosis.links import Link, State, sound, unseen
from kubectl_rwx.diagnosis.sights import Sight
from plugin_core.model.kinds import CSI_DRIVER, CSI_NODE
from plugin_core.model.manifests import Manifest, name_of, part_of

NAME = "driver"


def judge_registration(sight: Sight, driver: str) -> Link:
    """Sound with a CSIDriver object or any node that knows it: snapshots need no node."""
    drivers, nodes = sight.all_of(CSI_DRIVER), sight.all_of(CSI_NODE)
    announced = any(name_of(one) == driver for one in drivers.items or ())
    where = nodes_with(nodes.items or (), driver)
    source = f"csidriver/{driver}, csinodes"
    if announced or where:
        told = f"{driver} has {'a' if announced else 'no'} CSIDriver object"
        told += f" and is on {len(where)} of {len(nodes.items or ())} nodes" if nodes.seen else ""
        return sound(NAME, told, source)
    if not (drivers.seen and nodes.seen):
        refused = nodes if drivers.seen else drivers
        return unseen(NAME, refused.request, refused.words)
    return Link(
        NAME, State.BROKEN, f"{driver} is not installed: no CSIDriver object, on no node", source, "driver-absent",
        "nobody serves its volumes and snapshots: its name is misspelt in the class, or the driver is gone",
        "kubectl get csidrivers,csinodes",
    )


def nodes_with(nodes: Sequence[Manifest], driver: str) -> list[str]:
    """The nodes whose kubelet knows the driver."""
    return [name_of(node) for node in nodes
            if any(entry.get("name") == driver for entry in part_of(node, "spec", "drivers") or ())]
