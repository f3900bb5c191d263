"""A tree compared with the one it should be: content, owner, mode, time, links, empty directories. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from kubectl_rwx.readiness.verification.scripts import Entry, Tree
from plugin_core.model.checks import Check, Verdict

CONTENT, OWNERSHIP, MODE, TIME = "content", "ownership", "mode", "mtime"
LINKS, EMPTY = "symlinks", "empty directories"

_ADVICE = {
    OWNERSHIP: "restored applications may not read their files; look for squashing (NFS root_squash, all_squash) or a "
               "copy that runs as another user",
    MODE: "private files may become readable, programs lose their x bit; look at the mount options of the class",
    TIME: "backups by time, make and rsync take every file for new; the driver's copy does not keep times",
}


def compare_content(expected: Tree, found: Tree, *, later: Tree | None = None) -> Check:
    """Every file there, with its content, and no others. later: the source as it was changed after the cut."""
    wanted, there = _files(expected), _files(found)
    if not wanted:
        return Check(CONTENT, Verdict.FAIL, "what was written could not be listed, so nothing can be compared",
                     "does the image have find, stat and sha256sum? see --image")
    if there == wanted:
        return Check(CONTENT, Verdict.OK, f"{len(wanted)} files, all with the same sha256")
    if not there:
        return Check(CONTENT, Verdict.FAIL, f"it is empty: 0 of {len(wanted)} files",
                     "the driver reports a volume made from a source and fills nothing in; data would be lost")
    if later is not None and there == _files(later):
        return Check(CONTENT, Verdict.FAIL, "it shows the source as it was changed after the snapshot",
                     "the snapshot is no copy of its moment: source and restore share their data, or it was cut late")
    missing = sorted(set(wanted) - set(there))
    added = sorted(set(there) - set(wanted))
    differing = sorted(path for path in set(wanted) & set(there) if wanted[path] != there[path])
    parts = [f"{len(paths)} {word}, e.g. {paths[0]}"
             for word, paths in (("missing", missing), ("differing", differing), ("added", added)) if paths]
    return Check(CONTENT, Verdict.FAIL, f"of {len(wanted)} files: {'; '.join(parts)}", "data would be lost or mixed")


def compare_attributes(expected: Tree, found: Tree) -> list[Check]:
    """Owner, mode, time, links and empty directories of what is in both trees; a loss is a warning, not a pass."""
    return [
        _compare(OWNERSHIP, expected, found, lambda entry: entry.owner),
        _compare(MODE, expected, found, lambda entry: entry.mode),
        _compare(TIME, expected, found, lambda entry: entry.time, show=_show_time),
        _compare_links(expected, found),
        _compare_empty(expected, found),
    ]


def summarize(checks: list[Check], *, name: str) -> Check:
    """One check for several: the worst verdict, with the words of those that have it."""
    order = [Verdict.OK, Verdict.SKIP, Verdict.WARN, Verdict.FAIL]
    worst = max((check.verdict for check in checks), key=order.index)
    if worst is Verdict.OK:
        return Check(name, worst, f"as they were: {', '.join(check.name for check in checks)}")
    telling = [check for check in checks if check.verdict is worst]
    return Check(name, worst, "; ".join(f"{check.name}: {check.observed}" for check in telling), telling[0].advice)


def judge_leaks(name: str, *, to_source: bool, to_copy: bool, wrote: bool) -> Check:
    """Whether source and copy are apart. wrote: the copy could be written to at all."""
    leaks = ["what is written to the copy appears in the source"] if to_source else []
    leaks += ["what is written to the source appears in the copy"] if to_copy else []
    if leaks:
        return Check(name, Verdict.FAIL, "; ".join(leaks),
                     "source and copy share their data: deleting or changing one destroys the other")
    if not wrote:
        return Check(name, Verdict.WARN, "it does not see later writes of the source; it cannot be written to itself",
                     "the user that wrote the source may not write to the copy; compare ownership and mode")
    return Check(name, Verdict.OK, "neither sees what the other wrote afterwards")


def _files(tree: Tree) -> dict[str, str]:
    return {path: entry.digest for path, entry in tree.items() if entry.kind == "f"}


def _compare(
    name: str, expected: Tree, found: Tree, value: Callable[[Entry], str], *,
    show: Callable[[str], str] = lambda text: text,
) -> Check:
    shared = [path for path, entry in expected.items()
              if entry.kind != "l" and path in found and found[path].kind == entry.kind]
    if len(shared) <= 1:
        return Check(name, Verdict.SKIP, "nothing is there to compare")
    lost = [path for path in shared if value(expected[path]) != value(found[path])]
    if not lost:
        return Check(name, Verdict.OK, f"as it was, on {len(shared)} entries")
    files_first = sorted(lost, key=lambda path: (expected[path].kind != "f", path))
    path = files_first[0]
    return Check(
        name, Verdict.WARN, f"lost on {len(lost)} of {len(shared)} entries, e.g. {path}: "
        f"{show(value(expected[path]))} became {show(value(found[path]))}", _ADVICE[name],
    )


def _compare_links(expected: Tree, found: Tree) -> Check:
    wanted = {path: entry.target for path, entry in expected.items() if entry.kind == "l"}
    there = {path: entry.target for path, entry in found.items() if entry.kind == "l"}
    if wanted == there:
        return Check(LINKS, Verdict.OK, f"{len(wanted)}, with the same targets")
    kept = sum(there.get(path) == target for path, target in wanted.items())
    return Check(
        LINKS, Verdict.FAIL, f"{kept} of {len(wanted)} are as they were", "applications that follow them break"
    )


def _compare_empty(expected: Tree, found: Tree) -> Check:
    wanted, there = _empty(expected), _empty(found)
    if wanted <= there:
        return Check(EMPTY, Verdict.OK, f"{len(wanted)} of {len(wanted)}")
    return Check(EMPTY, Verdict.FAIL, f"{len(wanted & there)} of {len(wanted)}: the copy drops empty directories",
                 "applications that expect their directories to be there do not start")


def _empty(tree: Tree) -> set[str]:
    parents = {path.rpartition("/")[0] for path in tree}
    return {path for path, entry in tree.items() if entry.kind == "d" and path not in parents}


def _show_time(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
