"""What the frozen executables write: to narrow terminals, to none, without colours, in other encodings, to nobody."""

from __future__ import annotations

import subprocess

import pytest

from cluster.kubectl import Kubectl, run
from cluster.manifests import claim
from cluster.terminals import terminal

COLOURS = b"\x1b[3", b"\x1b[9", b"\x1b[1m"


@pytest.fixture
def snapshot(cluster_environment: dict[str, str], namespace: Kubectl) -> list[str]:
    """A command that shows progress and then a table."""
    namespace.apply(claim("a-claim-with-a-rather-long-name-for-a-narrow-terminal"))
    return ["kubectl-rwx", "-n", namespace.name, "snapshot", "--all"]


def test_a_narrow_terminal_with_and_without_colours(
    cluster_environment: dict[str, str], snapshot: list[str]
) -> None:
    wanted = {**cluster_environment, "TERM": "xterm-256color"}
    for variable in ("NO_COLOR", "COLUMNS", "LINES"):
        wanted.pop(variable, None)
    for environment in (wanted, {**wanted, "NO_COLOR": "1"}):
        with terminal(snapshot, environment=environment, columns=40) as shown:
            assert shown.wait() == 0, shown.shown
            assert "CONSISTENCY" in shown.shown.splitlines()[-2], "the table's lines are not broken by us"
            assert "true" in shown.shown.splitlines()[-1]
            if "NO_COLOR" in environment:
                assert not [colour for colour in COLOURS if colour in shown.bytes]
    with terminal(["kubectl-rwx", "snapshot", "--help"], environment=wanted, columns=40) as shown:
        assert shown.wait() == 0
        prose = shown.shown.partition("Examples:")[0]
        assert max(map(len, prose.splitlines())) <= 50, "the narrowest that click writes"


def test_no_terminal(cluster_environment: dict[str, str], snapshot: list[str]) -> None:
    done = run(snapshot, environment={**cluster_environment, "TERM": "xterm-256color"}, check=True)
    assert "\x1b" not in done.stdout + done.stderr and "\r" not in done.stderr
    assert "CONSISTENCY" in done.stdout and "CONSISTENCY" not in done.stderr
    assert done.stderr, "progress in plain lines"
    silent = subprocess.run(snapshot, env=cluster_environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, start_new_session=True)
    assert silent.returncode == 0 and b"CONSISTENCY" in silent.stdout


@pytest.mark.parametrize("locale", [
    {"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C"}, {"LANG": "C", "LC_ALL": ""}, {"LC_ALL": "POSIX"},
])
def test_letters_beyond_ascii(cluster_environment: dict[str, str], locale: dict[str, str]) -> None:
    environment = {**cluster_environment, **locale}
    refused = subprocess.run(["kubectl-rwx", "list", "-l", "größe日本=x"], env=environment, capture_output=True)
    assert refused.returncode == 1, refused.stderr
    assert "Invalid value: \"größe日本\"".encode() in refused.stderr
    assert b"should not have happened" not in refused.stderr


def test_a_reader_that_leaves(cluster_environment: dict[str, str]) -> None:
    for command in ("kubectl-rwx --help", "oc-gsb rbac", "kubectl-rwx list -A -o yaml", "kubectl-rwx version"):
        script = f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}"
        done = run(["bash", "-c", script], environment=cluster_environment, check=True)
        assert done.stdout.splitlines()[-1] == "0", command
        assert done.stderr == "", command


def test_a_stdout_that_cannot_be_written_to(cluster_environment: dict[str, str]) -> None:
    for where, why in ((">&-", "it is closed"), (">/dev/full", "No space left on device")):
        done = run(["bash", "-c", f"kubectl-rwx version -o json {where}"], environment=cluster_environment, check=False)
        assert done.returncode == 1
        assert f"cannot be written to stdout: {why}" in done.stderr and "Traceback" not in done.stderr


def test_ctrl_c_in_a_terminal(cluster_environment: dict[str, str], namespace: Kubectl) -> None:
    namespace.apply(claim("data", storage_class="slow"))
    command = ["kubectl-rwx", "-n", namespace.name, "snapshot", "pvc/data", "--name", "left"]
    with terminal(command, environment={**cluster_environment, "TERM": "xterm"}) as shown:
        namespace.wait_until(lambda: namespace("get", "vs", "-o", "name").stdout, "the snapshot")
        shown.type("\x03")
        assert shown.wait() == 130, shown.shown
        assert "Traceback" not in shown.shown
