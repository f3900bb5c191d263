"""The frozen executables, installed the way krew installs them, on the cluster of the end-to-end tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.conftest import cluster_environment as sandbox_environment
from cluster.conftest import gsb, kubectl, leaving_namespaces, make_namespace, namespace, rwx
from frozen.krew import Krew

__all__ = ["sandbox_environment", "kubectl", "leaving_namespaces", "make_namespace", "namespace", "rwx", "gsb"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Release:
    """What `make archive krew-manifests` leaves: the archive of this system and the manifests of both plugins."""

    archive: Path
    manifests: Path
    system: str
    machine: str

    def install(self, krew: Krew, name: str) -> Path:
        return krew.install(self.manifests / f"{name}.yaml", self.archive, system=self.system, machine=self.machine)


@pytest.fixture(scope="session")
def release() -> Release:
    """Packed anew from dist/kubectl-rwx/."""
    environment = {**os.environ, "RELEASES_URL": "https://releases.example", "HOMEPAGE_URL": "https://example.org"}

    def build(script: str, *arguments: str) -> str:
        command = [sys.executable, str(ROOT / "build" / script), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    archive = ROOT / build("archive.py").split()[0]
    build("krew_manifests.py", "--partial")
    system, machine = archive.name.removesuffix(".tar.gz").split("-")[-2:]
    return Release(archive, ROOT / "dist" / "krew" / "plugins", system, machine)


@pytest.fixture(scope="session")
def installed(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for PATH with krew's links, and oc-gsb, which krew does not make, for tests that call it."""
    krew = Krew(tmp_path_factory.mktemp("krew"))
    for name in ("rwx", "gsb"):
        release.install(krew, name)
    (krew.bin / "oc-gsb").symlink_to((krew.bin / "kubectl-gsb").resolve())
    return krew.bin


@pytest.fixture(scope="session")
def cluster_environment(sandbox_environment: dict[str, str], installed: Path) -> dict[str, str]:
    """As in the end-to-end tests, with the installed frozen executables in place of the virtualenv's."""
    others = [entry for entry in sandbox_environment["PATH"].split(":") if not (Path(entry) / "kubectl-rwx").exists()]
    environment = {**sandbox_environment, "PATH": ":".join([str(installed), *others])}
    assert shutil.which("kubectl-rwx", path=environment["PATH"]) == str(installed / "kubectl-rwx")
    return environment
