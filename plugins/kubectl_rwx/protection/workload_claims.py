"""The claims that named workloads mount, and which workload each was asked for by."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_rwx.protection.answers import Problem
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.refs import Target
from plugin_core.workloads.claim_names import claim_names_of


def find_workload_claims(
    cluster: Cluster, workloads: Sequence[Target]
) -> tuple[dict[str, str], list[Problem]]:
    """Claim → the workloads that mount it, joined with a comma; a problem for each workload without any.

    Raises NotFound for a workload that is not there.
    """
    users: dict[str, list[str]] = {}
    problems = []
    for target in workloads:
        workload = cluster.get(target.kind, target.name, namespace=cluster.namespace)
        claims = claim_names_of(cluster, workload)
        for claim in claims:
            users.setdefault(claim, []).append(str(target))
        if not claims:
            problems.append(Problem(str(target), errors.NotReady(
                "its pods mount no claim, so there is nothing to snapshot", hint="see its volumes with kubectl describe"
            )))
    return {claim: ",".join(targets) for claim, targets in users.items()}, problems
