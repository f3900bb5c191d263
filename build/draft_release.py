"""Makes a draft release on GitHub of what lies in dist/: archives, checksums, SBOMs, krew manifests.

Everything is checked first: five archives of this version, each with its checksum, which must be right, and its SBOM;
both manifests, which must name these checksums; the tag in GITHUB_REF_NAME, when it is set. --dry-run stops there and
prints the command; --partial takes the platforms that are there. `gh` does the rest, with GH_TOKEN.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from archive import DIST, ROOT, archive_name, read_version
from krew_manifests import EXECUTABLES, PLATFORMS


def release_files(dist: Path, version: str, *, partial: bool) -> tuple[list[Path], list[str]]:
    """The files of the release, in order, and everything that is wrong with them."""
    files: list[Path] = []
    wrong: list[str] = []
    digests: set[str] = set()
    for target in PLATFORMS:
        archive = dist / archive_name(version, target)
        if not archive.is_file():
            wrong += [] if partial else [f"{archive.name} is missing"]
            continue
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        digests.add(digest)
        checksum = archive.with_name(f"{archive.name}.sha256")
        sbom = archive.with_name(f"{archive.name.removesuffix('.tar.gz').removesuffix('.zip')}.cdx.json")
        if not checksum.is_file() or checksum.read_text().split()[0] != digest:
            wrong.append(f"{checksum.name} is missing, or not that of the archive")
        if not sbom.is_file():
            wrong.append(f"{sbom.name} is missing")
        files += [archive, checksum, sbom]
    if not files:
        wrong.append(f"there is no archive of {version} in {dist}")
    for name in EXECUTABLES:
        manifest = dist / "krew" / "plugins" / f"{name}.yaml"
        files.append(manifest)
        wrong += list(manifest_problems(manifest, version, digests))
    return files, wrong


def manifest_problems(path: Path, version: str, digests: set[str]) -> Iterator[str]:
    """What keeps a krew manifest from being the one of these archives."""
    if not path.is_file():
        yield f"{path.name} is missing: make krew-manifests"
        return
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
    if spec["version"] != version:
        yield f"{path.name} is of {spec['version']}, not of {version}"
    if {one["sha256"] for one in spec["platforms"]} != digests:
        yield f"{path.name} names other checksums than those of the archives"


def notes_of(changelog: str, version: str) -> str:
    """The section of CHANGELOG.md about this version; "" when there is none."""
    found = re.search(rf"^## {re.escape(version.removeprefix('v'))}\b[^\n]*\n(.*?)(?=^## |\Z)", changelog,
                      flags=re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def main() -> int:
    version = read_version()
    files, wrong = release_files(DIST, version, partial="--partial" in sys.argv)
    tag = os.environ.get("GITHUB_REF_NAME", version)
    if tag != version:
        wrong.append(f"the tag is {tag}, but setup.cfg says {version}")
    notes = notes_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if not notes:
        wrong.append(f"CHANGELOG.md has nothing about {version}")
    if wrong:
        print("no release was drafted:\n  " + "\n  ".join(wrong), file=sys.stderr)
        return 1
    command = ["gh", "release", "create", version, "--draft", "--verify-tag", "--title", version, "--notes", notes,
               *map(str, files)]
    if "--dry-run" in sys.argv:
        print(shlex.join([*command[:8], "--notes", "…", *(path.name for path in files)]))
        return 0
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
