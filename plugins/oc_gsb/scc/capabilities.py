"""Linux capabilities under an SCC: defaulting, checking, and what a container ends up with.

Names are compared as written: ``CAP_CHOWN`` is not ``CHOWN``, and ``ALL`` in an SCC's list is no wildcard.
Source: openshift/apiserver-library-go pkg/securitycontextconstraints/capabilities.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oc_gsb.scc.pods import set_in_container
from oc_gsb.scc.violations import Object, Violation

SIDECAR_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER")
ANY = "*"


@dataclass(frozen=True)
class ContainerCapabilities:
    """What a container adds and drops."""

    add: frozenset[str]
    drop: frozenset[str]


def requested(container: Object) -> ContainerCapabilities:
    """The container's own lists; nothing requested gives two empty sets."""
    lists = (container.get("securityContext") or {}).get("capabilities") or {}
    return ContainerCapabilities(frozenset(lists.get("add") or ()), frozenset(lists.get("drop") or ()))


def default_container(scc: Object, container: dict[str, Any]) -> None:
    """Add the SCC's default capabilities (unless the container drops them) and its required drops.

    The container's lists stay as written when that changes nothing.
    """
    own = requested(container)
    add = (set(scc.get("defaultAddCapabilities") or ()) - own.drop) | own.add
    drop = set(scc.get("requiredDropCapabilities") or ()) | own.drop
    if len(add) == len(own.add) and len(drop) == len(own.drop):
        return
    lists = {"add": sorted(add), "drop": sorted(drop)}
    set_in_container(container, "capabilities", {key: names for key, names in lists.items() if names})


def check_container(scc: Object, container: Object, path: str) -> Iterator[Violation]:
    """The container's lists (after defaulting) against the SCC's."""
    allowed = set(scc.get("allowedCapabilities") or ())
    if ANY in allowed:
        return
    allowed |= set(scc.get("defaultAddCapabilities") or ())
    lists = (container.get("securityContext") or {}).get("capabilities") or {}
    for name in lists.get("add") or ():
        if name not in allowed:
            yield Violation("capabilities", f"{path}.capabilities.add", name, "capability may not be added")
    dropped = lists.get("drop") or []
    for name in scc.get("requiredDropCapabilities") or ():
        if name not in dropped:
            message = f"{name} is required to be dropped but was not found"
            yield Violation("capabilities", f"{path}.capabilities.drop", dropped, message)


def capabilities_in_effect(pod: Object, container_name: str) -> ContainerCapabilities:
    """The lists of one container (init or normal) of an admitted pod, such as ``Decision.pod``.

    Raises KeyError when the pod has no container of that name.
    """
    spec = pod["spec"]
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        if container["name"] == container_name:
            return requested(container)
    raise KeyError(container_name)


def missing_capabilities(scc: Object) -> tuple[str, ...]:
    """Those of the sidecar's three capabilities that ``scc`` takes from a container; empty when it allows all."""
    allowed = set(scc.get("allowedCapabilities") or ())
    if ANY in allowed:
        return ()
    allowed |= set(scc.get("defaultAddCapabilities") or ())
    dropped = set(scc.get("requiredDropCapabilities") or ())
    return tuple(name for name in SIDECAR_CAPABILITIES if name not in allowed or name in dropped)


def allows_capabilities(scc: Object) -> bool:
    """Whether a container admitted by ``scc`` may ask for the sidecar's three capabilities."""
    return not missing_capabilities(scc)
