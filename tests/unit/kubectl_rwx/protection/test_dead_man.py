"""The timer's scripts in the shells that containers have."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from kubectl_rwx.protection import dead_man
from kubectl_rwx.protection.dead_man import start_timer, thaw_and_stop
from plugin_core import errors
from plugin_core.kube.cluster import ExecResult

SHELLS = [shell for shell in (["busybox", "sh"], ["dash"], ["bash"]) if shutil.which(shell[0])]


class Container:
    """Runs what would be run in a container as processes of this machine, with one shell."""

    def __init__(self, shell: list[str], path: str) -> None:
        self._shell, self._path = shell, path

    def execute(
        self, pod: str, command: Sequence[str], *, namespace: str, container: str = "", seconds: float = 60
    ) -> ExecResult:
        done = subprocess.run([*self._shell, *command[1:]], capture_output=True, text=True, timeout=10,
                              env={"PATH": self._path}, start_new_session=True)
        return ExecResult(done.returncode, done.stdout, done.stderr)


@pytest.fixture(autouse=True)
def own_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers are found in all of /proc, and in that of this machine are those of others, of the sandbox's pods too."""
    monkeypatch.setattr(dead_man, "MARK", f"thaw-timer-of-test-{uuid.uuid4().hex}")


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def container(request: pytest.FixtureRequest, tmp_path: Path) -> Container:
    """Its PATH has a `sh` that is that shell."""
    shell = shutil.which(request.param[0])
    assert shell
    (tmp_path / "sh").symlink_to(shell)
    return Container(request.param, f"{tmp_path}:{os.environ['PATH']}")


def start(container: Container, seconds: int, word: Path, run: str) -> int:
    return start_timer(container, "p", namespace="n", container="c", seconds=seconds,  # type: ignore[arg-type]
                       thaw=("touch", str(word)), run=run)


def thaw(container: Container, run: str, *command: str) -> ExecResult:
    return container.execute("p", thaw_and_stop(command or ("true",), run=run), namespace="n")


def stop(container: Container, run: str) -> int:
    """How many processes were ended: the timer, and what it has forked and does not yet go by a name of its own."""
    return len(thaw(container, run).stdout.split())


def runs(pid: int) -> bool:
    """A process that ended and that nobody has asked about has no command line any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return False


def waits(pid: int) -> bool:
    """Whether it stands still with a child."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return bool(children) and Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "S"


def test_it_runs_on_after_its_session_and_thaws_by_itself(container: Container, tmp_path: Path) -> None:
    pid = start(container, 1, tmp_path / "thawed", run := f"run{os.getpid()}a")
    assert f"{dead_man.MARK}-{run}" in Path(f"/proc/{pid}/cmdline").read_text()
    assert not (tmp_path / "thawed").exists()
    until = time.monotonic() + 1.8
    while not (tmp_path / "thawed").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert (tmp_path / "thawed").exists()


def test_a_strangers_signal_makes_it_thaw_at_once(container: Container, tmp_path: Path) -> None:
    pid = start(container, 60, tmp_path / "thawed", "s")
    begun = time.monotonic()
    # a signal in the moment before a shell waits is noticed when the wait is over
    while not waits(pid) and time.monotonic() < begun + 5:
        time.sleep(0.05)
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 5
    while runs(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not runs(pid) and (tmp_path / "thawed").exists()


def test_it_is_beyond_the_reach_of_its_session_when_it_is_told(container: Container, tmp_path: Path) -> None:
    pid = start(container, 60, tmp_path / "thawed", "r")
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    ignored, caught = (int(status[name], 16) for name in ("SigIgn", "SigCgt"))
    assert ignored >> signal.SIGHUP - 1 & 1
    assert all(caught >> number - 1 & 1 for number in (signal.SIGTERM, signal.SIGUSR1))
    assert os.getsid(pid) == pid and runs(pid)
    assert stop(container, "r") >= 1


def test_stopped_it_does_nothing(container: Container, tmp_path: Path) -> None:
    pid = start(container, 60, tmp_path / "thawed", run := f"run{os.getpid()}b")
    assert stop(container, "other") == 0 and runs(pid)
    assert stop(container, run) >= 1
    until = time.monotonic() + 1
    while runs(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not runs(pid) and not (tmp_path / "thawed").exists()


def test_a_thaw_that_fails_leaves_the_timer_at_work(container: Container, tmp_path: Path) -> None:
    pid = start(container, 60, tmp_path / "thawed", run := f"run{os.getpid()}c")
    done = thaw(container, run, "sh", "-c", "echo no database >&2; exit 7")
    assert (done.exit_code, done.stderr.strip()) == (7, "no database")
    assert runs(pid)
    assert thaw(container, run, "touch", str(tmp_path / "by us")).exit_code == 0
    assert (tmp_path / "by us").exists() and not (tmp_path / "thawed").exists()


def test_a_new_timer_ends_those_of_earlier_runs(container: Container, tmp_path: Path) -> None:
    before = start(container, 60, tmp_path / "thawed", f"run{os.getpid()}d")
    after = start(container, 60, tmp_path / "thawed", run := f"run{os.getpid()}e")
    until = time.monotonic() + 1
    while runs(before) and time.monotonic() < until:
        time.sleep(0.02)
    assert not runs(before) and runs(after)
    assert stop(container, run) >= 1


@pytest.mark.parametrize(("command", "code", "words"), [
    (("sh", "-c", "echo done; exit 3"), 3, "done"), (("sleep", "9"), -9, ""),
    (("sh", "-c", "sleep 9; echo late"), -9, ""),
])
def test_a_freeze_that_takes_too_long_is_killed_with_all_it_started(
    container: Container, command: tuple[str, ...], code: int, words: str
) -> None:
    done = container.execute("p", dead_man.limited(command, seconds=1), namespace="n")
    assert (done.exit_code, done.stdout.strip()) == (code, words)


def test_a_container_without_sleep_is_told(tmp_path: Path) -> None:
    shell = shutil.which("dash") or shutil.which("bash")
    assert shell
    (tmp_path / "sh").symlink_to(shell)
    (tmp_path / "tr").symlink_to(str(shutil.which("tr")))
    with pytest.raises(errors.NotReady, match='it has no "sleep"'):
        start(Container([shell], str(tmp_path)), 1, tmp_path / "thawed", "x")
