"""Writes docs/drivers.md from the drivers catalogue; with --check, says that the page is out of date instead."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "drivers.md"
sys.path.insert(0, str(ROOT / "plugins"))

INTRODUCTION = """# Storage drivers: what is known of them

Written by `python build/drivers_page.py` from `plugins/plugin_core/storage/drivers.yaml`. This is knowledge, not
proof: what a class can do depends on versions, licences and the storage behind it. `kubectl rwx check` therefore says
"(not proven)" beside everything taken from here, and `kubectl rwx verify CLASS` proves it. The first entry that fits a
class counts. RWX means a shared filesystem; raw block devices do not count. An entry without a source counts as
unknown.
"""


def page() -> str:
    """The whole page."""
    from plugin_core.model.quantities import format_quantity
    from plugin_core.storage.drivers import read_catalogue

    lines = [INTRODUCTION, "| driver | provisioner | RWX | snapshots | clones | point in time | to know |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    sources = []
    for entry in read_catalogue():
        conditions = "".join(
            f"<br>`{key}: {' or '.join(patterns)}`" for key, patterns in entry.parameters.items()
        )
        smallest = [f"at least {format_quantity(entry.minimum_size)}"] if entry.minimum_size else []
        to_know = "; ".join([*([entry.depends] if entry.depends else []), *entry.caveats, *smallest])
        abilities = (entry.rwx_filesystem, entry.snapshots, entry.clones, entry.point_in_time)
        cells = [
            entry.name + ("" if entry.csi else " (not CSI)"),
            "<br>".join(f"`{name}`" for name in entry.provisioners) + conditions,
            *(ability.value for ability in abilities), to_know,
        ]
        lines.append("| " + " | ".join(cells) + " |")
        sources.append(f"- {entry.name}: {entry.source}")
    return "\n".join([*lines, "", "## Sources", "", *sources]) + "\n"


def main() -> int:
    text = page()
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in sys.argv:
        print(f"out of date, run python build/drivers_page.py: {PAGE.relative_to(ROOT)}", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
