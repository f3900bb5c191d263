"""The copy of an SCC that also lets a container ask for the sidecar's capabilities.

The copy must not be usable by anyone until it is granted, and must not be tried before SCCs that a workload uses today.
"""

import copy
from collections.abc import Mapping
from typing import Any

from oc_gsb.scc.capabilities import ANY, SIDECAR_CAPABILITIES, missing_capabilities
from oc_gsb.scc.violations import Object
from oc_gsb.scc.volumes import allows_volume_type

SUFFIX = "-gsb"
SIDECAR_VOLUME = "emptyDir"
GROUP_VERSION = "security.openshift.io/v1"
KIND = "SecurityContextConstraints"


def missing_for_sidecar(scc: Object) -> tuple[str, ...]:
    """What keeps the sidecar out of ``scc``: names of capabilities, then ``emptyDir``; empty when it fits."""
    volume = () if allows_volume_type(scc, SIDECAR_VOLUME) else (SIDECAR_VOLUME,)
    return (*missing_capabilities(scc), *volume)


def gsb_copy(scc: Object, *, labels: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """The SCC ``<name>-gsb``, or None when ``scc`` needs no copy because it already takes the sidecar.

    All policy fields are carried, also ones unknown here, and strategies stay as they are, since admission fails for
    every pod of the cluster when one of them is incomplete.  What is not policy is left behind: all metadata but the
    name (``labels`` become the copy's own; None or empty gives none), ``users`` and ``groups`` (a copied list would
    hand the capabilities to its members), and the priority (a copy with its base's priority would capture pods of other
    accounts).  Null lists count as empty.
    """
    if not missing_for_sidecar(scc):
        return None
    result = copy.deepcopy(dict(scc))
    result["apiVersion"], result["kind"] = GROUP_VERSION, KIND
    result["metadata"] = {"name": scc["metadata"]["name"] + SUFFIX}
    if labels:
        result["metadata"]["labels"] = dict(labels)
    result["users"], result["groups"], result["priority"] = [], [], None
    allowed = list(scc.get("allowedCapabilities") or ())
    if ANY not in allowed:
        allowed += [name for name in SIDECAR_CAPABILITIES if name not in allowed]
    result["allowedCapabilities"] = allowed
    # the API refuses a capability that is both allowed and required to be dropped; ALL does not collide
    dropped = [name for name in scc.get("requiredDropCapabilities") or () if name not in SIDECAR_CAPABILITIES]
    result["requiredDropCapabilities"] = dropped or None
    if not allows_volume_type(scc, SIDECAR_VOLUME):
        result["volumes"] = [kind for kind in scc.get("volumes") or () if kind != "none"] + [SIDECAR_VOLUME]
    return result
