"""What the tests of `setup` install from: upstream's files out of the Go modules, the real controller as an image, a
small chart of our own, and a real helm. Nothing of it is committed: it is built from the pinned modules."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml

from cluster.kubectl import Kubectl
from sandbox import build, image_archives, nodes
from sandbox.state import NODES, State

SNAPSHOTTER = "github.com/kubernetes-csi/external-snapshotter"
CONTROLLER_IMAGE = "sandbox.local/snapshot-controller:v8.6.0"


def upstream_folder(target: Path, *, server: str) -> Path:
    """Upstream's source tree as far as setup reads it, with a Deployment whose pods reach this API server.

    server: https://127.0.0.1:PORT. The sandbox's service network leads nowhere, so the controller's pods share the
    machine's network and are told the address; all else is upstream's.
    """
    for path, folder in ((f"{SNAPSHOTTER}/client/v8", "config/crd"),
                         (f"{SNAPSHOTTER}/v8", "deploy/kubernetes/snapshot-controller")):
        source = build.module_directory(build.CLUSTER, path) / folder
        shutil.copytree(source, target / (f"client/{folder}" if folder.startswith("config") else folder),
                        copy_function=shutil.copyfile)
    place = target / "deploy/kubernetes/snapshot-controller/setup-snapshot-controller.yaml"
    [deployment] = [item for item in yaml.safe_load_all(place.read_text()) if item]
    pods = deployment["spec"]["template"]["spec"]
    host, port = re.fullmatch(r"https://(.*):(\d+)", server).groups()  # type: ignore[union-attr]
    pods["hostNetwork"] = True
    pods["containers"][0]["command"] = ["/snapshot-controller"]
    pods["containers"][0]["env"] = [{"name": "KUBERNETES_SERVICE_HOST", "value": host},
                                    {"name": "KUBERNETES_SERVICE_PORT", "value": port}]
    place.write_text(yaml.safe_dump(deployment))
    return target


def load_controller_image(state: State, archive: Path) -> None:
    """Gives both nodes an image of the snapshot-controller that was built from its module."""
    layer = image_archives.Layer()
    layer.add_file("/snapshot-controller", build.find_program("snapshot-controller").read_bytes(), 0o755)
    for folder in ("tmp", "proc", "sys", "dev", "etc"):
        layer.add_folder(folder)
    image = image_archives.Image(CONTROLLER_IMAGE, (layer.finished(),), ("/snapshot-controller",))
    image_archives.write_archive(archive, [image])
    for node in NODES:
        nodes.import_images(state.containerd_socket(node), archive)


def server_of(kubectl: Kubectl) -> str:
    return kubectl.jsonpath("config", "view", path="{.clusters[0].cluster.server}")
