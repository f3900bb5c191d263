"""The verdicts of a backup and restore in a sidecar, against one in memory whose kernel can refuse."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fakes.sidecars import Sidecar
from oc_gsb.sidecar.containers import SidecarMount
from oc_gsb.sidecar.probe_scripts import CLEAN, FIND_CLOSED, LOOK, PREPARE, FoundFile, parse_found
from oc_gsb.sidecar.proofs import prove_files
from plugin_core import errors
from plugin_core.kube.cluster import ExecResult
from plugin_core.model.checks import Check, Verdict

CLAIM = SidecarMount("data", "/data/data")


def prove(sidecar: Sidecar, *, starts: bool = True) -> dict[str, Check]:
    return {check.name: check for check in prove_files(sidecar, claims=[CLAIM], starts=starts)}


def verdicts(checks: dict[str, Check]) -> tuple[str, ...]:
    return tuple(checks[name].verdict.value for name in ("chown-on-scratch", "read-closed-file", "read data"))


def test_a_good_sidecar_proves_all_three_and_leaves_nothing() -> None:
    sidecar = Sidecar()
    checks = prove(sidecar)
    assert verdicts(checks) == ("ok", "ok", "ok") and len(checks) == 3
    assert checks["read-closed-file"].observed == "kopia read a 0600 file of user 0; a plain process cannot"
    assert checks["read data"].observed == (
        "kopia read /data/data/pg/secret (0600, user 70), which a plain process cannot open")
    (folder,) = sidecar.cleaned
    assert folder.startswith("/tmp/kopia-repository/oc-gsb-verify-")
    assert all(word[0] == "kopia" or word[:2] == ("bash", "-c") for word in sidecar.seen), "kopia is started directly"


@pytest.mark.parametrize("changes, expected, words", [
    ({"owns": False}, ("fail", "warn", "ok"), "restored a file of user 0 as user 1000680000"),
    ({"keeps_time": False}, ("fail", "ok", "ok"), "could then not set its time"),
    ({"reads": False, "reads_claim": False}, ("ok", "fail", "fail"), "exit code 1: open: permission denied"),
    ({"reads_claim": False}, ("ok", "ok", "fail"), "/data/data/pg/secret (0600, user 70)"),
    ({"plain_reads": True}, ("ok", "ok", "ok"), "can too: the sidecar's user has the capabilities"),
    ({"found": "no file below 1 MiB was found on it"}, ("ok", "ok", "skip"), "not proven here: no file below"),
    ({"source": ""}, ("warn", "warn", "warn"), "not proven: there is no readable file of another user"),
], ids=["no-chown", "no-fowner", "no-dac-override", "root-squash", "root", "nothing-closed", "no-source"])
def test_what_the_kernel_refuses_is_what_is_said(
    changes: dict[str, bool | str], expected: tuple[str, ...], words: str
) -> None:
    sidecar = Sidecar(**changes)  # type: ignore[arg-type]
    checks = prove(sidecar)
    assert verdicts(checks) == expected
    assert words in " ".join(check.observed for check in checks.values())
    assert len(sidecar.cleaned) == 1


def test_storage_that_ignores_the_capabilities_is_told_from_a_sidecar_without_them() -> None:
    assert "root_squash" in prove(Sidecar(reads_claim=False))["read data"].advice
    assert "root_squash" not in prove(Sidecar(reads=False, reads_claim=False))["read data"].advice


def test_a_kopia_that_cannot_start_fails_all_untried() -> None:
    sidecar = Sidecar()
    checks = prove(sidecar, starts=False)
    assert verdicts(checks) == ("fail", "fail", "fail") and sidecar.seen == []
    assert checks["read data"].observed == "kopia cannot start"


@pytest.mark.parametrize("limit, verdict", [("128Mi", Verdict.WARN), ("256Mi", Verdict.OK), ("1Gi", Verdict.OK)])
def test_a_sidecar_with_too_little_memory_is_not_put_at_risk(limit: str, verdict: Verdict) -> None:
    sidecar = Sidecar()
    checks = list(prove_files(sidecar, claims=[CLAIM], starts=True, memory_limit=limit))
    assert [check.verdict for check in checks] == [verdict] * 3
    assert bool(sidecar.seen) == (verdict is Verdict.OK)
    assert verdict is Verdict.OK or "the sidecar's memory limit is 128Mi" in checks[0].observed


@pytest.mark.parametrize("command, answer, words", [
    ("kopia repository create", ExecResult(1, "", "no space left on device\n"), "exit code 1: no space left on device"),
    ("kopia restore s1", errors.TimedOut("slow"), "kopia restore s1 did not end in time (--timeout)"),
    ("kopia snapshot create", ExecResult(0, "uploaded\n", ""), "answered no JSON"),
    ("kopia snapshot create", errors.Unavailable("gone", status=500, server_message="container not found"),
     "kopia snapshot create: container not found"),
])
def test_what_cannot_be_measured_is_not_proven(command: str, answer: ExecResult | Exception, words: str) -> None:
    sidecar = Sidecar(broken={command: answer})
    checks = prove(sidecar)
    assert verdicts(checks) == ("warn", "warn", "warn")
    assert all(check.observed.startswith("not proven: ") and words in check.observed for check in checks.values())
    assert len(sidecar.cleaned) == 1


def test_kopias_progress_and_colors_are_left_out_of_its_words() -> None:
    said = " | 0 hashing, uploaded 0 B, estimating...\x1b[31mERROR\x1b[0m upload error: permission denied\n"
    checks = prove(Sidecar(broken={"kopia restore s1": ExecResult(1, "", said)}))
    assert checks["chown-on-scratch"].observed == (
        "not proven: kopia restore s1: exit code 1: upload error: permission denied")


def test_an_interrupt_and_a_refusal_leave_nothing_behind() -> None:
    for raised in (KeyboardInterrupt(), errors.Forbidden("cannot exec", status=403)):
        sidecar = Sidecar(broken={"kopia restore s1": raised})
        with pytest.raises(type(raised)):
            prove(sidecar)
        assert len(sidecar.cleaned) == 1


def test_what_could_not_be_removed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    sidecar = Sidecar()
    script = sidecar._script
    monkeypatch.setattr(sidecar, "_script", lambda words, path: ExecResult(1, "", "rm: cannot remove\n")
                        if words == CLEAN else script(words, path))
    check = prove(sidecar)["scratch-cleaned"]
    assert check.verdict is Verdict.WARN and check.observed.endswith("rm: cannot remove")


def bash(script: str, path: Path) -> str:
    command = ["bash", "-c", script, "verify", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_scripts_in_a_real_shell(tmp_path: Path) -> None:
    prepared = parse_found(bash(PREPARE, tmp_path / "new"))
    assert prepared is not None and (tmp_path / "new").is_dir()
    own = tmp_path / "own file"
    own.write_text("x")
    own.chmod(0o600)
    shown = bash(LOOK, own)
    assert parse_found(shown) == FoundFile(str(own), own.stat().st_uid, 0o600, int(own.stat().st_mtime))
    assert shown.splitlines()[1] == "readable"
    assert bash(FIND_CLOSED, tmp_path).startswith("no file below 1 MiB that is closed to user ")
    bash(CLEAN, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("text", ["", "closed\n", "file x 600 1 /a\n", "stat: cannot stat"])
def test_no_file_shown(text: str) -> None:
    assert parse_found(text) is None
