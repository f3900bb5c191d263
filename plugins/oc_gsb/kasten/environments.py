"""What a namespace needs on OpenShift besides its objects, so that a backup of it can be restored once it is gone.

It is written onto the policy before each run: the policy outlives the namespace, restore points cannot be written to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from oc_gsb.kasten.workloads import target_of, workloads_in
from oc_gsb.scc.allocations import MCS, SUPPLEMENTAL_GROUPS, UID_RANGE
from oc_gsb.sidecar.record import has_record, read_record
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import NAMESPACE, POLICY, SECURITY_CONTEXT_CONSTRAINTS
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of
from plugin_core.model.progress import Progress
from plugin_core.names import GSB_ENVIRONMENT, SCC_BASE
from plugin_core.workloads.templates import service_account_of

ALLOCATED = (UID_RANGE, SUPPLEMENTAL_GROUPS, MCS)
"""All three together: the allocator passes over a namespace that has a uid range, so one without MCS would never get
any, and every pod would be refused (facts 1.1, 3.4)."""

_OWN_LABEL = "kubernetes.io/metadata.name"
VERSION = 1


@dataclass(frozen=True)
class Need:
    """One service account's need of an SCC. base: what the SCC is a copy of; "" when it is nobody's copy."""

    account: str
    scc: str
    base: str = ""


@dataclass(frozen=True)
class Environment:
    """annotations: OpenShift's allocations. labels: of the namespace, Pod Security levels among them. workloads:
    KIND/NAME of what has a sidecar."""

    annotations: Mapping[str, str]
    labels: Mapping[str, str]
    needs: tuple[Need, ...]
    workloads: tuple[str, ...]


def read_environment(cluster: Cluster, namespace: str) -> Environment:
    """The living namespace's. Raises NotFound."""
    there = cluster.get(NAMESPACE, namespace)
    workloads = [one for one in workloads_in(cluster, namespace) if has_record(one)]
    needs = needs_of(workloads)
    return Environment(
        annotations={key: value for key, value in annotations_of(there).items() if key in ALLOCATED},
        labels={key: value for key, value in labels_of(there).items() if key != _OWN_LABEL},
        needs=tuple(Need(one.account, one.scc, _base_of(cluster, one.scc)) for one in needs),
        workloads=tuple(map(target_of, workloads)),
    )


def needs_of(workloads: Iterable[Manifest]) -> list[Need]:
    """What injected workloads need, by their records; a damaged record is left out, as it says nothing."""
    found: dict[Need, None] = {}
    for workload in workloads:
        try:
            record = read_record(workload)
        except errors.NotReady:
            continue
        if record and record.scc:
            found[Need(service_account_of(workload), record.scc, _base_by_name(record.scc))] = None
    return list(found)


def _base_by_name(scc: str) -> str:
    return scc.removesuffix("-gsb") if scc.endswith("-gsb") else ""


def _base_of(cluster: Cluster, scc: str) -> str:
    try:
        copy = cluster.get(SECURITY_CONTEXT_CONSTRAINTS, scc)
    except (errors.NotFound, errors.Forbidden):
        return _base_by_name(scc)
    return annotations_of(copy).get(SCC_BASE, _base_by_name(scc))


def record_environment(cluster: Cluster, policy: Manifest, namespaces: Iterable[str], progress: Progress) -> None:
    """Puts the namespaces' environments onto the policy; unchanged, or without the right to it: nothing is sent."""
    noted = _all(policy)
    for namespace in namespaces:
        try:
            noted[namespace] = asdict(read_environment(cluster, namespace))
        except errors.NotFound:
            continue
    text = json.dumps({"version": VERSION, "namespaces": noted}, sort_keys=True, separators=(",", ":"))
    if annotations_of(policy).get(GSB_ENVIRONMENT) == text:
        return
    where = str(policy["metadata"]["namespace"])
    try:
        cluster.patch(POLICY, name_of(policy), {"metadata": {"annotations": {GSB_ENVIRONMENT: text}}}, namespace=where)
    except errors.Forbidden as error:
        progress.warn(f"uid range and SCCs of the namespace could not be noted on the policy, so a restore after its "
                      f"deletion cannot know them: {error.message}")


def noted_environment(policy: Manifest, namespace: str) -> Environment | None:
    """What the policy knows of the namespace; None when nothing, or nothing readable."""
    found = _all(policy).get(namespace)
    if not isinstance(found, dict):
        return None
    return Environment(
        annotations={key: str(value) for key, value in (found.get("annotations") or {}).items() if key in ALLOCATED},
        labels={str(key): str(value) for key, value in (found.get("labels") or {}).items()},
        needs=tuple(Need(str(one["account"]), str(one["scc"]), str(one.get("base", "")))
                    for one in found.get("needs") or []),
        workloads=tuple(found.get("workloads") or ()),
    )


def _all(policy: Manifest) -> dict[str, Any]:
    try:
        document = json.loads(annotations_of(policy).get(GSB_ENVIRONMENT, "{}"))
        namespaces = document.get("namespaces") if document.get("version") == VERSION else {}
    except (ValueError, AttributeError):
        return {}
    return namespaces if isinstance(namespaces, dict) else {}
