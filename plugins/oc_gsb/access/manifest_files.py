"""Pods and workloads from YAML or JSON text, as the plan of what does not exist yet takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plugin_core import errors
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of

API_VERSIONS = {
    "Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1",
    "DeploymentConfig": "apps.openshift.io/v1", "Job": "batch/v1", "ReplicationController": "v1", "Pod": "v1",
}
"""Kinds with pods in them; all else in a file is passed over."""


def parse_workloads(text: str, *, source: str, namespace: str) -> list[Manifest]:
    """Every pod and workload of a file, Lists unfolded. Raises UsageError where there is none or it is no YAML.

    namespace: for those that name none; one that names another is refused, since only one is looked at.
    """
    import yaml

    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise errors.UsageError(f"{source} is no YAML: {' '.join(str(error).split())}") from error
    found = [_workload(one, source=source, namespace=namespace) for one in _unfold(documents)
             if one.get("kind") in API_VERSIONS]
    if not found:
        raise errors.UsageError(f"{source} holds no pod and no workload",
                                hint=f"it takes: {', '.join(API_VERSIONS)}")
    return found


def _unfold(documents: list[Any]) -> Iterator[Manifest]:
    for document in documents:
        if isinstance(document, dict) and str(document.get("kind")).endswith("List"):
            yield from _unfold(document.get("items") or [])
        elif isinstance(document, dict):
            yield document


def _workload(manifest: Manifest, *, source: str, namespace: str) -> Manifest:
    kind, name = str(manifest["kind"]), name_of(manifest) or str(part_of(manifest, "metadata", "generateName") or "")
    where = namespace_of(manifest)
    if where and where != namespace:
        raise errors.UsageError(f"{kind.lower()}/{name} in {source} is of namespace {where}, not {namespace}",
                                hint=f"add -n {where}")
    metadata = {**(manifest.get("metadata") or {}), "name": name or "unnamed", "namespace": namespace}
    if not isinstance(manifest.get("spec"), dict):
        raise errors.UsageError(f"{kind.lower()}/{name} in {source} has no spec")
    made = {**manifest, "apiVersion": API_VERSIONS[kind], "metadata": metadata}
    if kind == "Pod":
        kept = {key: value for key, value in metadata.items() if key in ("labels", "annotations")}
        made["spec"] = {"template": {"metadata": kept, "spec": manifest["spec"]}}
    spec = part_of(made, "spec", "template", "spec")
    if not isinstance(spec, dict) or not isinstance(spec.get("containers"), list) or not spec["containers"]:
        raise errors.UsageError(f"{kind.lower()}/{name} in {source} has no containers in its pod template")
    made["spec"].setdefault("template", {}).setdefault("metadata", {})
    return made
