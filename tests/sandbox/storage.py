"""Storage: the project's CSI driver in its variants, the CSI sidecars, the snapshot controller, and a
class for each variant.

A class is chosen by its driver, so every variant is a driver of its own, ``<variant>.csi.sandbox.local``,
with a StorageClass and (where it has snapshots) a VolumeSnapshotClass of the variant's name.
"""

import importlib.util
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import build, definitions, nodes, waiting
from sandbox.control_plane import CLIENT_LIMITS
from sandbox.errors import SandboxError
from sandbox.processes import Supervisor, python_module
from sandbox.state import NODES, State

_DRIVER_SUFFIX = ".csi.sandbox.local"
_SIDECAR_OPTIONS = (
    *CLIENT_LIMITS,
    "--worker-threads=40",
    "--retry-interval-start=200ms",
    "--retry-interval-max=5s",
)


@dataclass(frozen=True)
class Variant:
    """A way for storage to behave; what the names mean is the CSI driver's business (``sandbox.csi``)."""

    name: str
    snapshots: bool = True
    group_snapshots: bool = False
    expands: bool = False
    binding: str = "Immediate"

    @property
    def driver(self) -> str:
        return self.name + _DRIVER_SUFFIX


VARIANTS = (
    Variant("shared", group_snapshots=True, expands=True),
    Variant("block"),
    Variant("nosnap", snapshots=False),
    Variant("fuzzy"),
    Variant("slow"),
    Variant("failing"),
    Variant("late", binding="WaitForFirstConsumer"),
    Variant("sized"),
)


def driver_exists() -> bool:
    """Is the CSI driver part of this checkout?"""
    package = importlib.util.find_spec("sandbox.csi")
    return package is not None and importlib.util.find_spec("sandbox.csi.__main__") is not None


def socket_of(state: State, node: str, variant: Variant) -> Path:
    return state.node(node) / "csi" / f"{variant.driver}.sock"


def start_drivers(state: State, supervisor: Supervisor, node: str) -> None:
    """Start the process that serves every variant on one node, with that node's mounts."""
    serve = [word for variant in VARIANTS for word in ("--serve", f"{variant.driver}={variant.name}")]
    data = state.directory / "volumes"
    data.mkdir(exist_ok=True)
    arguments = [f"--node={node}", f"--kubelet-dir={nodes.KUBELET_DIR}", f"--data-dir={data}"]
    command = python_module("sandbox.csi", *arguments, f"--socket-dir={state.node(node)}/csi", *serve)
    sockets = [socket_of(state, node, variant) for variant in VARIANTS]
    supervisor.start(
        f"{node}-csi",
        nodes.inside(state, node, command),
        ready=lambda: all(waiting.accepts_connections(socket) for socket in sockets),
    )


def start_snapshot_controller(state: State, supervisor: Supervisor) -> None:
    """Its custom resources must be defined."""
    supervisor.start(
        "snapshot-controller",
        [
            str(build.find_program("snapshot-controller")),
            f"--kubeconfig={state.kubeconfig}",
            "--leader-election=false",
            "--feature-gates=CSIVolumeGroupSnapshot=true",
            *_SIDECAR_OPTIONS,
        ],
    )


def start_sidecars(state: State, supervisor: Supervisor) -> None:
    """Start provisioner, snapshotter and resizer of each variant; they talk to the first node's driver process."""
    for variant in VARIANTS:
        common = [
            f"--kubeconfig={state.kubeconfig}",
            f"--csi-address={socket_of(state, NODES[0], variant)}",
            "--timeout=60s",
            "--extra-create-metadata",
            *_SIDECAR_OPTIONS,
        ]
        provisioner = [str(build.find_program("csi-provisioner")), "--feature-gates=Topology=false", *common]
        # a claim deleted while it restores leaves a finalizer on its snapshot until the next sweep
        provisioner.append("--snapshot-orphan-sweep-interval=2s")
        supervisor.start(f"{variant.name}-provisioner", provisioner)
        if variant.snapshots:
            gates = ["--feature-gates=CSIVolumeGroupSnapshot=true"] if variant.group_snapshots else []
            snapshotter = [str(build.find_program("csi-snapshotter")), *gates, *common]
            supervisor.start(f"{variant.name}-snapshotter", snapshotter)
        if variant.expands:
            resizer = [str(build.find_program("csi-resizer")), f"--kubeconfig={state.kubeconfig}", *CLIENT_LIMITS]
            resizer += [f"--csi-address={socket_of(state, NODES[0], variant)}", "--workers=40"]
            resizer += ["--retry-interval-start=200ms", "--retry-interval-max=5s"]
            supervisor.start(f"{variant.name}-resizer", resizer)


def define_resources(kubectl: list[str]) -> None:
    """Define the kinds of snapshots and wait until the API server serves them."""
    folder = definitions.crds_folder()
    _run([*kubectl, "apply", "--server-side", "-f", str(folder)])
    _run([*kubectl, "wait", "--for=condition=Established", "--timeout=30s", "-f", str(folder)])


def create_classes(kubectl: list[str]) -> None:
    """Create every variant's classes."""
    items = [item for variant in VARIANTS for item in _classes(variant)]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    _run([*kubectl, "apply", "--server-side", "-f", "-"], stdin=manifest)


def wait_until_registered(kubectl: list[str]) -> None:
    """Wait until both kubelets know every driver."""
    wanted = {variant.driver for variant in VARIANTS}

    def missing() -> set[str]:
        listed = json.loads(_run([*kubectl, "get", "csinodes", "-o", "json"]))["items"]
        known = [{driver["name"] for driver in item["spec"].get("drivers") or []} for item in listed]
        return wanted - set.intersection(*known) if len(known) == len(NODES) else wanted

    waiting.wait_until(
        lambda: not missing(),
        what="the CSI drivers registering",
        interval=0.2,
        explain=lambda: f"Missing: {missing()}",
    )


def _classes(variant: Variant) -> list[dict[str, Any]]:
    named = {"metadata": {"name": variant.name}}
    default = {"snapshot.storage.kubernetes.io/is-default-class": "true"}
    if variant.name == "fuzzy":
        default["kubectl-rwx.io/consistency"] = "fuzzy"  # the drivers catalogue knows no test driver
    driver_object = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": variant.driver},
        "spec": {"attachRequired": False, "podInfoOnMount": False, "fsGroupPolicy": "File"},
    }
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        **named,
        "provisioner": variant.driver,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": variant.binding,
        "allowVolumeExpansion": variant.expands,
    }
    classes: list[dict[str, Any]] = [driver_object, storage_class]
    for wanted, api, kind in (
        (variant.snapshots, "snapshot.storage.k8s.io/v1", "VolumeSnapshotClass"),
        (variant.group_snapshots, "groupsnapshot.storage.k8s.io/v1", "VolumeGroupSnapshotClass"),
    ):
        if wanted:
            metadata = {"name": variant.name, "annotations": default if kind == "VolumeSnapshotClass" else {}}
            content = {"metadata": metadata, "driver": variant.driver, "deletionPolicy": "Delete"}
            classes.append({"apiVersion": api, "kind": kind, **content})
    return classes


def _run(command: list[str], *, stdin: str | None = None) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise SandboxError(f"{' '.join(command[:6])} … failed: {done.stderr.strip()[-600:]}")
    return done.stdout
