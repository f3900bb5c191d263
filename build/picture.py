"""Writes docs/assets/terminal.svg: a real run on the sandbox, drawn as a terminal. Nothing in it is made up or fetched.

The command runs through kubectl as a user's would, on a StorageClass made for it and deleted again, because `verify`
leaves its verdict on the class.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "assets" / "terminal.svg"
CLASS, LIKE = "team-files", "shared"
COMMAND = f"kubectl rwx verify {CLASS} -q"
IMAGE = {"KUBECTL_RWX_IMAGE": "sandbox.local/tools:1"}


def run(*command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """With the plugins of this work tree first on the path, so that kubectl finds these."""
    environment = {**os.environ, **IMAGE, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, input=given, env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)


def draw(output: str) -> str:
    """The SVG of prompt and output; wide enough for the longest line, without the web font that rich would name."""
    lines = [line.rstrip() for line in output.splitlines()]
    width = max(map(len, (COMMAND, *lines))) + 4
    console = Console(record=True, width=width, file=io.StringIO(), color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (COMMAND, "bold")))
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=True)
    console.print()
    template = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title="kubectl rwx verify", theme=MONOKAI, code_format=template, unique_id="terminal")


def main() -> int:
    read = run("kubectl", "get", "storageclass", LIKE, "-o", "json")
    if read.returncode:
        print(f"cannot read StorageClass {LIKE}: {read.stdout.strip()}\n  try: make sandbox-up, then make picture",
              file=sys.stderr)
        return 1
    made = {**json.loads(read.stdout), "metadata": {"name": CLASS}}
    created = run("kubectl", "create", "-f", "-", given=json.dumps(made))
    if created.returncode:
        print(f"cannot make StorageClass {CLASS}: {created.stdout.strip()}", file=sys.stderr)
        return 1
    try:
        shown = run(*COMMAND.split())
    finally:
        run("kubectl", "delete", "storageclass", CLASS)
    if shown.returncode:
        print(f"not drawn, it failed with {shown.returncode}:\n{shown.stdout}", file=sys.stderr)
        return 1
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(shown.stdout), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
