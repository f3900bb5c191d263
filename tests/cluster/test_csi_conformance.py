"""The sandbox's CSI driver against the CSI project's own conformance suite. Needs no Kubernetes."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import build, definitions
from sandbox.csi.trials import TrialNode

# The suite knows no fault: what a variant does wrong on purpose is switched off by its own parameters here, so that all
# the rest of it is held to the standard. What each does wrong is tested in test_csi_driver.py.
CALM = {
    "fuzzy": {"copySeconds": "0"},
    "slow": {"delay": "0"},
    "failing": {"failures": "0"},
}
CASES = {
    "shared": 69,
    "late": 62,
    "fuzzy": 56,
    "slow": 56,
    "failing": 56,
    "sized": 56,
    "block": 54,
    "nosnap": 37,
}
"""Specs that must really run, by what each variant offers: one that lost a capability would pass by skipping."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: those of unix sockets are limited."""
    with tempfile.TemporaryDirectory(prefix="csi-") as name:
        yield Path(name)


@pytest.mark.parametrize("variant", CASES)
def test_passes_the_conformance_suite(variant: str, folder: Path) -> None:
    [suite] = build.build_programs("csi-sanity")
    parameters = folder / "parameters.yaml"
    parameters.write_text("".join(f'{name}: "{value}"\n' for name, value in CALM.get(variant, {}).items()))
    with TrialNode(folder, stubs=definitions.stubs_folder(), variants=[variant]) as node:
        command = [
            *("nsenter", "--target", str(node.process.pid), "--mount", "--"),
            *(str(suite), "--csi.endpoint", str(node.socket(variant))),
            *("--csi.mountdir", str(folder / "mount"), "--csi.stagingdir", str(folder / "staging")),
            *("--csi.testvolumeparameters", str(parameters), "--ginkgo.no-color"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        log = node.log.read_text()
        left = list_data(node.data / f"{variant}.test")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n--- driver ---\n{log}"
    ran = re.search(r"Ran (\d+) of \d+ Specs", done.stdout)
    assert ran and int(ran[1]) >= CASES[variant], done.stdout
    assert "Traceback" not in log, log
    assert left == [], "the suite deletes what it makes, and the driver kept something of it"


def list_data(home: Path) -> list[Path]:
    """Volumes, snapshots, records and drafts of a driver; its lock files are no data."""
    folders = [home / "volumes", home / "snapshots", home / "drafts" / "node-a", *(home / "records").iterdir()]
    return [path for folder in folders for path in folder.iterdir()]
