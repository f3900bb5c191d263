"""The manifests of a release keep krew's rules, and the rules notice what breaks them."""

from __future__ import annotations

import copy
import hashlib
import sys

import pytest
from unit.build.krew_rules import broken_rules
from unit.build.scripts import ROOT, load

sys.path.insert(0, str(ROOT / "build"))
krew_manifests = load("krew_manifests")
VERSION = "v1.2.3"


@pytest.fixture
def release(tmp_path):
    """Five archives as five systems make them, by platform."""
    archives = {}
    for target in krew_manifests.PLATFORMS:
        archives[target] = tmp_path / krew_manifests.archive_name(VERSION, target)
        archives[target].write_bytes(target.encode())
    return archives


def finished(name, archives):
    return krew_manifests.manifest(
        name, archives, releases="https://example.org/releases/", homepage="https://example.org", version=VERSION)


@pytest.mark.parametrize("name", ["rwx", "gsb"])
def test_manifests_keep_the_rules_on_five_platforms(name, release):
    manifest = finished(name, release)
    assert broken_rules(f"{name}.yaml", manifest) == []
    platforms = manifest["spec"]["platforms"]
    systems = {"-".join(platform["selector"]["matchLabels"].values()) for platform in platforms}
    assert systems == {"linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64", "windows-amd64"}
    for platform in platforms:
        target = "-".join(platform["selector"]["matchLabels"].values())
        assert platform["sha256"] == hashlib.sha256(target.encode()).hexdigest()
        suffix = "zip" if target == "windows-amd64" else "tar.gz"
        assert platform["uri"] == f"https://example.org/releases/v1.2.3/kubectl-rwx-v1.2.3-{target}.{suffix}"


def test_templates_stay_templates(release):
    before = {path: path.read_bytes() for path in krew_manifests.TEMPLATES.iterdir()}
    finished("rwx", release)
    assert {path: path.read_bytes() for path in krew_manifests.TEMPLATES.iterdir()} == before


@pytest.mark.parametrize(("place", "value"), [
    (["apiVersion"], "krew/v1"), (["metadata", "name"], "kubectl rwx"), (["spec", "version"], "1.2.3"),
    (["spec", "version"], "v1.2"), (["spec", "shortDescription"], "x" * 51), (["spec", "shortDescription"], "a\nb"),
    (["spec", "shortDescription"], "kubectl plugin for storage"), (["spec", "homepage"], ""),
    (["spec", "description"], ""), (["spec", "platforms"], []), (["spec", "licence"], "Apache"),
    (["spec", "platforms", 0, "sha256"], "F" * 64), (["spec", "platforms", 0, "uri"], "https://x/y.tar.xz"),
    (["spec", "platforms", 0, "files"], []), (["spec", "platforms", 0, "files", 0, "to"], ""),
    (["spec", "platforms", 0, "bin"], "../sh"), (["spec", "platforms", 4, "bin"], "kubectl-rwx/kubectl-rwx"),
    (["spec", "platforms", 0, "selector"], None), (["spec", "platforms", 0, "selector", "matchLabels", "cpu"], "x"),
])
def test_rules_can_be_broken(release, place, value):
    broken = copy.deepcopy(finished("rwx", release))
    part = broken
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    assert len(broken_rules("rwx.yaml", broken)) == 1
