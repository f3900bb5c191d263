""".github/workflows cannot run here; that they only call our make targets, with few rights, can be known without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from unit.build.scripts import ROOT, load

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
BEFORE_MAKE = "dnf install -y make findutils binutils python3.11"
"""The one step that is no target: a bare container has no make."""


def workflow(path: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FILES:
        for name, job in workflow(path)["jobs"].items():
            yield f"{path.stem}/{name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        for step in job.get("steps", ()):
            yield name, step


def test_there_are_two() -> None:
    assert [path.name for path in FILES] == ["ci.yml", "release.yml"]


def test_each_run_is_one_of_our_targets() -> None:
    ran = [step["run"] for _, step in steps() if "run" in step]
    assert len(ran) >= 8
    for command in set(ran) - {BEFORE_MAKE}:
        match = re.fullmatch(r'(?:sudo env "PATH=\$PATH" )?make ([a-z-]+)(?: [A-Z]+=[\w.]+)*', command)
        assert match, f"no call of a make target: {command}"
        assert match[1] in TARGETS, f"there is no make target {match[1]}"


def test_each_action_is_pinned_to_a_commit_and_says_which_version_that_is() -> None:
    for path in FILES:
        used = re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8"))
        assert used
        for action, comment in used:
            assert action.startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert action.startswith("./") or re.fullmatch(r" # v\d+\.\d+\.\d+", comment), f"{action}: which version?"


def test_one_action_has_one_version_everywhere() -> None:
    used = {step["uses"] for _, step in steps() if "uses" in step}
    assert len({action.partition("@")[0] for action in used}) == len(used)


def test_container_images_are_pinned_by_digest() -> None:
    images = [job["container"] for _, job in jobs() if "container" in job]
    assert images and all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in images)


def test_nothing_may_write_but_the_draft_and_no_checkout_keeps_a_token() -> None:
    for path in FILES:
        assert workflow(path)["permissions"] == {"contents": "read"}
    assert [(name, job["permissions"]) for name, job in jobs() if "permissions" in job] == [
        ("release/draft", {"contents": "write"})]
    for name, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, name
    assert "secrets." not in "".join(path.read_text(encoding="utf-8") for path in FILES)


def test_each_job_ends_some_time() -> None:
    assert all("timeout-minutes" in job or "uses" in job for _, job in jobs())


def test_all_platforms_that_krew_manifests_want_are_frozen_and_uploaded() -> None:
    release = workflow(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    load("archive")
    frozen = {f"linux-{one['machine']}" for one in release["linux"]["strategy"]["matrix"]["include"]}
    frozen |= {one["platform"] for one in release["others"]["strategy"]["matrix"]["include"]}
    assert frozen == set(load("krew_manifests").PLATFORMS)
    assert set(release["draft"]["needs"]) == {"test", "linux", "others"}
    for job in ("linux", "others"):
        ran = [step["run"].split()[:2] for step in release[job]["steps"] if step.get("run", "").startswith("make")]
        assert ran == [["make", "archive"], ["make", "sbom"]]


def test_ci_runs_what_the_readme_calls_all_tests() -> None:
    ran = [step.get("run", "") for name, step in steps() if name == "ci/test"]
    assert any(command.endswith("make test") for command in ran)
    assert "\nmake test " in (ROOT / "README.md").read_text(encoding="utf-8")
