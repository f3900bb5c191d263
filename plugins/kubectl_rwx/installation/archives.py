"""Upstream's release of the snapshot API, fetched as the source archives of its tags, its manifests checked.

A released manifest never changes, and its checksum is built in, so it does not matter which mirror hands the archive
out: SHA-256 over the sorted lines "SHA-256 of the file, two blanks, its name" of the manifests alone, since an archive
may be packed anew with other bytes.
"""

from __future__ import annotations

import hashlib
import io
import re
import ssl
import tarfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.kube.authorities import authorities_to_name
from plugin_core.model.durations import Deadline

REPOSITORY = "https://github.com/kubernetes-csi/external-snapshotter"
LARGEST = 256 * 1024 * 1024
"""Bytes of an archive; upstream's have a few million."""

AIR_GAP = (
    "where there is no way to it: --manifests DIR with client/config/crd and deploy/kubernetes/snapshot-controller of "
    f"the release ({REPOSITORY}), and --registry or --controller-image"
)


@dataclass(frozen=True)
class Archive:
    """The source archive of one tag. folder: where in it the manifests lie. checksum: theirs, see above."""

    tag: str
    folder: str
    checksum: str

    def address(self, repository: str) -> str:
        return f"{repository.rstrip('/')}/archive/refs/tags/{self.tag}.tar.gz"


def fetch_folder(archive: Archive, *, repository: str, deadline: Deadline) -> dict[str, str]:
    """The manifests of the archive's folder, by name.

    Raises PluginError with the address, what came instead, and the way without a network.
    """
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", repository):
        raise errors.UsageError(f'"{repository}" is no address of a repository', hint=f"for example {REPOSITORY}")
    address = archive.address(repository)
    content = _download(address, deadline)
    try:
        files = _manifests(content, archive.folder)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise errors.PluginError(f"{address} is no archive: {error}", hint=AIR_GAP) from error
    found = checksum_of(files)
    if found != archive.checksum:
        raise errors.PluginError(
            f"{address} is not what was released: its {archive.folder} has checksum {found}, not {archive.checksum}",
            hint=f"do not use it; {AIR_GAP}",
        )
    return {name: text.decode() for name, text in files.items()}


def checksum_of(files: Mapping[str, bytes]) -> str:
    """Of manifests by name; the same for the same files in any order."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())]
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def _manifests(content: bytes, folder: str) -> dict[str, bytes]:
    """Read from memory, never unpacked to disk. The archive's own top folder is named after the tag."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as opened:
        for member in opened:
            name = member.name.partition("/")[2].removeprefix(f"{folder}/")
            if member.isfile() and f"/{folder}/{name}" in f"/{member.name}" and re.fullmatch(r"[^/]+\.yaml", name):
                reader = opened.extractfile(member)
                files[name] = reader.read() if reader else b""
    return files


def _download(address: str, deadline: Deadline) -> bytes:
    trust = ssl.create_default_context(cafile=authorities_to_name())
    try:
        with urllib.request.urlopen(address, timeout=max(1.0, min(60.0, deadline.left)), context=trust) as answer:
            content: bytes = answer.read(LARGEST)
            return content
    except (OSError, urllib.error.URLError) as error:
        said = getattr(error, "reason", None) or error
        raise errors.PluginError(f"cannot fetch {address}: {said}", hint=AIR_GAP) from error
