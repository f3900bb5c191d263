"""Says which glibc the frozen folder needs, file by file that asks for most; `make archive` prints it on Linux.

A program runs where glibc is at least as new as the newest symbol version that any of its libraries asks for.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FROZEN = Path(__file__).resolve().parents[1] / "dist" / "kubectl-rwx"


def needed(path: Path) -> tuple[int, ...]:
    """The newest GLIBC_x.y among a file's dynamic symbols; () when it asks for none or is no ELF file."""
    shown = subprocess.run(["objdump", "-T", str(path)], capture_output=True, text=True).stdout
    found = re.findall(r"GLIBC_(\d+(?:\.\d+)+)", shown)
    return max((tuple(int(part) for part in version.split(".")) for version in found), default=())


def main() -> int:
    versions = {path.name: needed(path) for path in FROZEN.rglob("*") if path.is_file()}
    most = max(versions.values(), default=())
    asking = sorted(name for name, version in versions.items() if version and version == most)
    print(f"needs glibc {'.'.join(map(str, most))} ({', '.join(asking[:3])})" if most else "needs no glibc")
    return 0


if __name__ == "__main__":
    sys.exit(main())
