"""Write container images as the tar archive that ``docker save`` writes and ``ctr images import`` reads."""

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

FILE_CAPABILITIES = "SCHILY.xattr.security.capability"
"""The PAX record in which a layer carries a file's capabilities."""


@dataclass(frozen=True)
class Image:
    """A tag, its layers from the bottom up, and how it runs."""

    tag: str
    layers: tuple[bytes, ...]
    command: tuple[str, ...]
    labels: dict[str, str] = field(default_factory=dict)

    def configuration(self) -> bytes:
        """The image's configuration; its hash is the image's id."""
        return json.dumps(
            {
                "architecture": machine_architecture(),
                "os": "linux",
                "config": {
                    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                    "Cmd": list(self.command),
                    "Labels": self.labels,
                    "WorkingDir": "/",
                },
                "rootfs": {
                    "type": "layers",
                    "diff_ids": [f"sha256:{_sha256(layer)}" for layer in self.layers],
                },
            }
        ).encode()


class Layer:
    """One layer being filled; owners are root, times are zero, so the same content is the same layer."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)

    def add_folder(self, path: str, mode: int = 0o755) -> None:
        self._tar.addfile(self._entry(path, mode, tarfile.DIRTYPE))

    def add_link(self, path: str, target: str) -> None:
        entry = self._entry(path, 0o777, tarfile.SYMTYPE)
        entry.linkname = target
        self._tar.addfile(entry)

    def add_file(self, path: str, content: bytes, mode: int = 0o644, *, capabilities: bytes = b"") -> None:
        entry = self._entry(path, mode, tarfile.REGTYPE)
        entry.size = len(content)
        if capabilities:
            entry.pax_headers = {FILE_CAPABILITIES: capabilities.decode()}
        self._tar.addfile(entry, io.BytesIO(content))

    def finished(self) -> bytes:
        self._tar.close()
        return self._buffer.getvalue()

    @staticmethod
    def _entry(path: str, mode: int, kind: bytes) -> tarfile.TarInfo:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.mode, entry.type = mode, kind
        return entry


def write_archive(path: Path, images: list[Image]) -> None:
    """Write all images into one archive; layers they share are in it once."""
    contents: dict[str, bytes] = {}
    manifest = []
    for image in images:
        configuration = image.configuration()
        layers = {f"{_sha256(layer)}/layer.tar": layer for layer in image.layers}
        contents |= {**layers, f"{_sha256(configuration)}.json": configuration}
        manifest.append(
            {"Config": f"{_sha256(configuration)}.json", "RepoTags": [image.tag], "Layers": list(layers)}
        )
    contents["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))


def file_capabilities(*bits: int) -> bytes:
    """What ``setcap …+iep`` writes for these capability numbers, all below 32: revision 2, effective."""
    mask = sum(1 << bit for bit in bits).to_bytes(4, "little")
    return b"\x01\x00\x00\x02" + mask + mask + bytes(8)


def machine_architecture() -> str:
    """This machine's architecture in Go's words."""
    import platform

    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
