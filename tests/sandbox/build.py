"""Build the cluster's programs from Go modules, once per pinned set of versions.

The pins are ``modules/*/go.mod`` with their checksums in ``go.sum``. Every binary lands in the cache
under its final name only when it is whole, so a build that was killed goes on where it stopped.
"""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox import cache, toolchain
from sandbox.errors import SandboxError
from sandbox.progress import say

MODULES = Path(__file__).parent / "modules"
_VERSION = "k8s.io/component-base/version"
_KUBERNETES = "k8s.io/kubernetes/cmd"
_SNAPSHOTTER = "github.com/kubernetes-csi/external-snapshotter/v8/cmd"
_CONTAINERD = "github.com/containerd/containerd/v2"


@dataclass(frozen=True)
class Module:
    """One go.mod, how it is linked, and the programs built from it (name → package)."""

    name: str
    programs: dict[str, str]
    ldflags: str = "-s -w"
    tags: str = ""

    @property
    def source(self) -> Path:
        return MODULES / self.name

    @property
    def folder(self) -> Path:
        """The cache folder for exactly this source and these flags."""
        sums = [(self.source / name).read_bytes() for name in ("go.mod", "go.sum")]
        return cache.cache_root() / f"{self.name}-{cache.fingerprint(*sums, self.ldflags, self.tags)}"

    def binary(self, program: str) -> Path:
        return self.folder / "bin" / program


CLUSTER = Module(
    name="cluster",
    # Without a version the API server calls itself v0.0.0 and clients refuse or guess.
    ldflags=f"-s -w -X {_VERSION}.gitVersion=v1.36.3 -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=36",
    programs={
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": f"{_KUBERNETES}/kube-apiserver",
        "kubectl": f"{_KUBERNETES}/kubectl",
        "kube-controller-manager": f"{_KUBERNETES}/kube-controller-manager",
        "kube-scheduler": f"{_KUBERNETES}/kube-scheduler",
        "kubelet": f"{_KUBERNETES}/kubelet",
        "snapshot-controller": f"{_SNAPSHOTTER}/snapshot-controller",
        "csi-snapshotter": f"{_SNAPSHOTTER}/csi-snapshotter",
        "csi-provisioner": "github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner",
    },
)
RESIZER = Module(
    # Pinned to CLUSTER's versions of all they share, so that Go compiles only the resizer itself anew.
    name="resizer",
    programs={"csi-resizer": "github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer"},
)
RUNTIME = Module(
    name="runtime",
    tags="no_btrfs no_devmapper no_zfs no_aufs",
    programs={
        "containerd": f"{_CONTAINERD}/cmd/containerd",
        "containerd-shim-runc-v2": f"{_CONTAINERD}/cmd/containerd-shim-runc-v2",
        "ctr": f"{_CONTAINERD}/cmd/ctr",
    },
)
TOOLS = Module(
    name="tools",
    programs={
        "csi-sanity": "github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity",
        "kwok": "sigs.k8s.io/kwok/cmd/kwok",
        "helm": "helm.sh/helm/v4/cmd/helm",
    },
)
MODULES_BUILT = (CLUSTER, RESIZER, RUNTIME, TOOLS)
BORROWED = ("etcd", "kube-apiserver", "kubectl")
"""What a KUBEBUILDER_ASSETS folder holds; taken from there when it is set."""


def find_program(name: str) -> Path:
    """Where a program is, or will be once built."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and name in BORROWED and os.access(Path(assets) / name, os.X_OK):
        return Path(assets).absolute() / name
    for module in MODULES_BUILT:
        if name in module.programs:
            return module.binary(name)
    known = ", ".join(sorted(name for module in MODULES_BUILT for name in module.programs))
    raise SandboxError(f"there is no sandbox program {name!r}.", hint=f"There are: {known}")


def go_environment() -> dict[str, str]:
    """The environment of every go command: pinned modules only, no C, no other toolchain fetched."""
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
    }


def module_directory(module: Module, path: str) -> Path:
    """Where Go keeps the source of a dependency, downloaded when absent."""
    go = toolchain.find_go()
    for command in (["mod", "download", path], ["list", "-m", "-f", "{{.Dir}}", path]):
        done = subprocess.run(
            [str(go), *command], cwd=module.source, env=go_environment(), capture_output=True, text=True
        )
        if done.returncode != 0:
            raise SandboxError(f"go {' '.join(command)} failed: {done.stderr.strip()[-600:]}")
    return Path(done.stdout.strip())


def build_programs(*names: str) -> list[Path]:
    """Build what is missing of the named programs (none named: the whole cluster); return where they are."""
    wanted = names or (*CLUSTER.programs, *RESIZER.programs, *RUNTIME.programs)
    paths = [find_program(name) for name in wanted]
    if all(path.exists() for path in paths):
        return paths
    with cache.building_alone():
        missing = [(name, path) for name, path in zip(wanted, paths) if not path.exists()]
        for number, (name, path) in enumerate(missing, start=1):
            _build_program(name, path, position=f"{number}/{len(missing)}")
    return paths


def _build_program(name: str, target: Path, *, position: str) -> None:
    module = next(module for module in MODULES_BUILT if name in module.programs)
    go = toolchain.find_go()
    say(f"building {name} ({position}) …")
    started = time.monotonic()
    with cache.landing(target) as unfinished:
        command = [str(go), "build", "-ldflags", module.ldflags, "-tags", module.tags, "-o", str(unfinished)]
        done = subprocess.run(
            [*command, module.programs[name]],
            cwd=module.source,
            env=go_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise SandboxError(
                f"building {name} failed: {done.stderr.strip()[-1500:]}",
                hint="Go fetches its modules from the module proxy (GOPROXY); is it reachable?",
            )
    say(f"building {name} ({position}) took {time.monotonic() - started:.0f} s")
