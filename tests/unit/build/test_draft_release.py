"""build/draft_release.py: what is not whole is not drafted; gh is asked for a draft of exactly these files."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import yaml

from unit.build.scripts import load

load("archive")
load("krew_manifests")
draft = load("draft_release")
VERSION = "v0.1.0"


def fill(dist: Path, targets: tuple[str, ...] = draft.PLATFORMS) -> None:
    digests = []
    for target in targets:
        archive = dist / draft.archive_name(VERSION, target)
        archive.write_bytes(target.encode())
        digests.append(hashlib.sha256(target.encode()).hexdigest())
        archive.with_name(f"{archive.name}.sha256").write_text(f"{digests[-1]}  {archive.name}\n")
        (dist / f"kubectl-rwx-{VERSION}-{target}.cdx.json").write_text("{}")
    (dist / "krew" / "plugins").mkdir(parents=True)
    spec = {"version": VERSION, "platforms": [{"sha256": digest} for digest in digests]}
    for name in draft.EXECUTABLES:
        (dist / "krew" / "plugins" / f"{name}.yaml").write_text(yaml.safe_dump({"spec": spec}))


def test_a_whole_release_has_five_archives_with_checksum_and_sbom_and_two_manifests(tmp_path: Path) -> None:
    fill(tmp_path)
    files, wrong = draft.release_files(tmp_path, VERSION, partial=False)
    assert wrong == [] and len(files) == 5 * 3 + 2 and all(file.is_file() for file in files)


@pytest.mark.parametrize(("name", "content", "words"), [
    ("kubectl-rwx-v0.1.0-linux-arm64.tar.gz", None, "kubectl-rwx-v0.1.0-linux-arm64.tar.gz is missing"),
    ("kubectl-rwx-v0.1.0-linux-amd64.tar.gz", "other bytes", "tar.gz.sha256 is missing, or not that of the archive"),
    ("kubectl-rwx-v0.1.0-windows-amd64.cdx.json", None, "kubectl-rwx-v0.1.0-windows-amd64.cdx.json is missing"),
    ("krew/plugins/gsb.yaml", None, "gsb.yaml is missing: make krew-manifests"),
    ("krew/plugins/rwx.yaml", "spec: {version: v0.1.0, platforms: []}", "rwx.yaml names other checksums"),
    ("krew/plugins/rwx.yaml", "spec: {version: v0.0.9, platforms: []}", "rwx.yaml is of v0.0.9, not of v0.1.0"),
])
def test_what_is_missing_or_wrong_is_named(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    fill(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    assert words in "\n".join(draft.release_files(tmp_path, VERSION, partial=False)[1])


def test_some_platforms_will_do_when_that_is_said_but_none_will_not(tmp_path: Path) -> None:
    fill(tmp_path, ("linux-amd64",))
    assert len(draft.release_files(tmp_path, VERSION, partial=False)[1]) == 4
    assert draft.release_files(tmp_path, VERSION, partial=True)[1] == []
    (tmp_path / "kubectl-rwx-v0.1.0-linux-amd64.tar.gz").unlink()
    assert any("no archive" in words for words in draft.release_files(tmp_path, VERSION, partial=True)[1])


def test_notes_are_the_changelogs_part_about_this_version() -> None:
    log = "# Changelog\n\n## 0.2.0 (unreleased)\n\n- new\n\n## 0.1.0 (2026-12-01)\n\n- first\n  line\n"
    assert draft.notes_of(log, "v0.1.0") == "- first\n  line"
    assert draft.notes_of(log, "v0.2.0") == "- new"
    assert draft.notes_of(log, "v0.3.0") == ""


def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str, tag: str = VERSION
) -> tuple[int, list[str]]:
    """main() with a `gh` that writes down what it was asked."""
    asked = tmp_path / "asked"
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {asked}\n')
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", str(gh.parent), prepend=":")
    monkeypatch.setenv("GITHUB_REF_NAME", tag)
    monkeypatch.setattr(draft, "DIST", tmp_path / "dist")
    monkeypatch.setattr(sys, "argv", ["draft_release.py", *arguments])
    return draft.main(), asked.read_text().splitlines() if asked.exists() else []


def test_gh_is_asked_for_a_draft_of_a_tag_that_exists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    fill(tmp_path / "dist")
    code, asked = run(monkeypatch, tmp_path)
    assert code == 0 and asked[:5] == ["release", "create", VERSION, "--draft", "--verify-tag"]
    assert sum(line.startswith(str(tmp_path / "dist")) for line in asked) == 17


def test_a_dry_run_asks_nobody_and_another_tag_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dist").mkdir()
    fill(tmp_path / "dist")
    assert run(monkeypatch, tmp_path, "--dry-run") == (0, [])
    assert capsys.readouterr().out.startswith("gh release create v0.1.0 --draft --verify-tag")
    monkeypatch.setenv("GITHUB_REF_NAME", "v9.9.9")
    assert draft.main() == 1
    assert "the tag is v9.9.9, but setup.cfg says v0.1.0" in capsys.readouterr().err
