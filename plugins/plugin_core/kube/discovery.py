"""Which resource a manifest belongs to, where our own table of kinds does not know it."""

from __future__ import annotations

from collections.abc import Callable

from plugin_core import errors
from plugin_core.model.kinds import Kind, find_kind
from plugin_core.model.manifests import Manifest


def find_served_kind(manifest: Manifest, *, ask: Callable[[str, str], Manifest]) -> Kind:
    """The kind of a manifest. ask(path, apiVersion) reads an APIResourceList; NotFound when it is not in there."""
    api_version, name = str(manifest.get("apiVersion")), str(manifest.get("kind"))
    known = find_kind(api_version, name)
    if known:
        return known
    group, _, version = api_version.rpartition("/")
    served = ask(f"/apis/{api_version}" if group else f"/api/{version}", api_version)
    for resource in served.get("resources", []):
        if resource["kind"] == name and "/" not in resource["name"]:
            return Kind(name, resource["name"], group, version, namespaced=resource["namespaced"])
    raise errors.NotFound(f"the server knows no kind {name} in {api_version}", status=404)
