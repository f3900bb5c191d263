"""What runs in the pods (sh and coreutils or busybox, nothing else), and how its output is read."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from plugin_core.workloads.helper_pods import MOUNT

TREE = f"{MOUNT}/rwx-verify/tree"
NOTES = f"{MOUNT}/rwx-verify/notes"
"""A folder of its own: the root of a volume may hold lost+found and the like. Notes lie outside what is compared."""

_FLUSH = f"sync -f {MOUNT} 2>/dev/null || sync"
"""Of this volume alone where sync knows -f: a plain one makes the node write out everybody's files."""

_LISTING = f"""cd {TREE}
find . ! -type l -exec stat -c '%f %u:%g %a %Y %n' {{}} +
find . -type f -exec sha256sum {{}} +
find . -type l | while IFS= read -r one; do echo "l $(readlink "$one") $one"; done
"""
LIST = f"set -eu\n{_LISTING}"
"""Prints every entry with owner, mode, time and content; the words of `read_tree`."""

WRITE = f"""set -eu
umask 022
mkdir -p {NOTES} {TREE}
cd {TREE}
mkdir documents 'with blanks'
echo "$1" > documents/text
: > documents/nothing
dd if=/dev/urandom of=documents/numbers bs=65536 count=2 2>/dev/null
echo "$1" > 'with blanks/a file'
echo 'exit 0' > program
chmod 755 program
umask 077
echo private > private
umask 222
echo fixed > fixed
umask 027
mkdir empty
ln -s documents/text link
ln -s nowhere dangling
find . -depth ! -type l -exec touch -t 200102030405.06 {{}} +
{_FLUSH}
{_LISTING}"""
"""$1: text of this run. Times lie in the past, so that a copy's own time cannot be taken for them."""

NOTE = f"""set -eu
echo "$2" > {NOTES}/"$1"
"""
"""Leaves a note for other pods: $1 its name, $2 its text."""

FLUSHED_NOTE = f"{NOTE}{_FLUSH}"
READ_AND_NOTE = f"{LIST}{NOTE}"

SHOW = f"""set -eu
echo "note $(cat {NOTES}/"$1" 2>/dev/null)"
"""
"""Shows another pod's note in a line of its own, empty when it is not there: the words of `read_note`."""

CHANGE = f"""set -eu
cd {TREE}
echo "$1" > documents/text
rm documents/numbers
echo "$1" > later
{_FLUSH}
{_LISTING}"""

_LIST_IF_THERE = f"""if [ -d {TREE} ]; then
{_LISTING}fi
"""

CANNOT_WRITE = "cannot write"
LIST_AND_MARK = f"""set -eu
{_LIST_IF_THERE}
if ! (mkdir -p {NOTES} && echo "$2" > {NOTES}/"$1") 2>/dev/null; then echo '{CANNOT_WRITE}'; fi
{_FLUSH}
"""
"""Lists a copy, which may be empty, then leaves a note in it, which nobody else may see."""

SEES = f"""set -eu
for one; do
  if [ -e {NOTES}/"$one" ]; then echo "sees $one"; fi
done
"""
"""Says which of these notes are there."""

SEES_AND_LISTS = f"{SEES}{_LIST_IF_THERE}"

FILESYSTEM_SIZE = f"df -kP {MOUNT} | while read -r device size rest; do echo \"$size\"; done"
"""Prints the size of the mounted filesystem in KiB, in its last line."""


@dataclass(frozen=True)
class Entry:
    """kind: d, f or l. For links only target is known, for directories no digest."""

    kind: str
    owner: str = ""
    mode: str = ""
    time: str = ""
    digest: str = ""
    target: str = ""


Tree = Mapping[str, Entry]
"""Entries by path, "." included."""


_ATTRIBUTES = re.compile(r"(?P<bits>[0-9a-f]+) (?P<owner>\d+:\d+) (?P<mode>\d+) (?P<time>\d+) (?P<path>\..*)")
_DIGEST = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<path>\./.*)")


def read_note(text: str) -> str:
    """The note that SHOW printed."""
    return next((line.removeprefix("note ") for line in text.splitlines() if line.startswith("note ")), "")


def read_tree(text: str) -> Tree:
    """The tree that LIST printed; other lines are passed over."""
    digests: dict[str, str] = {}
    entries: dict[str, Entry] = {}
    for line in text.splitlines():
        if found := _ATTRIBUTES.fullmatch(line):
            kind = "d" if stat.S_ISDIR(int(found["bits"], 16)) else "f"
            entries[found["path"]] = Entry(kind, found["owner"], found["mode"], found["time"])
        elif found := _DIGEST.fullmatch(line):
            digests[found["path"]] = found["digest"]
        elif line.startswith("l ") and " ./" in line:
            target, _, path = line.removeprefix("l ").partition(" ./")
            entries[f"./{path}"] = Entry(kind="l", target=target)
    return {
        path: Entry(entry.kind, entry.owner, entry.mode, entry.time, digests.get(path, ""), entry.target)
        for path, entry in entries.items()
    }
