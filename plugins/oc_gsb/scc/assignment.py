"""One SCC put on one pod: everything it fills in, then everything it objects to."""

import copy
from typing import Any

from oc_gsb.scc import capabilities, fields, identity, seccomp, volumes
from oc_gsb.scc.pods import walk_containers
from oc_gsb.scc.violations import Object, Violation


def assign(scc: Object, pod: Object) -> tuple[dict[str, Any], tuple[Violation, ...]]:
    """``pod`` as the SCC completes it, and the rules it breaks; no violations means the pod fits.

    ``scc`` went through ``allocations.resolve``; neither argument is changed.  All containers, init containers first,
    must fit the same SCC.
    """
    completed: dict[str, Any] = copy.deepcopy(dict(pod))
    found: list[Violation] = []
    identity.default_pod(scc, completed)
    seccomp.default_pod(scc, completed)
    found += identity.check_pod(scc, completed)
    found += seccomp.check_pod(scc, completed)
    found += identity.check_pod_selinux(scc, completed)
    found += fields.check_pod(scc, completed)
    found += volumes.check_volumes(scc, completed)
    for path, container in walk_containers(completed):
        identity.default_container(scc, completed, container)
        capabilities.default_container(scc, container)
        fields.default_root_filesystem(scc, container)
        seccomp.default_container(completed, container)
        fields.default_escalation(scc, container)
        found += identity.check_container(scc, completed, container, path)
        found += seccomp.check_container(scc, completed, container)
        found += fields.check_privileged(scc, container, path)
        found += capabilities.check_container(scc, container, path)
        found += fields.check_container(scc, completed, container, path)
    return completed, tuple(found)
