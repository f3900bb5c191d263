"""Writes the krew manifests of a release, from krew/templates/ and the archives in dist/, to dist/krew/plugins/.

RELEASES_URL says where the archives will be downloaded from, HOMEPAGE_URL where the project lives. All five platforms
must be there, made each on its own system; with --partial those that are there will do. dist/krew/ is then the root of
a krew index.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import yaml
from archive import DIST, ROOT, archive_name, read_version

PLATFORMS = ("darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "windows-amd64")
EXECUTABLES = {"rwx": "kubectl-rwx", "gsb": "oc-gsb"}
TEMPLATES = ROOT / "krew" / "templates"


def platform_entry(archive: Path, target: str, *, executable: str, releases: str, version: str) -> dict[str, object]:
    """krew's entry for one archive. Everything in it is installed: the executables need their _internal beside them."""
    system, machine = target.split("-")
    return {
        "selector": {"matchLabels": {"os": system, "arch": machine}},
        "uri": f"{releases.rstrip('/')}/{version}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "files": [{"from": "*", "to": "."}],
        "bin": f"kubectl-rwx/{executable}{'.exe' if system == 'windows' else ''}",
    }


def manifest(name: str, archives: dict[str, Path], *, releases: str, homepage: str, version: str) -> dict[str, object]:
    """The finished manifest of one plugin. archives: by platform."""
    finished: dict[str, object] = yaml.safe_load((TEMPLATES / f"{name}.yaml").read_text())
    platforms = [platform_entry(archive, target, executable=EXECUTABLES[name], releases=releases, version=version)
                 for target, archive in sorted(archives.items())]
    finished["spec"].update(version=version, homepage=homepage, platforms=platforms)  # type: ignore[attr-defined]
    return finished


def main() -> int:
    releases, homepage = os.environ.get("RELEASES_URL"), os.environ.get("HOMEPAGE_URL")
    if not (releases and homepage):
        print("set RELEASES_URL (where archives are published) and HOMEPAGE_URL", file=sys.stderr)
        return 2
    version = read_version()
    named = {target: DIST / archive_name(version, target) for target in PLATFORMS}
    there = {target: path for target, path in named.items() if path.is_file()}
    missing = [path.name for target, path in named.items() if target not in there]
    if missing:
        print(f"not in dist/: {', '.join(missing)}", file=sys.stderr)
        if not there or "--partial" not in sys.argv:
            return 1
    for name in EXECUTABLES:
        path = DIST / "krew" / "plugins" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        finished = manifest(name, there, releases=releases, homepage=homepage, version=version)
        path.write_text(yaml.safe_dump(finished, sort_keys=False, width=1000))
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
