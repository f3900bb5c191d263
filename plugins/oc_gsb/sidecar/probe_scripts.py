"""The scripts that proofs.py runs in a sidecar, and what their answers mean. Pure.

They need what Kasten's image and busybox both have: bash, id, stat, cat, mkdir, rm; find is asked for. $1 is a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHOW = "stat -c 'file %u %a %Y %n'"

PREPARE = f"""set -e; umask 077; mkdir "$1"; me=$(id -u)
if [ "$me" = 0 ]; then
  cp /etc/hosts "$1/source"; chown 65534 "$1/source"; set -- "$1/source"
else
  set -- /etc/hosts /etc/passwd /etc/group /etc/hostname /etc/resolv.conf
fi
for file; do
  if [ -f "$file" ] && [ ! -L "$file" ] && [ -s "$file" ] && [ -r "$file" ] && [ "$(stat -c %u "$file")" != "$me" ]
  then {_SHOW} "$file"; exit; fi
done"""
"""Makes the folder $1 and shows a readable file of another user; nothing when there is none."""

LOOK = f"""set -e; {_SHOW} "$1"; if cat "$1" > /dev/null 2>&1; then echo readable; else echo closed; fi"""
"""Shows the file $1 and whether a plain process can read it."""

FIND_CLOSED = f"""command -v find > /dev/null || {{ echo "the image has no find"; exit; }}
me=$(id -u); folder=; limit=; if command -v timeout > /dev/null; then limit="timeout 10"; fi
$limit find "$1" -xdev -maxdepth 8 ! -user "$me" '(' -type d -o -type f -size +0 -size -2048 ')' 2> /dev/null | {{
while IFS= read -r path; do
  if [ -d "$path" ]; then [ -r "$path" ] && [ -x "$path" ] || folder=$path
  elif [ -f "$path" ] && [ ! -r "$path" ]; then {_SHOW} "$path" && exit; fi
done
echo "no file below 1 MiB that is closed to user $me was found on it"
if [ -n "$folder" ]; then echo "; $folder is closed to it and cannot be listed"; fi; }} | tr -d '\\n'"""
"""Shows one small file below $1 that the user cannot read, else a sentence. Looks for 10 s at most, 8 folders deep."""

CLEAN = 'rm -rf "$1"'


@dataclass(frozen=True)
class FoundFile:
    """owner: user number. mode: permission bits. time: of its content, in whole seconds."""

    path: str
    owner: int
    mode: int
    time: int

    @property
    def closed_to_others(self) -> bool:
        return not self.mode & 0o077


def parse_found(text: str) -> FoundFile | None:
    """The file that a script showed on its first line; None when it showed none."""
    match = re.match(r"file (\d+) ([0-7]+) (\d+) (.+)", text)
    return FoundFile(match[4], int(match[1]), int(match[2], 8), int(match[3])) if match else None
