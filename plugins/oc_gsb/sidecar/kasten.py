"""What Kasten itself says about the sidecar: its configuration in the ConfigMap k10-config."""

from __future__ import annotations

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import CONFIG_MAP

NAMESPACE = "kasten-io"
CONFIG = "k10-config"
TOOLS_IMAGE = "KanisterToolsImage"
VERSION = "version"


def read_config(cluster: Cluster, *, namespace: str) -> dict[str, str]:
    """The data of k10-config. Raises NotFound and Forbidden."""
    return cluster.get(CONFIG_MAP, CONFIG, namespace=namespace).get("data") or {}


def read_tools_image(cluster: Cluster, *, namespace: str) -> str:
    """The sidecar image that belongs to the installed Kasten. Raises NotReady or Forbidden, both naming --image."""
    hint = "name the image with --image, or Kasten's namespace with --k10-namespace"
    try:
        image = read_config(cluster, namespace=namespace).get(TOOLS_IMAGE, "")
    except errors.NotFound as error:
        raise errors.NotReady(
            f"the sidecar image is not known: there is no ConfigMap {CONFIG} in namespace {namespace}", hint=hint
        ) from error
    except errors.Forbidden as error:
        raise errors.Forbidden(
            f"the sidecar image is not known: {error.message}", hint=hint, status=error.status,
            server_message=error.server_message,
        ) from error
    if not image:
        raise errors.NotReady(
            f"the sidecar image is not known: ConfigMap {namespace}/{CONFIG} has no key {TOOLS_IMAGE}", hint=hint
        )
    return image
