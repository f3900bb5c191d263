"""A stand-in for krew: installs a plugin from its manifest and archive as krew does, and removes it again.

krew itself cannot be had here: its Go module is not on the module proxy. Done as in its sources, internal/installation:
the sha256 is checked, links in archives are refused, `files` are moved below store/NAME/VERSION, bin/kubectl-NAME
becomes a link to the executable, and receipts/NAME.yaml keeps the manifest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unit.build.krew_rules import broken_rules


@dataclass(frozen=True)
class Krew:
    """root: KREW_ROOT. bin/ below it belongs on PATH."""

    root: Path

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    def install(self, manifest: Path, archive: Path, *, system: str, machine: str) -> Path:
        """The link that was made. AssertionError where krew would refuse."""
        plugin = yaml.safe_load(manifest.read_text())
        assert broken_rules(manifest.name, plugin) == []
        wanted = {"os": system, "arch": machine}
        platform = next(one for one in plugin["spec"]["platforms"] if one["selector"]["matchLabels"] == wanted)
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == platform["sha256"]
        assert platform["uri"].endswith(f"/{archive.name}")
        name = plugin["metadata"]["name"]
        target = self.root / "store" / name / plugin["spec"]["version"]
        with tempfile.TemporaryDirectory(dir=self.root) as unpacked:
            _unpack(archive, Path(unpacked))
            for one in platform["files"]:
                _move(Path(unpacked), target, one)
        executable = target / platform["bin"]
        assert os.access(executable, os.X_OK)
        link = self.bin / f"kubectl-{name.replace('-', '_')}"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(executable)
        receipt = self.root / "receipts" / f"{name}.yaml"
        receipt.parent.mkdir(exist_ok=True)
        receipt.write_text(manifest.read_text())
        return link

    def uninstall(self, name: str) -> None:
        (self.bin / f"kubectl-{name.replace('-', '_')}").unlink()
        shutil.rmtree(self.root / "store" / name)
        (self.root / "receipts" / f"{name}.yaml").unlink()


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as packed:
        assert [entry.name for entry in packed if not (entry.isfile() or entry.isdir())] == [], "krew refuses links"
        packed.extractall(folder, filter="data")


def _move(unpacked: Path, target: Path, operation: dict[str, Any]) -> None:
    found = sorted(unpacked.glob(operation["from"]))
    assert found, f"nothing in the archive matches {operation['from']}"
    for path in found:
        moved = target / operation["to"] / path.name
        moved.parent.mkdir(parents=True, exist_ok=True)
        path.rename(moved)
