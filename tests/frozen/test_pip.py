"""What pip's users get: source archive, wheel and console scripts, in a clean virtualenv, as the frozen executables."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.kubectl import Kubectl, run
from cluster.manifests import claim
from plugin_core.names import COMPLETION_SECONDS

ROOT = Path(__file__).parents[2]
SOURCES = ("plugins", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys, setuptools.build_meta as b; print(b.build_sdist(sys.argv[1]))"


def python(folder: Path, *arguments: str, within: Path | None = None) -> str:
    done = subprocess.run([str(folder / "bin" / "python"), *arguments], cwd=within, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def virtualenv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtualenv with nothing but the wheel, made of the source archive, and what it asks for."""
    work = tmp_path_factory.mktemp("pip")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, work / name, **({"ignore": shutil.ignore_patterns("*.egg-info", "__pycache__")}
                                          if copy is shutil.copytree else {}))
    tools, clean = work / "tools", work / "clean"
    for folder in (tools, clean):
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
    python(tools, *pip, "install", "setuptools>=77")
    source = python(tools, "-c", BUILD, str(work / "dist"), within=work).splitlines()[-1]
    python(tools, *pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(work), str(work / "dist" / source))
    python(clean, *pip, "install", str(next(work.glob("*.whl"))))
    return clean


def test_console_scripts_do_what_the_frozen_executables_do(
    virtualenv: Path, cluster_environment: dict[str, str], namespace: Kubectl
) -> None:
    namespace.apply(claim("data"))
    scope = ["-n", namespace.name]
    run(["kubectl-rwx", *scope, "snapshot", "pvc/data", "--name", "one"], environment=cluster_environment, check=True)
    bare = {**cluster_environment, COMPLETION_SECONDS: "45",
            "PATH": f"{virtualenv / 'bin'}:{cluster_environment['PATH']}"}
    assert (virtualenv / "bin" / "kubectl-rwx").read_text().startswith(f"#!{virtualenv}")
    for command in (
        ["kubectl-rwx", "--help"], ["oc-gsb", "--help"], ["kubectl-rwx", "restore", "--help"],
        ["kubectl-rwx", *scope, "list", "-o", "json"], ["kubectl-rwx", *scope, "describe", "vs/none"],
        ["kubectl-rwx", *scope, "restore", "pvc/x"], ["oc-gsb", *scope, "discover", "-o", "yaml"],
        ["oc-gsb", "completion", "bash"],
    ):
        frozen = run(command, environment=cluster_environment, check=False)
        installed = run(command, environment=bare, check=False)
        assert (installed.returncode, installed.stdout, installed.stderr) == (
            frozen.returncode, frozen.stdout, frozen.stderr), command
    own, frozen_own = (run(["oc-gsb", "version", "--client", "-o", "name"], environment=where, check=True).stdout
                       for where in (bare, cluster_environment))
    assert own == frozen_own
    through_kubectl = run(["kubectl", "__complete", "rwx", "restore", *scope, "on"], environment=bare, check=True)
    assert through_kubectl.stdout.splitlines() == ["one", ":4"]
