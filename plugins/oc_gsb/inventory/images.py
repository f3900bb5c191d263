"""`oc gsb images`: what a registry without internet access must hold for these commands."""

from __future__ import annotations

from oc_gsb.sidecar.kasten import CONFIG, TOOLS_IMAGE, VERSION, read_config, read_tools_image
from plugin_core.kube.cluster import Cluster
from plugin_core.model.reports import Report, column


def list_images(cluster: Cluster, *, k10_namespace: str) -> Report:
    """One image: the sidecar's. Kasten's own are not ours to list. Raises NotReady and Forbidden."""
    image = read_tools_image(cluster, namespace=k10_namespace)
    version = read_config(cluster, namespace=k10_namespace).get(VERSION)
    items = ({"image": image, "use": "sidecar in application namespaces, and Kasten's own helper pods there",
              "source": f"ConfigMap {k10_namespace}/{CONFIG}, key {TOOLS_IMAGE}", "kasten": version},)
    return Report(
        kind="ImageList", items=items, columns=(
            column("IMAGE", "image"), column("USED FOR", "use"), column("KASTEN", "kasten"),
            column("SOURCE", "source", wide=True)),
        name=lambda item: str(item["image"]),
        notes=("note: application namespaces pull it too: where the registry asks for a password, their service "
               "accounts need a pull secret",),
    )
