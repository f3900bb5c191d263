"""The frozen executables, installed the way krew installs them, on the cluster of the end-to-end tests."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from cluster.conftest import cluster_environment as sandbox_environment
from cluster.conftest import gsb, kubectl, leaving_namespaces, make_namespace, namespace, rwx

__all__ = ["sandbox_environment", "kubectl", "leaving_namespaces", "make_namespace", "namespace", "rwx", "gsb"]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with krew's links: `kubectl-rwx` and `kubectl-gsb`, to an unpacked release archive."""
    command = [sys.executable, str(ROOT / "build" / "archive.py")]
    packed = subprocess.run(command, capture_output=True, text=True, check=True)
    store = tmp_path_factory.mktemp("krew")
    with tarfile.open(ROOT / packed.stdout.split()[0]) as archive:
        assert not [entry.name for entry in archive if entry.issym() or entry.islnk()], "krew refuses links"
        assert "LICENSE" in archive.getnames()
        archive.extractall(store, filter="data")
    links = store / "bin"
    links.mkdir()
    (links / "kubectl-rwx").symlink_to(store / "kubectl-rwx" / "kubectl-rwx")
    (links / "kubectl-gsb").symlink_to(store / "kubectl-rwx" / "oc-gsb")
    (links / "oc-gsb").symlink_to(store / "kubectl-rwx" / "oc-gsb")
    return links


@pytest.fixture(scope="session")
def cluster_environment(sandbox_environment: dict[str, str], installed: Path) -> dict[str, str]:
    """As in the end-to-end tests, with the installed frozen executables in place of the virtualenv's."""
    others = [entry for entry in sandbox_environment["PATH"].split(":") if not (Path(entry) / "kubectl-rwx").exists()]
    return {**sandbox_environment, "PATH": ":".join([str(installed), *others])}
