"""The scripts run here in a folder, by this machine's sh; the comparisons are about what they print."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from kubectl_rwx.readiness.verification import scripts
from kubectl_rwx.readiness.verification.comparisons import compare_attributes, compare_content, judge_leaks, summarize
from kubectl_rwx.readiness.verification.scripts import Entry, Tree, read_note, read_tree
from plugin_core.model.checks import Check, Verdict

TREE: Tree = {
    ".": Entry("d", "1:2", "755", "981173106"),
    "./documents": Entry("d", "1:2", "755", "981173106"),
    "./documents/a b": Entry("f", "1:2", "644", "981173106", digest="d1"),
    "./private": Entry("f", "1:2", "600", "981173106", digest="d2"),
    "./empty": Entry("d", "1:2", "750", "981173106"),
    "./link": Entry("l", target="documents/a b"),
}


def without(*paths: str) -> Tree:
    return {path: entry for path, entry in TREE.items() if path not in paths}


def changed(**fields: str) -> Tree:
    return {path: replace(entry, **fields) if entry.kind != "l" else entry for path, entry in TREE.items()}


def run(script: str, folder: Path, *arguments: str) -> str:
    moved = script.replace("/data", str(folder))
    return subprocess.run(["sh", "-c", moved, "sh", *arguments], check=True, capture_output=True, text=True).stdout


def test_the_scripts_write_change_and_show_a_tree(tmp_path: Path) -> None:
    before = read_tree(run(scripts.WRITE, tmp_path, "run-1"))
    assert len(before) == 13
    assert before["./with blanks/a file"].mode == "644" and before["./private"].mode == "600"
    assert before["./link"].target == "documents/text" and before["./dangling"].target == "nowhere"
    assert {entry.time for entry in before.values() if entry.kind != "l"} == {before["."].time}
    assert len(before["./documents/numbers"].digest) == 64

    run(scripts.READ_AND_NOTE, tmp_path, "note", "hello")
    assert read_note(run(scripts.SHOW, tmp_path, "note")) == "hello" and read_note("") == ""
    assert run(scripts.SHOW, tmp_path, "absent") == "note \n"
    later = read_tree(run(scripts.CHANGE, tmp_path, "other"))
    check = compare_content(before, later)
    assert check.verdict is Verdict.FAIL
    assert check.observed == ("of 7 files: 1 missing, e.g. ./documents/numbers; 1 differing, e.g. ./documents/text; "
                              "1 added, e.g. ./later")
    marked = run(scripts.LIST_AND_MARK, tmp_path, "mark", "run-1")
    assert "cannot write" not in marked and read_tree(marked) == later
    assert run(scripts.SEES, tmp_path, "mark", "absent") == "sees mark\n"
    seen = run(scripts.SEES_AND_LISTS, tmp_path, "mark", "note")
    assert seen.startswith("sees mark\nsees note\n") and read_tree(seen) == later


def test_an_empty_copy_is_no_error_of_the_script(tmp_path: Path) -> None:
    (tmp_path / "rwx-verify").mkdir()
    assert read_tree(run(scripts.LIST_AND_MARK, tmp_path, "mark", "run-1")) == {}
    assert run(scripts.SEES_AND_LISTS, tmp_path, "mark") == "sees mark\n"


def test_a_source_that_could_not_be_listed_proves_nothing() -> None:
    assert compare_content({}, {}).verdict is compare_content({}, TREE).verdict is Verdict.FAIL


@pytest.mark.parametrize(("found", "verdict", "words"), [
    (TREE, Verdict.OK, "2 files, all with the same sha256"),
    ({}, Verdict.FAIL, "it is empty: 0 of 2 files"),
    (without("./private"), Verdict.FAIL, "of 2 files: 1 missing, e.g. ./private"),
    ({**TREE, "./private": Entry("f", digest="new")}, Verdict.FAIL, "it shows the source as it was changed"),
])
def test_content(found: Tree, verdict: Verdict, words: str) -> None:
    later = {**TREE, "./private": Entry("f", digest="new")}
    check = compare_content(TREE, found, later=later)
    assert check.verdict is verdict and check.observed.startswith(words)


@pytest.mark.parametrize(("found", "verdicts", "words"), [
    (TREE, {}, ""),
    (changed(owner="0:0"), {"ownership": Verdict.WARN}, "e.g. ./documents/a b: 1:2 became 0:0"),
    (changed(mode="777"), {"mode": Verdict.WARN}, "644 became 777"),
    (changed(time="1800000000"), {"mtime": Verdict.WARN}, "2001-02-03T04:05:06Z became 2027-01-15T08:00:00Z"),
    (without("./link"), {"symlinks": Verdict.FAIL}, "0 of 1 are as they were"),
    (without("./empty"), {"empty directories": Verdict.FAIL}, "0 of 1"),
    ({".": TREE["."]}, {"ownership": Verdict.SKIP, "mode": Verdict.SKIP, "mtime": Verdict.SKIP,
                        "symlinks": Verdict.FAIL, "empty directories": Verdict.FAIL}, "nothing is there to compare"),
], ids=["all", "ownership", "mode", "mtime", "links", "empty", "nothing"])
def test_attributes(found: Tree, verdicts: dict[str, Verdict], words: str) -> None:
    checks = compare_attributes(TREE, found)
    assert {check.name: check.verdict for check in checks if check.verdict is not Verdict.OK} == verdicts
    assert words in "; ".join(check.observed for check in checks)


@pytest.mark.parametrize(("to_source", "to_copy", "wrote", "verdict"), [
    (False, False, True, Verdict.OK), (True, False, True, Verdict.FAIL), (False, True, True, Verdict.FAIL),
    (False, False, False, Verdict.WARN), (False, True, False, Verdict.FAIL),
])
def test_leaks(to_source: bool, to_copy: bool, wrote: bool, verdict: Verdict) -> None:
    assert judge_leaks("x", to_source=to_source, to_copy=to_copy, wrote=wrote).verdict is verdict


def test_a_summary_has_the_worst_verdict_and_its_words() -> None:
    checks = [Check("a", Verdict.OK, "fine"), Check("b", Verdict.WARN, "lost", "look"), Check("c", Verdict.SKIP, "no")]
    assert summarize(checks, name="x") == Check("x", Verdict.WARN, "b: lost", "look")
