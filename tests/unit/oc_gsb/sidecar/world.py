"""A fake OpenShift: its standard SCCs, a namespace with ids, Kasten's configuration, and RBAC that follows bindings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from fakes.cluster import FakeCluster, Reaction
from fakes.workloads import NAMESPACE, Controllers, claim, rolled_out
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.grants import ROLE_PREFIX
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.names import POD_SCC

SCC_FILE = Path(__file__).parents[3] / "sandbox" / "openshift" / "sccs.yaml"
SCCS = {name_of(scc): scc for scc in yaml.safe_load_all(SCC_FILE.read_text())}
COPY = "restricted-v2-gsb"
OPEN_TO_ALL = ("system:authenticated", "restricted-v2")
GRANT_WRITES = ("create clusterroles.rbac.authorization.k8s.io", "create rolebindings.rbac.authorization.k8s.io",
                "create securitycontextconstraints.security.openshift.io")
GRANT_DELETES = tuple(words.replace("create", "delete") for words in GRANT_WRITES)
PATCH = "patch deployments.apps"

NAMESPACE_IDS = {
    "openshift.io/sa.scc.uid-range": "1000680000/10000", "openshift.io/sa.scc.mcs": "s0:c26,c5",
    "openshift.io/sa.scc.supplemental-groups": "1000680000/10000",
}
NAMESPACE_MANIFEST: Manifest = {
    "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "annotations": NAMESPACE_IDS}}
K10_CONFIG: Manifest = {
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "k10-config", "namespace": "kasten-io"},
    "data": {"KanisterToolsImage": "tools:1", "GVSActivationToken": "a-token"}}


def admit(pod: Manifest) -> None:
    """What admission does in this world: the copy for pods with the sidecar, restricted-v2 for all others."""
    pod["metadata"]["annotations"][POD_SCC] = COPY if sidecar_of(pod["spec"]) else "restricted-v2"
    pod["spec"]["securityContext"] = {"fsGroup": 1000680000, "seLinuxOptions": {"level": "s0:c26,c5"}}
    for one in pod["spec"]["containers"]:
        one["securityContext"] = {**(one.get("securityContext") or {}), "runAsUser": 1000680000}


def make_world(
    *workloads: Manifest, claims: Iterable[Manifest] = (), expect: Iterable[str] = (), openshift: bool = True,
    objects: Iterable[Manifest] = (), reactions: dict[str, Reaction] | None = None,
    step: Callable[[FakeCluster], None] = lambda cluster: None, **options: Any,
) -> tuple[FakeCluster, Controllers]:
    """Deployments are rolled out; step is what happens while something is waited for."""
    controllers = Controllers(admit if openshift else None)

    def bind(cluster: FakeCluster, binding: Manifest) -> None:
        for subject in binding["subjects"]:
            user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
            cluster.grants.add((user, binding["roleRef"]["name"].removeprefix(ROLE_PREFIX)))

    cluster = FakeCluster(
        [NAMESPACE_MANIFEST, K10_CONFIG, *(claims or [claim("data")]), *(SCCS.values() if openshift else ()), *objects],
        expect=expect, script=itertools.repeat(step),
        reactions={PATCH: controllers, "create rolebindings.rbac.authorization.k8s.io": bind, **(reactions or {})},
        groups={"security.openshift.io": ["v1"]} if openshift else {}, **{"grants": [OPEN_TO_ALL], **options},
    )
    for made in workloads:
        if made["kind"] == "Deployment":
            rolled_out(cluster, made, admit=admit if openshift else None)
        else:
            cluster.put(made)
    return cluster, controllers


def names_of(cluster: FakeCluster, resource: str) -> list[str]:
    """Names of all objects of a resource."""
    return sorted(name for kind, _, name in cluster.objects if kind == resource)
