"""build/sbom.py: exactly what is in the archive, nothing of the virtualenv around it, and no stranger unnoticed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from unit.build.scripts import load

load("archive")
sbom = load("sbom")


def component(name: str, version: str = "1.0") -> dict[str, Any]:
    return {"type": "library", "bom-ref": f"{name}=={version}", "name": name, "version": version}


DESCRIBED = {
    "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"tools": {}},
    "components": [component("requests"), component("PyYAML"), component("pytest"), component("kubectl-rwx")],
    "dependencies": [{"ref": "requests==1.0", "dependsOn": ["PyYAML==1.0", "pytest==1.0"]}, {"ref": "PyYAML==1.0"}],
}


def test_only_what_was_asked_for_is_left_with_its_edges_and_the_project_above_it() -> None:
    python = {"type": "platform", "bom-ref": "python", "name": "python"}
    made = sbom.narrowed(DESCRIBED, {"requests", "pyyaml"}, [python], version="0.1.0")
    assert [one["name"] for one in made["components"]] == ["PyYAML", "python", "requests"]
    assert made["metadata"]["component"]["bom-ref"] == "kubectl-rwx==0.1.0"
    edges = {one["ref"]: one.get("dependsOn") for one in made["dependencies"]}
    assert edges == {
        "kubectl-rwx==0.1.0": ["PyYAML==1.0", "python", "requests==1.0"],
        "requests==1.0": ["PyYAML==1.0"], "PyYAML==1.0": None,
    }


def test_a_package_that_nobody_described_is_an_error() -> None:
    with pytest.raises(sbom.Unexplained, match="does not know: rich"):
        sbom.narrowed(DESCRIBED, {"requests", "rich"}, [], version="0.1.0")


def test_modules_lead_to_packages_and_unknown_ones_are_an_error() -> None:
    assert sbom.packages_of({"yaml", "click", "json", "plugin_core", "pyimod02_importers"}) == {"pyyaml", "click"}
    with pytest.raises(sbom.Unexplained, match="of no installed package: smuggled"):
        sbom.packages_of({"click", "smuggled"})


def test_what_the_project_needs_is_without_extras_and_with_what_the_needed_need() -> None:
    needed = sbom.needed_packages()
    assert {"click", "kubernetes", "pyyaml", "rich", "urllib3", "certifi"} <= needed
    assert not {"pytest", "pyinstaller", "mkdocs", "grpcio", "cyclonedx-bom"} & needed


def test_libraries_of_others_are_listed_by_hash_and_extension_modules_are_not(tmp_path: Path) -> None:
    inside = tmp_path / "_internal" / "lib-dynload"
    inside.mkdir(parents=True)
    (tmp_path / "_internal" / "libssl.so.3").write_bytes(b"ssl")
    (tmp_path / "_internal" / "_yaml.cpython-311-x86_64-linux-gnu.so").write_bytes(b"yaml")
    (inside / "_json.cpython-311-x86_64-linux-gnu.so").write_bytes(b"json")
    (tmp_path / "_internal" / "certs.pem").write_bytes(b"no library")
    assert [(one["name"], one["hashes"][0]["content"]) for one in sbom.native_libraries(tmp_path)] == [
        ("libssl.so.3", hashlib.sha256(b"ssl").hexdigest())]
