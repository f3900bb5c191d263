"""Packs dist/kubectl-rwx/ for this system as krew wants it, and writes the krew manifests for the archives in dist/.

The archive is dist/kubectl-rwx-vVERSION-OS-ARCH.tar.gz: LICENSE and the frozen folder, no links, reproducible (sorted
names, fixed times and owners). Archives made on other systems may be laid beside it first: every one of this version
gets its entry. RELEASES_URL says where they will be downloaded from and HOMEPAGE_URL where the project lives.
"""

from __future__ import annotations

import configparser
import gzip
import hashlib
import io
import os
import platform
import sys
import tarfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
FROZEN = DIST / "kubectl-rwx"
MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
EXECUTABLES = {"rwx": "kubectl-rwx", "gsb": "oc-gsb"}


def read_version() -> str:
    """The version in setup.cfg, with krew's leading v."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    return f"v{settings['metadata']['version']}"


def pack(target: Path) -> None:
    """Writes the archive; links become the files they point to, because krew refuses links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        frozen = [path for path in sorted(FROZEN.rglob("*")) if path.is_file() and path.name != ".ready"]
        for path, inside in [(ROOT / "LICENSE", "LICENSE"), *((p, str(p.relative_to(DIST))) for p in frozen)]:
            entry = tarfile.TarInfo(inside)
            entry.size, entry.mode = path.stat().st_size, 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)
    target.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))


def platform_entry(archive: Path, *, executable: str, releases: str, version: str) -> dict[str, object]:
    """krew's entry for one archive, by its name."""
    system, machine = archive.name.removesuffix(".tar.gz").split("-")[-2:]
    return {
        "selector": {"matchLabels": {"os": system, "arch": machine}}, "uri": f"{releases}/{version}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "bin": f"kubectl-rwx/{executable}{'.exe' if system == 'windows' else ''}",
    }


def main() -> int:
    releases, homepage = os.environ.get("RELEASES_URL"), os.environ.get("HOMEPAGE_URL")
    version = read_version()
    target = DIST / f"kubectl-rwx-{version}-{platform.system().lower()}-{MACHINES[platform.machine()]}.tar.gz"
    pack(target)
    print(f"{target.relative_to(ROOT)}  sha256:{hashlib.sha256(target.read_bytes()).hexdigest()}")
    if not (releases and homepage):
        print("no krew manifests: set RELEASES_URL (where archives are published) and HOMEPAGE_URL", file=sys.stderr)
        return 0
    archives = sorted(DIST.glob(f"kubectl-rwx-{version}-*.tar.gz"))
    for name, executable in EXECUTABLES.items():
        manifest = yaml.safe_load((ROOT / "krew" / "plugins" / f"{name}.yaml").read_text())
        manifest["spec"].update(version=version, homepage=homepage, platforms=[
            platform_entry(archive, executable=executable, releases=releases, version=version) for archive in archives])
        finished = DIST / "krew" / "plugins" / f"{name}.yaml"
        finished.parent.mkdir(parents=True, exist_ok=True)
        finished.write_text(yaml.safe_dump(manifest, sort_keys=False))
        print(finished.relative_to(ROOT))
    return 0


sys.exit(main())
