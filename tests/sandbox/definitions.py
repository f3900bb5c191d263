"""API definitions taken from the Go modules at build time, so that nothing of theirs is committed here.

Custom resource definitions of (group) snapshots go to ``crds/``; the CSI and kubelet plugin registration
interfaces go to ``protos/`` and, compiled for Python, to ``stubs/`` (``csi_pb2``, ``csi_pb2_grpc``,
``registration_pb2``, ``registration_pb2_grpc``: put that folder on sys.path).
"""

import shutil
import subprocess
import sys
from pathlib import Path

from sandbox import build, cache
from sandbox.errors import SandboxError

_SNAPSHOT_CLIENT = "github.com/kubernetes-csi/external-snapshotter/client/v8"
_CSI_SPEC = "github.com/container-storage-interface/spec"
_KUBELET = "k8s.io/kubelet"


def crds_folder() -> Path:
    """Snapshot and group-snapshot definitions, ready for ``kubectl apply -f``."""
    return cache.filled_folder(build.CLUSTER.folder / "crds", _copy_crds)


def stubs_folder() -> Path:
    """Python modules of the two gRPC interfaces."""
    target = build.CLUSTER.folder / "stubs"
    if not target.exists():
        protos = cache.filled_folder(build.CLUSTER.folder / "protos", _copy_protos)
        cache.filled_folder(target, lambda folder: _compile_protos(protos, folder))
    return target


def _copy_crds(target: Path) -> None:
    source = build.module_directory(build.CLUSTER, _SNAPSHOT_CLIENT) / "config" / "crd"
    for manifest in source.glob("*.yaml"):
        if manifest.name != "kustomization.yaml":
            shutil.copyfile(manifest, target / manifest.name)


def _copy_protos(target: Path) -> None:
    csi = build.module_directory(build.CLUSTER, _CSI_SPEC) / "csi.proto"
    registration = (
        build.module_directory(build.CLUSTER, _KUBELET) / "pkg/apis/pluginregistration/v1/api.proto"
    )
    shutil.copyfile(csi, target / "csi.proto")
    # Older versions carry Go-only options whose definitions Python's compiler has no copy of.
    lines = [line for line in registration.read_text().splitlines() if "gogo" not in line]
    (target / "registration.proto").write_text("\n".join(lines) + "\n")


def _compile_protos(protos: Path, target: Path) -> None:
    import grpc_tools

    includes = [f"-I{protos}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
    outputs = [f"--python_out={target}", f"--grpc_python_out={target}"]
    sources = [str(path) for path in sorted(protos.glob("*.proto"))]
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes, *outputs, *sources]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SandboxError(f"compiling the gRPC interfaces failed: {done.stderr.strip()[-1000:]}")
