"""Upstream's release of the snapshot API, fetched as Go modules and checked against their published checksums.

A module of a version never changes, and its checksum is known before it is fetched (sum.golang.org), so it does not
matter which proxy hands it out. The checksum, "h1", is that of golang.org/x/mod sumdb/dirhash: SHA-256 over the sorted
lines "SHA-256 of the file, two blanks, its name".
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import ssl
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.kube.authorities import authorities_to_name
from plugin_core.model.durations import Deadline

PROXY = "https://proxy.golang.org"
LARGEST = 64 * 1024 * 1024
"""Bytes; the archives have half a megabyte."""

AIR_GAP = (
    "where there is no way to it: --manifests DIR with client/config/crd and deploy/kubernetes/snapshot-controller of "
    "the release (github.com/kubernetes-csi/external-snapshotter), and --registry or --controller-image"
)


@dataclass(frozen=True)
class Module:
    """One Go module of a release. checksum: its h1. folder: where in it the manifests lie."""

    path: str
    version: str
    checksum: str
    folder: str

    def address(self, proxy: str) -> str:
        return f"{proxy}/{self.path}/@v/{self.version}.zip"


def fetch_folder(module: Module, *, proxy: str, deadline: Deadline) -> dict[str, str]:
    """The files of the module's folder, by name. Raises PluginError with the address and the way without a network."""
    address = module.address(_checked(proxy))
    content = _download(address, deadline)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = checksum_of(archive)
            if found != module.checksum:
                raise errors.PluginError(
                    f"{address} is not what was published: its checksum is {found}, not {module.checksum}",
                    hint=f"do not use it; {AIR_GAP}",
                )
            below = f"{module.path}@{module.version}/{module.folder}/"
            names = [name for name in archive.namelist() if name.startswith(below) and name.endswith(".yaml")]
            return {name.removeprefix(below): archive.read(name).decode() for name in names}
    except zipfile.BadZipFile as error:
        raise errors.PluginError(f"{address} is no archive: {error}", hint=AIR_GAP) from error


def checksum_of(archive: zipfile.ZipFile) -> str:
    """The h1 of a module's zip file."""
    lines = [f"{hashlib.sha256(archive.read(name)).hexdigest()}  {name}\n" for name in sorted(archive.namelist())]
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()


def _checked(proxy: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", proxy):
        raise errors.UsageError(f'"{proxy}" is no address of a Go module proxy', hint=f"for example {PROXY}")
    return proxy.rstrip("/")


def _download(address: str, deadline: Deadline) -> bytes:
    trust = ssl.create_default_context(cafile=authorities_to_name())
    try:
        with urllib.request.urlopen(address, timeout=max(1.0, min(60.0, deadline.left)), context=trust) as answer:
            content: bytes = answer.read(LARGEST)
            return content
    except (OSError, urllib.error.URLError) as error:
        said = getattr(error, "reason", None) or error
        raise errors.PluginError(f"cannot fetch {address}: {said}", hint=AIR_GAP) from error
