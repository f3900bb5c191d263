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


def parse_workloads(text: str | bytes, *, source: str, namespace: str) -> list[Manifest]:
    """Every pod and workload of a file, Lists unfolded. Raises UsageError where there is none or it is no YAML.

    namespace: for those that name none; one that names another is refused, since only one is looked at.
    """
    import yaml

    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise errors.UsageError(f"{source} is no YAML: {' '.join(str(error).split())}") from error
    found = [_workload(one, source=source, namespace=namespace) for one in _unfold(documents)
             if str(one.get("kind")) in API_VERSIONS]
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
    kind = str(manifest["kind"])
    manifest = {**manifest, "metadata": manifest.get("metadata") or {}}
    if not isinstance(manifest["metadata"], dict):
        raise errors.UsageError(f"{kind.lower()} in {source} has metadata that is no object")
    name, where = name_of(manifest) or str(part_of(manifest, "metadata", "generateName") or ""), namespace_of(manifest)
    if where and where != namespace:
        raise errors.UsageError(f"{kind.lower()}/{name} in {source} is of namespace {where}, not {namespace}",
                                hint=f"add -n {where}")
    metadata = {**manifest["metadata"], "name": name or "unnamed", "namespace": namespace}
    if not isinstance(manifest.get("spec"), dict):
        raise errors.UsageError(f"{kind.lower()}/{name} in {source} has no spec")
    made = {**manifest, "apiVersion": API_VERSIONS[kind], "metadata": metadata}
    if kind == "Pod":
        kept = {key: value for key, value in metadata.items() if key in ("labels", "annotations")}
        made["spec"] = {"template": {"metadata": kept, "spec": manifest["spec"]}}
    if not _has_containers(part_of(made, "spec", "template", "spec")):
        raise errors.UsageError(f"{kind.lower()}/{name} in {source} has no containers with a name in its pod template")
    template = made["spec"]["template"]
    return {**made, "spec": {**made["spec"], "template": {**template, "metadata": template.get("metadata") or {}}}}


def _has_containers(spec: Any) -> bool:
    if not isinstance(spec, dict) or not spec.get("containers"):
        return False
    lists = [spec.get(key) or [] for key in ("containers", "initContainers", "volumes")]
    return all(isinstance(one, list) for one in lists) and all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for one in lists for item in one)
