"""The order in which SCC admission tries SCCs: priority, then how much they allow, then name.

Source: openshift/apiserver-library-go pkg/securitycontextconstraints/util/sort.
"""

from collections.abc import Iterable
from typing import Any

from oc_gsb.scc.violations import Object

PRIVILEGED = 1_600_000
HOST_PORTS = 800_000
HOST_NETWORK = 400_000
HOST_VOLUMES = 200_000
OTHER_VOLUMES = 100_000
IDENTITY = {"RunAsAny": 40_000, "MustRunAsNonRoot": 30_000, "MustRunAsRange": 20_000, "MustRunAs": 10_000}
CAPABILITIES_BASE = 5_000
CAPABILITIES_MAX = 9_999

# volumes that hold nothing of the node or of other pods
HARMLESS_VOLUMES = frozenset({"secret", "configMap", "emptyDir", "downwardAPI", "projected", "none"})


def restriction_score(scc: Object) -> int:
    """How much ``scc`` allows, as the number OpenShift compares; the lower, the earlier it is tried.

    Null and missing lists count as empty, missing strategies as nothing.
    """
    score = 0
    score += PRIVILEGED if scc.get("allowPrivilegedContainer") else 0
    score += HOST_PORTS if scc.get("allowHostPorts") else 0
    score += HOST_NETWORK if scc.get("allowHostNetwork") else 0
    score += _volumes_score(scc)
    for strategy in ("seLinuxContext", "runAsUser"):
        score += IDENTITY.get((scc.get(strategy) or {}).get("type", ""), 0)
    return score + _capabilities_score(scc)


def _volumes_score(scc: Object) -> int:
    volumes = set(scc.get("volumes") or ())
    if volumes & {"*", "hostPath"}:
        return HOST_VOLUMES
    return OTHER_VOLUMES if volumes - HARMLESS_VOLUMES else 0


def _capabilities_score(scc: Object) -> int:
    allowed = scc.get("allowedCapabilities") or []
    dropped = scc.get("requiredDropCapabilities") or []
    score = CAPABILITIES_BASE + 300 * len(scc.get("defaultAddCapabilities") or [])
    score += 4_000 if {name.upper() for name in allowed} & {"*", "ALL"} else 10 * len(allowed)
    score -= 3_000 if "ALL" in {name.upper() for name in dropped} else 50 * len(dropped)
    return max(0, min(score, CAPABILITIES_MAX))


def sort_sccs(sccs: Iterable[Object]) -> list[Any]:
    """``sccs`` in the order in which admission tries them; a null priority counts as 0."""
    return sorted(sccs, key=lambda scc: (-(scc.get("priority") or 0), restriction_score(scc), scc["metadata"]["name"]))
