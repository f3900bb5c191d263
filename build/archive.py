"""Packs dist/kubectl-rwx/ for this system into the archive of a release, and says how it compares with the last one.

The archive is dist/kubectl-rwx-vVERSION-OS-ARCH.tar.gz (.zip on Windows) with LICENSE and the frozen folder, no links,
and the same bytes whenever the content is the same: sorted names, fixed times and owners. Its checksum lies beside it
as .sha256. `--record` notes the sizes in build/release_sizes.json, for the next release to compare with.
"""

from __future__ import annotations

import configparser
import gzip
import hashlib
import io
import json
import platform
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
SIZES = ROOT / "build" / "release_sizes.json"
MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "ARM64": "arm64", "arm64": "arm64"}
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The first time a zip file can hold."""


def read_version() -> str:
    """The version in setup.cfg, with the leading v that krew wants."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    return f"v{settings['metadata']['version']}"


def this_platform() -> str:
    """As krew and Go write it: "linux-amd64"."""
    return f"{platform.system().lower()}-{MACHINES[platform.machine()]}"


def archive_name(version: str, target: str) -> str:
    """The file's name for a platform such as "darwin-arm64"; a stable one, for downloads are spelled by hand."""
    return f"kubectl-rwx-{version}-{target}{'.zip' if target.startswith('windows') else '.tar.gz'}"


def contents(dist: Path) -> Iterator[tuple[str, bytes, int]]:
    """Name, bytes and mode of every file, sorted; links become the files they point to, because krew refuses links."""
    frozen = {str(path.relative_to(dist).as_posix()): path for path in (dist / "kubectl-rwx").rglob("*")
              if path.is_file() and path.name != ".ready"}
    for name, path in sorted({"LICENSE": ROOT / "LICENSE", **frozen}.items()):
        yield name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644


def packed(files: list[tuple[str, bytes, int]], *, as_zip: bool) -> bytes:
    """The archive's bytes, of nothing but `files`."""
    buffer = io.BytesIO()
    if as_zip:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content, mode in files:
                entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
                entry.create_system, entry.external_attr = 3, (0o100000 | mode) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content, mode in files:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def compared(target: str, sizes: dict[str, int], recorded: dict[str, object]) -> str:
    """How the sizes (archive, unpacked) stand to those of the last release, in a sentence."""
    shown = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in sizes.items())
    before = recorded.get("platforms", {}).get(target)  # type: ignore[attr-defined]
    if not before:
        return f"{shown}; no earlier release of {target} is recorded"
    changes = ", ".join(f"{name} {100 * (size / before[name] - 1):+.1f} %" for name, size in sizes.items())
    return f"{shown}; against {recorded['version']}: {changes}"


def main() -> int:
    version, target = read_version(), this_platform()
    files = list(contents(DIST))
    archive = DIST / archive_name(version, target)
    archive.write_bytes(packed(files, as_zip=archive.suffix == ".zip"))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n")
    sizes = {"archive": archive.stat().st_size, "unpacked": sum(len(content) for _, content, _ in files)}
    recorded = json.loads(SIZES.read_text())
    print(f"{archive.relative_to(ROOT)}  sha256:{digest}")
    print(compared(target, sizes, recorded))
    if "--record" in sys.argv:
        platforms = {**(recorded["platforms"] if recorded.get("version") == version else {}), target: sizes}
        SIZES.write_text(json.dumps({"version": version, "platforms": platforms}, indent=2, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
