"""The container images of the sandbox, made on the spot from this machine's busybox and bash.

sandbox.local/pause:1            what holds a pod's namespaces
sandbox.local/tools:1            busybox, bash
sandbox.local/kanister-tools:1   the same with a stand-in for kopia (kopia_standin.c); :2 to upgrade to
"""

import re
import subprocess
import tempfile
from pathlib import Path

from sandbox import cache, toolchain
from sandbox.errors import SandboxError
from sandbox.image_archives import Image, Layer, file_capabilities, write_archive

PAUSE = "sandbox.local/pause:1"
TOOLS = "sandbox.local/tools:1"
KANISTER_TOOLS = "sandbox.local/kanister-tools:1"
KANISTER_TOOLS_NEWER = "sandbox.local/kanister-tools:2"

_SOURCES = Path(__file__).parent
_BASH = Path("/bin/bash")
_CAP_CHOWN, _CAP_DAC_OVERRIDE, _CAP_FOWNER = 0, 1, 3
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"


def images_archive() -> Path:
    """One archive with every image, made when its ingredients have changed."""
    recipe = [path.read_bytes() for path in sorted(_SOURCES.glob("*.[cp]*")) if path.is_file()]
    recipe.append((_SOURCES.parent / "image_archives.py").read_bytes())
    programs = [path.read_bytes() for path in (toolchain.BUSYBOX, _BASH)]
    folder = cache.cache_root() / f"images-{cache.fingerprint(*recipe, *programs)}"
    return (
        cache.filled_folder(folder, lambda target: write_archive(target / "images.tar", _all_images()))
        / "images.tar"
    )


def _all_images() -> list[Image]:
    pause = Layer()
    pause.add_file("/pause", _compile("pause.c"), 0o755)
    tools = _tools_layer()
    kopia = Layer()
    kopia.add_file(
        "/usr/local/bin/kopia",
        _compile("kopia_standin.c"),
        0o755,
        capabilities=file_capabilities(_CAP_CHOWN, _CAP_DAC_OVERRIDE, _CAP_FOWNER),
    )
    layers = (tools, kopia.finished())
    return [
        Image(tag=PAUSE, layers=(pause.finished(),), command=("/pause",)),
        Image(tag=TOOLS, layers=(tools,), command=("/bin/sh",)),
        Image(tag=KANISTER_TOOLS, layers=layers, command=("/bin/sh",), labels={"stand-in": "1"}),
        Image(tag=KANISTER_TOOLS_NEWER, layers=layers, command=("/bin/sh",), labels={"stand-in": "2"}),
    ]


def _tools_layer() -> bytes:
    layer = Layer()
    for folder in (
        "bin",
        "etc",
        "root",
        "usr",
        "usr/bin",
        "usr/local",
        "usr/local/bin",
        "var",
        "proc",
        "sys",
        "dev",
    ):
        layer.add_folder(folder)
    layer.add_folder("tmp", 0o1777)
    layer.add_file("/etc/passwd", _USERS.encode())
    layer.add_file("/etc/group", _GROUPS.encode())
    layer.add_file("/bin/busybox", toolchain.BUSYBOX.read_bytes(), 0o755)
    for applet in _run([str(toolchain.BUSYBOX), "--list"]).split():
        if applet != "busybox":
            layer.add_link(f"/bin/{applet}", "busybox")
    layer.add_link("/usr/bin/env", "/bin/busybox")
    layer.add_file("/bin/bash", _BASH.read_bytes(), 0o755)
    libraries = sorted(set(re.findall(r"(/\S+) \(0x", _run(["ldd", str(_BASH)]))))
    for folder in sorted({str(parent) for library in libraries for parent in Path(library).parents} - {"/"}):
        layer.add_folder(folder)
    for library in libraries:
        layer.add_file(library, Path(library).read_bytes(), 0o755)
    return layer.finished()


def _compile(source: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program"
        _run(
            [
                "gcc",
                "-O2",
                "-s",
                "-static",
                "-Wall",
                "-D_GNU_SOURCE",
                "-o",
                str(program),
                str(_SOURCES / source),
            ]
        )
        return program.read_bytes()


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SandboxError(f"{' '.join(command)} failed: {done.stderr.strip()[-800:]}")
    return done.stdout
