"""Progress: plain lines, quiet, and the live display on a real (pseudo) terminal."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import plugin_core
from plugin_core.render import progress as module
from plugin_core.render.progress import Lines, Live, Quiet, make_progress

SCRIPT = """
import sys, time
from plugin_core.render.progress import make_progress
with make_progress(quiet=False) as progress:
    progress.phase("waiting for 2 snapshots [bold]to be ready[/]", total=2)
    progress.update(done=0, waiting_for="[x] not markup")
    time.sleep(0.15)
    progress.note("volumesnapshot/a created " + "and a long story " * 10)
    progress.warn("slow [driver]")
    progress.update(done=1)
    progress.phase("cleaning up")
    time.sleep(0.15)
print("the answer")
if "--fail" in sys.argv:
    with make_progress(quiet=False) as progress:
        progress.phase("failing")
        raise KeyboardInterrupt
"""


def story(progress):
    with progress:
        progress.phase("waiting for 2 snapshots", total=2)
        progress.update(done=0, waiting_for="not bound")
        progress.update(done=0, waiting_for="not bound")
        progress.update(done=1, waiting_for="")
        progress.note("volumesnapshot/a created")
        progress.warn("slow driver")
        progress.phase("cleaning up")
        progress.update(done=0)


def test_lines(monkeypatch):
    clock = iter([0, 10, 13, 14, 15, 20, 21.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    story(Lines(stream))
    assert stream.getvalue() == (
        "waiting for 2 snapshots\n"
        "waiting for 2 snapshots: 0/2 after 3s: not bound\n"
        "waiting for 2 snapshots: 1/2 after 5s\n"
        "volumesnapshot/a created\n"
        "warning: slow driver\n"
        "cleaning up\n"
    )


def test_quiet_shows_warnings_only():
    stream = io.StringIO()
    story(Quiet(stream))
    assert stream.getvalue() == "warning: slow driver\n"


@pytest.mark.parametrize("quiet, terminal, expected", [
    (False, False, Lines), (False, True, Live), (True, True, Quiet), (True, False, Quiet),
])
def test_which_one(quiet, terminal, expected):
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    assert type(make_progress(quiet=quiet, stream=stream)) is expected


def on_a_terminal(*arguments, **environment):
    """What came on stdout (a pipe), what the terminal on stderr got, and the exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=theirs, text=True,
        env={**{key: value for key, value in os.environ.items() if key != "NO_COLOR"}, "TERM": "xterm-256color",
             "COLUMNS": "120", "PYTHONPATH": str(Path(plugin_core.__file__).parents[1]), **environment},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    answer = process.stdout.read()
    process.stdout.close()
    return answer, seen.decode(), process.wait(5)


def test_the_live_display_leaves_stdout_alone_and_the_terminal_tidy():
    answer, terminal, code = on_a_terminal()
    assert (answer, code) == ("the answer\n", 0)
    assert "[bold]to be ready[/]" in terminal and "[x] not markup" in terminal, "nothing is taken for markup"
    assert "warning: slow [driver]" in terminal
    assert "1/2" in terminal
    assert terminal.rindex("\x1b[?25h") > terminal.rindex("\x1b[?25l"), "the cursor is shown again"
    assert "and a long story " * 9 in terminal.replace("\r\n", ""), "notes are not cut"


def test_the_cursor_comes_back_after_an_interruption():
    _, terminal, code = on_a_terminal("--fail")
    assert code != 0
    assert terminal.rindex("\x1b[?25h") > terminal.rindex("\x1b[?25l")


def test_no_color_is_honoured():
    _, terminal, _ = on_a_terminal(NO_COLOR="1")
    assert "\x1b[3" not in terminal and "\x1b[1;3" not in terminal


def test_a_dumb_terminal_gets_no_escapes():
    answer, terminal, code = on_a_terminal(TERM="dumb")
    assert (answer, code) == ("the answer\n", 0)
    assert "\x1b[" not in terminal
    assert "volumesnapshot/a created" in terminal
